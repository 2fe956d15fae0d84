"""What a recommender has to beat: by hand, chosen on the validation part alone, and told what is missing."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.histories import Interaction, write_histories
from zhixing.evaluate.baselines.kinds import Wish, open_contest
from zhixing.evaluate.baselines.recommendation import (
    RecommendationContest,
    open_recommendation,
)
from zhixing.evaluate.tasks.measure import scores

TEXTS = {
    "a": "red wine of the south", "b": "red wine of the north", "c": "white wine", "d": "a green bottle",
    "e": "green glass", "f": "an old map of the north", "g": "a new green bottle",
}  # fmt: skip
TAKEN = {"one": "abcde", "two": "abdce", "three": "bacfd", "four": "cabeg"}


def write(folder: Path, histories: dict[str, str] = TAKEN) -> Path:
    folder.mkdir(exist_ok=True)
    rows = [
        Interaction(user=user, item=item) for user, items in histories.items() for item in items
    ]
    write_histories(rows, TEXTS, folder)
    return folder


@pytest.fixture
def contest(tmp_path: Path) -> RecommendationContest:
    return open_recommendation(write(tmp_path / "data"))


def answers(contest: RecommendationContest) -> dict[str, list[list[str]]]:
    return {each.name: list(each.answers) for each in contest.baselines(seed=1)}


def test_popularity_is_the_same_list_without_what_was_taken(contest: RecommendationContest) -> None:
    # a, b and c stand four times, four and three times in the training histories abc, abd, bac, cab; d once
    assert answers(contest)["popularity"] == [[], [], ["d"], ["d"]]


def test_item_item_is_the_cosine_of_co_occurrence(contest: RecommendationContest) -> None:
    d_from_a = 1 / math.sqrt(4 * 1)  # one user of four who took a took d, which nobody else took
    d_from_c = 0.0
    assert d_from_a > d_from_c
    assert answers(contest)["item-item"] == [[], [], ["d"], ["d"]]
    lonely = replace(
        contest,
        test=replace(contest.test, users=("x",), histories=(("c",),), following=("d",)),
    )
    (listed,) = answers(lonely)["item-item"]
    assert listed == ["a", "b"]  # 3 / √(3·4) each; d was never taken with c


def test_texts_know_items_that_nobody_took(contest: RecommendationContest) -> None:
    found = answers(contest)["texts, TF-IDF"]
    assert "g" in found[0]
    assert all(not {*listed} & {*taken} for listed, taken in zip(found, contest.test.histories, strict=True))  # fmt: skip
    assert "1 of the test users took an item next that no user is learnt from" not in contest.told()
    assert any(told.startswith("3 of the test users took an item next") for told in contest.told())


def test_scores_are_those_of_the_lists(contest: RecommendationContest) -> None:
    judged = contest.judge([["e"], ["g", "e"], [], ["a", "b"]])
    found = {each.name: each for each in scores(judged)}
    assert found["recall@10"].value == pytest.approx(2 / 4)
    assert found["ndcg@10"].value == pytest.approx((1 + 1 / math.log2(3)) / 4)
    assert found["coverage@10"].value == pytest.approx(4 / 7)
    assert found["coverage@10"].low is None
    assert found["recall@10_new_items"].value == pytest.approx(2 / 3)  # e, e and g; d was learnt
    assert found["recall@10_new_items"].count == 3
    assert "mrr" not in found


def test_what_is_tested_chooses_nothing(contest: RecommendationContest) -> None:
    turned = replace(contest, test=replace(contest.test, following=("g", "g", "e", "d")))
    assert answers(contest) == answers(turned)
    assert [each.told for each in contest.baselines(seed=1)] == [
        each.told for each in turned.baselines(seed=1)
    ]


def test_the_best_on_the_validation_part_is_first(contest: RecommendationContest) -> None:
    following = ("d",) * 4
    histories = (("a", "b"),) * 4
    held = replace(contest.validation, histories=histories, following=following)
    first, *_ = replace(contest, validation=held).baselines(seed=1)
    assert first.name == "popularity"  # all that were taken and are not in the history: c, then d
    assert first.told == "the same for all"


@pytest.mark.parametrize(
    ("part", "row", "told"),
    [
        ("test", {"user": "x", "history": ["a"], "next": "?"}, ":1 has the item '?'"),
        ("test", {"user": "x", "history": ["a"], "next": "a"}, "'a' comes next and is in the hist"),
        ("test", {"user": "one", "history": ["f"], "next": "a"}, "has taken in train already"),
        ("train", {"user": "x", "history": "a", "next": "b"}, r":1 is no example \{user, his"),
        ("train", {"user": "x", "history": [{}], "next": "b"}, r":1 is no example \{user, his"),
    ],
)
def test_rows_that_cannot_be_measured_are_named(
    part: str, row: dict[str, object], told: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "data")
    (folder / f"{part}.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    with pytest.raises(DataError, match=told):
        open_contest(folder, Wish())


def test_a_folder_without_items_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "data")
    (folder / "items.jsonl").unlink()
    with pytest.raises(DataError, match=r"has no items\.jsonl"):
        open_contest(folder, Wish())
