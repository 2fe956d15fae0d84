"""Searches end to end: the tiny recipe learns from queries and documents, is measured, and finds documents in a file."""

import json
from pathlib import Path

import numpy as np
import pytest

import zhixing
from tests.evaluate.test_search_baselines import ENGLISH, QUERIES, search, write
from zhixing.api.searching import Index
from zhixing.cli import main
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.corpus.searches import DOCUMENTS
from zhixing.evaluate.baselines.retrieval import open_search
from zhixing.vectors import folder as vectors
from zhixing.vectors.blocks import blocks_of
from zhixing.vectors.table import Vectors


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/help/animals, and in runs/tiny what has learnt from it."""
    folder = tmp_path_factory.mktemp("searches")
    (folder / "runs/help/animals").mkdir(parents=True)
    search(folder / "runs/help/animals", ENGLISH)
    learn(folder, "tiny")
    return folder


def learn(folder: Path, name: str, *more: str) -> None:
    command = ["train", "retrieve-tiny", "--out", str(folder / "runs" / name), "--log", "none"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*command, "--set", "tokenizer.vocab=300", *more]) == 0


def test_the_tiny_recipe_learns_from_queries_and_is_measured(place: Path, capsys) -> None:
    asked = ["evaluate", "baselines", str(place / "runs/help/animals"), "--log", "none", "--json"]
    assert main([*asked, "--model", str(place / "runs/tiny")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["told"][0].startswith("4 documents; 2 queries to learn from, 1 to choose on")
    *_, tiny = found["systems"]
    shown = ["mrr", "recall@1", "recall@10", "ndcg@10"]
    assert [*tiny["scores"]][:4] == shown
    assert tiny["scores"]["recall@10"]["value"] == 1  # of four documents
    assert [each["name"] for each in tiny["against_best_baseline"]] == shown


def test_queries_are_shown_with_the_objective_that_reads_them(place: Path, capsys) -> None:
    assert main(["data", "show", str(place / "runs/help/animals/test.jsonl"), "--num", "1"]) == 0
    assert "objectives that read such rows: similar\n" in capsys.readouterr().out


def test_longer_texts_are_cut_and_told(place: Path, tmp_path: Path) -> None:
    long = {**ENGLISH, "long": "the dog and the fox " * 20}
    model = zhixing.load(place / "runs/tiny")
    answers, told = open_search(search(tmp_path, long)).ask(model)
    assert told == "1 of 5 documents cut to 32 tokens"
    assert {len(each) for each in answers} == {5}
    with pytest.raises(UnsupportedError, match=r"texts\[0\]: .* more than the 32"):
        model.embed([long["long"]])
    whole, start = model.embed([long["long"], "the dog and the fox"], cut=True)
    assert not np.allclose(whole, start)


def test_a_model_that_knows_no_token_of_the_texts_is_refused(place: Path, tmp_path: Path) -> None:
    learn(place, "letters", "--set", "tokenizer.kind=characters", "--set", "train.steps=1")
    contest = open_search(
        search(tmp_path, {name: "狗在房子里睡觉" for name in ENGLISH} | {"x": "河"})
    )
    with pytest.raises(UnsupportedError, match="of the tokens of the documents are unknown"):
        contest.ask(zhixing.load(place / "runs/letters"))


def apply(place: Path, queries: Path, *more: str) -> int:
    asked = ["apply", str(place / "runs/tiny"), str(queries), "--task", "search", "--log", "none"]
    return main([*asked, *more])


def test_documents_are_found_for_every_row_of_a_file(place: Path, tmp_path: Path, capsys) -> None:
    folder = place / "runs/help/animals"
    documents = ["--documents", str(folder / DOCUMENTS)]
    assert apply(place, folder / "test.jsonl", *documents, "--count", "3") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    model = zhixing.load(place / "runs/tiny")
    cosines = model.embed([*QUERIES.values()][1:]) @ model.embed([*ENGLISH.values()]).T
    assert len(found) == len(cosines) == 3
    for line, row in zip(found, cosines, strict=True):
        order = sorted(range(4), key=lambda n, row=row: -row[n])[:3]
        assert line["ranked"] == [[*ENGLISH][n] for n in order]
        assert line["scores"] == pytest.approx([row[n] for n in order], abs=1e-5)
    lines = tmp_path / "queries.txt"
    lines.write_text("where the dog sleeps\n", "utf-8")
    out = ["--out", str(tmp_path / "found.jsonl")]
    assert apply(place, lines, *documents, *out) == 0
    assert len(json.loads((tmp_path / "found.jsonl").read_text())["ranked"]) == 4
    write(tmp_path / "other.jsonl", [{"id": 1, "text": "a dog"}])
    other = ["--documents", str(tmp_path / "other.jsonl")]
    assert apply(place, lines, *other, *out, "--resume") == 3
    assert "was made from another task or option" in capsys.readouterr().err


def test_what_is_found_is_scored_line_by_line(place: Path, tmp_path: Path, capsys) -> None:
    folder, out = place / "runs/help/animals", tmp_path / "found.jsonl"
    documents = ["--documents", str(folder / DOCUMENTS)]
    assert apply(place, folder / "test.jsonl", *documents, "--out", str(out)) == 0
    score = [
        "evaluate",
        "score",
        "--task",
        "retrieval",
        str(out),
        str(folder / "test.jsonl"),
        "--json",
    ]
    assert main(score) == 0
    assert "mrr" in capsys.readouterr().out


def test_a_search_that_cannot_be_is_refused_before_the_work(
    place: Path, tmp_path: Path, capsys
) -> None:
    queries = place / "runs/help/animals/test.jsonl"
    long = tmp_path / "long.jsonl"
    write(long, [{"id": "a", "text": "the dog and the fox " * 20}])
    broken = tmp_path / "broken.jsonl"
    write(broken, [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}])
    for more, code, told in [
        ([], 3, "task search needs the documents: --documents NAME.jsonl"),
        (["--documents", str(tmp_path / "none.jsonl")], 1, "there is no"),
        (["--documents", str(broken)], 1, "the id 'a' was given before"),
        (["--documents", str(long)], 1, "long.jsonl: texts[0]: "),
        (["--documents", str(long), "--count", "0"], 3, "--count 0 must be at least 1"),
    ]:
        assert apply(place, queries, *more) == code
        assert told in capsys.readouterr().err
    assert apply(place, queries, "--documents", str(long), "--cut") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["ranked"] == ["a"]


def test_an_index_finds_its_own_texts_with_any_vectors(place: Path, tmp_path: Path) -> None:
    texts = [*ENGLISH.values()]
    model = zhixing.load(place / "runs/tiny")
    for each in (Index(model, texts), Index(model, [*texts, "fox " * 99], cut=True)):
        assert [near[0].text for near in each.search(texts, count=1)] == texts
    with pytest.raises(DataError, match="no documents"):
        Index(model, [])
    with pytest.raises(UsageError, match="count = 0"):
        Index(model, texts).search(["x"], count=0)
    words = Vectors(["fox", "dog"], np.eye(2, dtype=np.float32))
    vectors.save(blocks_of(words), tmp_path / "words", origin="test")
    opened = zhixing.load(tmp_path / "words")
    assert Index(opened, ["a dog", "a fox"]).search(["fox"])[0][0].index == 1
    with pytest.raises(UsageError, match="cut would do nothing"):
        Index(opened, ["a dog"], cut=True)
