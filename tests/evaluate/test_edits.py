"""Edits against distances worked out by hand and by the recursive definition; intervals that cover what they should."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhixing.core.errors import DataError
from zhixing.evaluate.edits import Edits, count_edits, judge_edits
from zhixing.evaluate.tasks.measure import scores


def test_edits_are_those_counted_by_hand() -> None:
    said = ["T", "OW", "K", "AH", "N", "AY", "Z", "ER"]
    assert count_edits(said, [said]) == Edits(edits=0, length=8)
    assert count_edits(["T", "OW", "K", "N", "AY", "S", "ER"], [said]) == Edits(edits=2, length=8)
    assert count_edits([], [said]) == Edits(edits=8, length=8)


def test_the_nearest_reference_counts() -> None:
    ways = [["R", "EH", "D"], ["R", "IY", "D"]]
    assert count_edits(["R", "IY", "D"], ways) == Edits(edits=0, length=3)


@given(
    st.lists(st.sampled_from("abc"), max_size=5),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=5),
)
def test_edits_follow_the_definition(written: list[str], reference: list[str]) -> None:
    @cache
    def distance(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        same = written[i - 1] == reference[j - 1]
        return min(
            distance(i - 1, j) + 1, distance(i, j - 1) + 1, distance(i - 1, j - 1) + (not same)
        )

    expected = distance(len(written), len(reference))
    assert count_edits(written, [reference]).edits == expected


def test_scores_are_ratios_of_sums_with_intervals_around_them() -> None:
    items = [Edits(edits=0, length=2), Edits(edits=1, length=8), Edits(edits=3, length=5)]
    rate, accuracy = scores(judge_edits(items))
    assert rate.value == pytest.approx(4 / 15)
    assert accuracy.value == pytest.approx(1 / 3)
    for score in (rate, accuracy):
        assert score.low is not None
        assert score.high is not None
        assert score.low <= score.value <= score.high
        assert score.low < score.high
    assert (rate.better, accuracy.better) == ("lower", "higher")
    assert scores(judge_edits(items)) == [rate, accuracy]


def test_a_perfect_answer_is_perfect() -> None:
    rate, accuracy = scores(judge_edits([Edits(edits=0, length=3)] * 4))
    assert (rate.value, rate.high, accuracy.value, accuracy.low) == (0, 0, 1, 1)


def test_nothing_to_compare_with_is_refused() -> None:
    for references in ([], [[]]):
        with pytest.raises(DataError, match="no reference"):
            count_edits(["a"], references)
    with pytest.raises(DataError, match="nothing to score"):
        judge_edits([])
