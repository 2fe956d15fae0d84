"""What comes next by texts and by labels, worked out by hand."""

import math

import numpy as np
import pytest

from zhixing.api.recommending import FADING, by_labels, by_texts, recommended
from zhixing.core.errors import DataError

ITEMS = ("a", "b", "c", "d")
VECTORS = np.array([[1, 0], [0, 1], [0.6, 0.8], [0.8, 0.6]], dtype=np.float32)


def test_what_was_taken_last_counts_most() -> None:
    (row,) = by_texts(ITEMS, VECTORS)([["a", "b"]])
    user = np.array([FADING, 1.0]) / math.hypot(FADING, 1.0)
    assert row == pytest.approx(VECTORS @ user, abs=1e-6)
    first, second = recommended([["a", "b"], ["b", "a"]], ITEMS, by_texts(ITEMS, VECTORS), count=2)
    assert [each.item for each in first] == ["c", "d"]
    assert [each.item for each in second] == ["d", "c"]
    assert first[0].score == pytest.approx(second[0].score)


def test_labels_are_put_in_the_order_of_the_items_and_unknown_ones_left_out() -> None:
    scorer = by_labels(
        ITEMS, ("d", "b"), lambda histories: np.array([[1.0, 2.0]], dtype=np.float32)
    )
    (found,) = recommended([["a"]], ITEMS, scorer, count=4)
    assert [(each.item, each.score) for each in found] == [("b", 2.0), ("d", 1.0)]
    with pytest.raises(DataError, match="has learnt the item 'x', which is none of the 4 items"):
        by_labels(ITEMS, ("x",), lambda histories: np.zeros((1, 1), dtype=np.float32))
