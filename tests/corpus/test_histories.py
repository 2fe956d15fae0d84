"""Interactions as examples: the last of each user is tested, nothing of it was learnt, and what is left out is counted."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.histories import (
    LONGEST,
    Interaction,
    Limits,
    interactions_of,
    items_of,
    word_of,
    write_histories,
)
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.train import train

ITEMS = {name: f"text of {name}" for name in "abcdef"}


def taken(**users: str) -> list[Interaction]:
    return [Interaction(user=user, item=item) for user, items in users.items() for item in items]


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        str(path.relative_to(folder).with_suffix("")): [
            json.loads(line) for line in path.read_text("utf-8").splitlines()
        ]
        for path in folder.glob("**/*.jsonl")
    }


def test_the_last_item_is_tested_and_the_last_but_one_is_for_validation(tmp_path: Path) -> None:
    written = write_histories(taken(one="abcde", two="ba"), ITEMS, tmp_path)
    found = read(tmp_path)
    assert found["train"] == [
        {"user": "one", "history": ["a", "b"], "next": "c"},
        {"user": "two", "history": ["b"], "next": "a"},
    ]
    assert found["validation"] == [{"user": "one", "history": [*"abc"], "next": "d"}]
    assert found["test"] == [{"user": "one", "history": [*"abcd"], "next": "e"}]
    assert found["items"] == [{"item": name, "text": text} for name, text in ITEMS.items()]
    assert written.parts == {"train": 2, "validation": 1, "test": 1}
    assert str(written).startswith("2 users, 6 items; train 2, validation 1, test 1; left out: not")


def test_nothing_that_is_tested_or_chosen_on_is_in_an_example_to_learn_from(tmp_path: Path) -> None:
    write_histories(taken(one="abcdef"), ITEMS, tmp_path)
    found = read(tmp_path)
    learnt = json.dumps([found["train"], found["pairs/train"], found["sequences/train"]])
    assert all(text not in learnt for text in ("text of e", "text of f", '"e"', '"f"'))
    assert word_of("e") not in learnt
    assert found["pairs/test"] == [{"text1": "text of e", "text2": "text of f"}]
    assert found["sequences/validation"][0]["label"] == "e"


def test_pairs_are_of_near_items_and_sequences_are_beginnings(tmp_path: Path) -> None:
    long = {f"{n}": f"text {n}" for n in range(LONGEST + 5)}
    write_histories([Interaction(user="u", item=item) for item in long], long, tmp_path)
    found = read(tmp_path)
    ends = [each["text1"] for each in found["pairs/train"] if each["text2"] == "text 9"]
    assert ends == ["text 6", "text 7", "text 8"]
    first, last = found["sequences/train"][0], found["sequences/train"][-1]
    assert first == {"text": f" {word_of('0')}", "label": "1", "history": ["0"]}
    assert last["history"] == [f"{n}" for n in range(2, LONGEST + 2)]


def test_the_earlier_counts_where_there_are_times(tmp_path: Path) -> None:
    times = dict(zip("abcd", (4, 3, 2, 1), strict=True))
    rows = [Interaction(user="u", item=item, time=time) for item, time in times.items()]
    write_histories(rows, ITEMS, tmp_path)
    assert read(tmp_path)["test"] == [{"user": "u", "history": [*"dcb"], "next": "a"}]


def test_copies_low_ratings_unknown_items_and_single_users_are_counted(tmp_path: Path) -> None:
    rows = [*taken(one="aabcd", two="a"), Interaction(user="one", item="?")]
    rated = [Interaction(user=each.user, item=each.item, rating=4.0) for each in rows]
    rated += [Interaction(user="one", item="f", rating=3.5)]
    limits = Limits(least_rating=4.0, max_unknown=0.2)
    written = write_histories(rated, ITEMS, tmp_path, limits=limits)
    assert written.left_out == {
        "unknown_item": 1,
        "low_rating": 1,
        "copies": 1,
        "users_with_one_item": 1,
    }
    assert read(tmp_path)["test"] == [{"user": "one", "history": [*"abc"], "next": "d"}]


@pytest.mark.parametrize(
    ("rows", "limits", "told"),
    [
        (taken(one="abc?"), Limits(), r"1 of 4 interactions .*'\?'.*--max-unknown 0\.1"),
        (taken(one="abc"), Limits(least_rating=4.0), "'one' has no rating for item 'a'"),
        (taken(one="ab", two="cd"), Limits(), "no user has 3 items"),
        (
            [*taken(one="abc"), Interaction(user="one", item="d", time=1.0)],
            Limits(),
            "3 of 4 interactions have no time",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(
    rows: Iterable[Interaction], limits: Limits, told: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=told):
        write_histories(rows, ITEMS, tmp_path, limits=limits)
    assert not [*tmp_path.iterdir()]


def test_as_many_unknown_items_as_the_limit_says_are_let_pass(tmp_path: Path) -> None:
    written = write_histories(taken(one="abc?"), ITEMS, tmp_path, limits=Limits(max_unknown=0.25))
    assert written.left_out == {"unknown_item": 1}


def test_rows_that_are_no_items_or_interactions_are_named() -> None:
    with pytest.raises(DataError, match=r"x:3 is no interaction .*the keys item, text"):
        [
            *interactions_of(
                [("x:1", {"user": "u", "item": "a"}), ("x:3", {"item": "a", "text": "b"})]
            )
        ]
    for rows, told in (
        (["broken_line"], "x:1 is no item .*broken line"),
        ([{"item": "a", "text": " "}], "item 'a' has no text"),
        ([{"item": "a", "text": "b"}, {"item": "a", "text": "c"}], "x:2: item 'a' has another"),
        ([], "x has no items"),
    ):
        with pytest.raises(DataError, match=told):
            items_of([(f"x:{line}", row) for line, row in enumerate(rows, start=1)], origin="x")
    with pytest.raises(UsageError, match=r"--max-unknown 2\.0"):
        Limits(max_unknown=2.0)


def test_an_item_is_one_token_of_a_tokenizer_of_words() -> None:
    names = ["scalc/01/func_date", "12", "电影 一", "a b-c::d"]
    texts = [f" {word_of(name)}" for name in names]
    assert len(set(texts)) == len(names)
    tokenizer = train(texts, TokenizerConfig(kind="words", vocab=16))
    assert [len(tokenizer.encode_text("".join(texts[:n]))) for n in range(5)] == [0, 1, 2, 3, 4]
