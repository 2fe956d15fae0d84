"""Windows share the work of scoring exactly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhixing.objective.window import windows


@given(count=st.integers(0, 200), time=st.integers(1, 40))
def test_every_prediction_counts_once_with_enough_context(count: int, time: int) -> None:
    scored = []
    for window in windows(count, time):
        assert 0 < window.stop - window.start <= time
        assert window.start <= window.first < window.stop <= count
        if window.start > 0:
            assert window.stop - window.start == time
            assert window.first - window.start >= time // 2
        scored += range(window.first, window.stop)
    assert scored == list(range(count))


def test_a_text_that_fits_is_one_window() -> None:
    (window,) = windows(8, 8)
    assert (window.start, window.stop, window.first) == (0, 8, 0)


def test_no_context_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="time"):
        list(windows(3, 0))
