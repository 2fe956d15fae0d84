"""Parts follow from the key alone and have the shares that are said."""

import json
from collections import Counter
from pathlib import Path

import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.pairs import part_of_pair
from zhixing.corpus.parts import number_of, part_of, parts_in_shares, same, write_parts

KEYS = [f"page {number}" for number in range(20_000)]


@pytest.mark.parametrize(("divide", "share"), [(part_of, 0.1), (part_of_pair, 0.05)])
def test_as_many_keys_choose_as_test_and_the_rest_is_learnt(divide, share: float) -> None:
    found = Counter(map(divide, KEYS))
    assert found["test"] / len(KEYS) == pytest.approx(share, abs=0.01)
    assert found["validation"] / len(KEYS) == pytest.approx(share, abs=0.01)
    assert found["train"] == len(KEYS) - found["test"] - found["validation"]


def test_shares_are_those_that_are_asked_for() -> None:
    parts = parts_in_shares(KEYS, validation=0.05, test=0.3)
    found = Counter(parts.values())
    assert found["validation"] / len(KEYS) == pytest.approx(0.05, abs=0.01)
    assert found["test"] / len(KEYS) == pytest.approx(0.3, abs=0.01)
    some = parts_in_shares(KEYS[::7], validation=0.05, test=0.3)
    assert all(parts[key] == part for key, part in some.items()), "the others do not matter"


@pytest.mark.parametrize("first", range(0, 60, 3))
def test_of_few_keys_one_chooses_one_tests_and_one_is_learnt(first: int) -> None:
    parts = parts_in_shares(KEYS[first : first + 3], validation=0.01, test=0.01)
    assert sorted(parts.values()) == ["test", "train", "validation"]
    with pytest.raises(DataError, match="2 different texts or documents are too few"):
        parts_in_shares(KEYS[:2], validation=0.1, test=0.1)


def test_a_key_has_its_number_on_every_machine() -> None:
    """The first eight bytes of `printf 知行 | b2sum -l 64`, so that parts written years apart are the same."""
    assert f"{number_of('知行'):016x}" == "cf6e55f26ebe5cfd"
    assert number_of("\ud800") != number_of("\ud801")  # halves of surrogates, which json can hold


def test_copies_differ_in_spaces_and_case_alone() -> None:
    assert same(" A b\n行 ") == same("aB行") != same("a-b行")


def test_every_part_has_a_file_even_where_it_has_no_row(tmp_path: Path) -> None:
    counts = write_parts([("train", {"text": "知"}), ("train", {"text": "b"})], tmp_path)
    assert counts == {"train": 2, "validation": 0, "test": 0}
    lines = (tmp_path / "train.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [{"text": "知"}, {"text": "b"}]
    assert (tmp_path / "test.jsonl").read_bytes() == b""
