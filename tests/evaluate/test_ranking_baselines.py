"""Texts that a query brings along: shared words order them, a model orders them, and the order of the file tells nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

import zhixing
from tests.trained import rows, train, write_rows
from zhixing.cli import main
from zhixing.core.errors import DataError
from zhixing.corpus.parts import PARTS
from zhixing.evaluate.baselines.ranking import open_ranking
from zhixing.evaluate.contest import value_of

LISTS = [
    {"query": "where the dog sleeps", "texts": ["people buy paper", "a dog sleeps at home"], "relevance": [0, 2]},
    {"query": "cold river", "texts": ["the river is cold", "a cold day", "paper"], "relevance": [2, 1, 0]},
    {"query": "狗在哪里睡觉", "texts": ["人们买纸", "狗在房子里睡觉", "狗"], "relevance": [0, 2, 1]},
]  # fmt: skip


def folder_of(folder: Path, lists: list[dict[str, Any]]) -> Path:
    folder.mkdir(exist_ok=True)
    for part in PARTS:
        write_rows(folder / f"{part}.jsonl", lists)
    return folder


def test_shared_words_order_texts_of_both_languages(tmp_path: Path) -> None:
    contest = open_ranking(folder_of(tmp_path / "lists", LISTS))
    best, *_ = contest.baselines(seed=1)
    assert best.answers == [[1, 0], [0, 1, 2], [1, 2, 0]]
    assert value_of(contest.judge(best.answers), "ndcg@10") == 1.0
    worst = [order[::-1] for order in best.answers]
    assert value_of(contest.judge(worst), "ndcg@10") < 0.8
    assert contest.told() == (
        "3 queries to learn from, 3 to choose on, 3 to test on, with 2.7 texts each",
        "note: 3 of the test queries are also learnt from: the scores are too good",
    )


def test_in_which_order_a_file_has_its_texts_tells_nothing(tmp_path: Path) -> None:
    blind = [{"query": f"{n}", "texts": [f"a{n}", f"b{n}", f"c{n}"], "relevance": [1, 0, 0]} for n in range(90)]  # fmt: skip
    contest = open_ranking(folder_of(tmp_path / "lists", blind))
    for system in contest.baselines(seed=1):
        assert 0.2 < value_of(contest.judge(system.answers), "recall@1") < 0.5


def test_a_model_that_ranks_is_measured_and_one_with_vectors_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = folder_of(tmp_path / "lists", rows("rank"))
    contest = open_ranking(lists)
    ranks = zhixing.load(train(tmp_path, "rank", "encoder", steps=2))
    orders, _ = contest.ask(ranks)
    first = contest.test[0]
    assert orders[0] == [each.index for each in ranks.rank(first.query, first.texts)]
    vectors = zhixing.load(folder := train(tmp_path, "similar", "encoder", steps=2))
    orders, _ = contest.ask(vectors)
    cosines = [vectors.similarity(first.query, text) for text in first.texts]
    assert orders[0] == sorted(range(len(cosines)), key=lambda place: -cosines[place])
    command = ["evaluate", "baselines", str(lists), "--model", str(folder), "--log", "none"]
    assert main(command) == 0
    assert "against TF-IDF" in capsys.readouterr().out


def test_answers_of_apply_are_scored_against_the_rows_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "right.jsonl", LISTS)
    write_rows(
        tmp_path / "own.jsonl", [{"ranked": [1, 0]}, {"ranked": [1, 0, 2]}, {"ranked": [0, 1, 2]}]
    )
    files = [str(tmp_path / name) for name in ("own.jsonl", "right.jsonl")]
    assert main(["evaluate", "score", "--task", "retrieval", *files, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["scores"]
    assert found["mrr"]["value"] == pytest.approx((1 + 1 + 1 / 2) / 3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"query": " "}, "train.jsonl:2: the query is empty or no text"),
        ({"texts": ["a", ""]}, "texts must be a list of texts, none of them empty"),
        ({"relevance": [1, -1]}, "relevance must be a list of numbers of 0 or more"),
        ({"relevance": [1, True]}, "relevance must be a list of numbers of 0 or more"),
        ({"relevance": [1]}, "2 texts and 1 numbers in relevance; each text has one"),
        ({"relevance": [1, 1]}, "there is nothing to order"),
    ],
)
def test_a_row_that_cannot_be_ordered_is_named(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    folder = folder_of(tmp_path / "lists", [LISTS[0], {**LISTS[0], **change}])
    with pytest.raises(DataError) as error:
        open_ranking(folder)
    assert told in str(error.value)
