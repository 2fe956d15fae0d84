"""How far a number would move with other items, and whether a difference is more than chance.

The percentile bootstrap (Efron & Tibshirani 1993, chapter 13) draws items again, as many as there are; approximate
randomisation (Noreen 1989) swaps two systems item by item at random. Both follow from their seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import UsageError

RESAMPLES = 2000
CELLS = 2**22
"""Random numbers drawn at once; bounds the memory of a resampling."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """System a against system b on the same items.

    `low` and `high` bound the 95 % interval of the difference; `p_value` is the share of random swaps of the two,
    item by item, that give a difference at least as large.
    """

    a: float
    b: float
    difference: float
    low: float | None
    high: float | None
    p_value: float
    count: int
    seed: int
    resamples: int

    @property
    def is_significant(self) -> bool:
        """Both tests agree at the 5 % level that the two differ."""
        if self.low is None or self.high is None:
            return False
        return self.p_value < 0.05 and not self.low <= 0.0 <= self.high


def ratio_interval(values: Floats, weights: Floats, seed: int) -> tuple[float | None, float | None]:
    """The 2.5 % and 97.5 % percentiles of sum(values) / sum(weights) over resampled documents."""
    count = len(values)
    if count < 2:
        _require_seed(seed)
        return None, None
    ratios = []
    for drawn in drawn_items(count, seed):
        totals = weights[drawn].sum(axis=1)
        ratios.append(values[drawn].sum(axis=1)[totals > 0] / totals[totals > 0])
    return percentiles(np.concatenate(ratios))


def random_signs(gains: Floats, seed: int) -> float:
    """Two-sided p-value: how often do random signs give a total at least as far from zero?"""
    random = np.random.default_rng(seed)
    observed = abs(gains.sum()) * (1.0 - 1e-12)  # a rounding error must not undo a tie
    hits = 0
    for rows in _portions(len(gains)):
        signs = random.integers(2, size=(rows, len(gains)), dtype=np.int8) * 2 - 1
        hits += int((np.abs(signs @ gains) >= observed).sum())
    return share_of_hits(hits)


def drawn_items(count: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Numbers of items drawn with replacement, in portions (draws, count); RESAMPLES draws together."""
    _require_seed(seed)
    random = np.random.default_rng(seed)
    for rows in _portions(count):
        yield random.integers(count, size=(rows, count))


def drawn_weights(count: int, seed: int) -> Iterator[Floats]:
    """How often each item was drawn: the same draws as `drawn_items`, as weights (draws, count)."""
    for drawn in drawn_items(count, seed):
        places = drawn + np.arange(len(drawn))[:, None] * count
        counts = np.bincount(places.ravel(), minlength=drawn.size)
        yield counts.reshape(drawn.shape).astype(np.float64)


def random_swaps(count: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Which items two systems exchange, by fair coins, in portions (draws, count)."""
    _require_seed(seed)
    random = np.random.default_rng(seed)
    for rows in _portions(count):
        yield random.integers(2, size=(rows, count), dtype=np.int8).astype(np.bool_)


def percentiles(values: Floats) -> tuple[float, float]:
    """The 2.5 % and 97.5 % percentiles."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def share_of_hits(hits: int) -> float:
    """The p-value of `hits` among RESAMPLES random arrangements; the observed one counts too."""
    return (hits + 1) / (RESAMPLES + 1)


def _portions(count: int) -> Iterator[int]:
    """RESAMPLES cut so that a portion times `count` stays within CELLS."""
    size = max(1, CELLS // count)
    for start in range(0, RESAMPLES, size):
        yield min(size, RESAMPLES - start)


def _require_seed(seed: int) -> None:
    if seed < 0:
        raise UsageError(f"seed = {seed}: a seed is zero or larger")
