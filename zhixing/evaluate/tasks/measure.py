"""One number for many items, its interval, and whether two systems differ in it.

    SumMeasure    a formula of sums over items: accuracy, F1, BLEU, ROUGE, exact match
    PairMeasure   a statistic of all (guess, truth) pairs together: rank correlation, area under a curve

Both can be computed with items drawn again (the bootstrap) and with items swapped between two systems (approximate
randomisation), so one interval and one test serve every metric. A measure that cannot be computed, such as F1 where there
is neither a guess nor an entity, is not a number and gives no score; it is told instead of printed as zero.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.resampling import (
    RESAMPLES,
    Difference,
    Floats,
    drawn_weights,
    percentiles,
    random_swaps,
    share_of_hits,
)
from zhixing.evaluate.score import Score

Formula = Callable[[Floats], Floats]
"""Sums (draws, columns) to values (draws,); not a number where it is not defined."""
Statistic = Callable[[Floats, Floats, Floats], Floats]
"""Guesses (items,), truths (items,) and weights (draws, items) to values (draws,)."""


class Measure(Protocol):
    """One quality of one system on some items."""

    @property
    def name(self) -> str:
        """What is measured."""

    @property
    def unit(self) -> str:
        """What one is."""

    @property
    def better(self) -> str:
        """Which values are better."""

    @property
    def signature(self) -> str:
        """What the number depends on besides the answers."""

    @property
    def can_resample(self) -> bool:
        """Whether an item drawn twice counts twice; without it there is no interval."""

    def __len__(self) -> int:
        """Number of items."""

    def value(self) -> float:
        """The number itself; not a number where it is not defined."""

    def drawn(self, weights: Floats) -> Floats:
        """Its values when each item counts as often as its weight says: (draws, items) to (draws,)."""

    def swapped(self, other: Self, swaps: NDArray[np.bool_]) -> Floats:
        """Its values when the marked items are `other`'s: (draws, items) to (draws,)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SumMeasure:
    """`formula` of the column sums of `table` (items, columns).

    `can_resample` is False where an item drawn twice does not count twice, as for the number of different words.
    `keys` names classes: the columns are then groups of one column per key, and two systems may have met other classes.
    """

    name: str
    signature: str
    table: Floats
    formula: Formula
    unit: str = "share"
    better: str = "higher"
    can_resample: bool = True
    keys: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    def value(self) -> float:
        """The formula of all sums."""
        return float(self.formula(self.table.sum(axis=0, keepdims=True))[0])

    def drawn(self, weights: Floats) -> Floats:
        """The formula of weighted sums."""
        return self.formula(weights @ self.table)

    def swapped(self, other: Self, swaps: NDArray[np.bool_]) -> Floats:
        """The formula of the sums after an exchange."""
        keys = tuple(sorted({*self.keys, *other.keys}))
        mine, theirs = self._with_columns(keys), other._with_columns(keys)
        return self.formula(mine.sum(axis=0) + swaps.astype(np.float64) @ (theirs - mine))

    def _with_columns(self, keys: tuple[str, ...]) -> Floats:
        """The table with a column of zeros in every group for each key that it lacks."""
        if keys == self.keys:
            return self.table
        groups = self.table.reshape(len(self.table), -1, len(self.keys))
        wide = np.zeros((*groups.shape[:2], len(keys)))
        wide[:, :, [keys.index(key) for key in self.keys]] = groups
        return wide.reshape(len(self.table), -1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PairMeasure:
    """`statistic` of numbers guessed and true numbers, one each per item."""

    name: str
    signature: str
    guesses: Floats
    truths: Floats
    statistic: Statistic
    unit: str = "share"
    better: str = "higher"
    can_resample: bool = True

    def __len__(self) -> int:
        return len(self.guesses)

    def value(self) -> float:
        """The statistic with every item once."""
        ones = np.ones((1, len(self.guesses)))
        return float(self.statistic(self.guesses, self.truths, ones)[0])

    def drawn(self, weights: Floats) -> Floats:
        """The statistic under weights."""
        return self.statistic(self.guesses, self.truths, weights)

    def swapped(self, other: Self, swaps: NDArray[np.bool_]) -> Floats:
        """The statistic of exchanged guesses."""
        ones = np.ones((1, len(self.guesses)))
        return np.concatenate(
            [
                self.statistic(np.where(swap, other.guesses, self.guesses), self.truths, ones)
                for swap in swaps
            ]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """Every measure of one system on one task, what else is worth knowing, and what was odd in the data."""

    task: str
    measures: tuple[Measure, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDifference(Difference):
    """How far a and b are apart in one measure."""

    name: str
    better: str
    signature: str


def score(measure: Measure, *, seed: int = 42) -> Score | None:
    """The number with its 95 % interval; None where it is not defined."""
    value = measure.value()
    if math.isnan(value):
        return None
    low = high = None
    if measure.can_resample and len(measure) > 1:
        drawn = [measure.drawn(weights) for weights in drawn_weights(len(measure), seed)]
        low, high = percentiles(_defined(np.concatenate(drawn)))
    return Score(
        name=measure.name,
        value=value,
        low=low,
        high=high,
        count=len(measure),
        unit=measure.unit,
        better=measure.better,
        seed=seed,
        signature=measure.signature,
    )


def scores(judged: Judged, *, seed: int = 42) -> list[Score]:
    """Every score that is defined; `undefined` names the others."""
    made = [score(measure, seed=seed) for measure in judged.measures]
    return [one for one in made if one is not None]


def undefined(judged: Judged) -> list[str]:
    """Names of the measures that these data do not define."""
    return [measure.name for measure in judged.measures if math.isnan(measure.value())]


def compare(a: Judged, b: Judged, *, seed: int = 42) -> list[TaskDifference]:
    """Is a better than b? For every measure that both have and that can be resampled.

    Raises UsageError when the two are not of one task, items and signature: then nothing can be paired.
    """
    if a.task != b.task:
        raise UsageError(f"task {a.task!r} cannot be compared with task {b.task!r}")
    second = {measure.name: measure for measure in b.measures}
    pairs = [(one, second[one.name]) for one in a.measures if one.name in second]
    return [
        _difference(one, other, seed)
        for one, other in pairs
        if one.can_resample and not math.isnan(one.value() - other.value())
    ]


def mean(name: str, values: Sequence[float], signature: str, *, unit: str = "share") -> SumMeasure:
    """A measure that is the mean over items. Raises DataError when there are none."""
    if not values:
        raise DataError(f"{name}: there is nothing to score")
    table = np.array([[value, 1.0] for value in values])
    return SumMeasure(name=name, signature=signature, table=table, formula=quotient, unit=unit)


def length_ratio(predictions: Sequence[str], references: Sequence[str]) -> SumMeasure:
    """Characters written per character of the references."""
    lengths = [[len(p), len(r)] for p, r in zip(predictions, references, strict=True)]
    return SumMeasure(
        name="length_ratio",
        signature="characters",
        table=np.array(lengths, dtype=np.float64),
        formula=quotient,
        unit="characters/character",
        better="nearest to 1",
    )


def quotient(sums: Floats) -> Floats:
    """First column over second; not a number where the second is zero."""
    return divided(sums[:, 0], sums[:, 1])


def divided(above: Floats, below: Floats) -> Floats:
    """Above / below; not a number where below is zero."""
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)


def library_version(name: str) -> str:
    """`name-1.2.3` of an installed library, for signatures."""
    from importlib.metadata import version

    return f"{name}-{version(name)}"


def require_pairs(task: str, predictions: Sequence[Any], references: Sequence[Any]) -> None:
    """Raise DataError unless there is one reference for each prediction and at least one pair."""
    if len(predictions) != len(references):
        raise DataError(
            f"{task}: {len(predictions)} predictions and {len(references)} references; there must be one each, "
            "in the same order"
        )
    if not predictions:
        raise DataError(f"{task}: there is nothing to score")


def together(table: Floats, documents: Sequence[str]) -> Floats:
    """A row for each document, the sum of those of its items; without documents the rows as they are.

    Raises DataError for another number of documents than of items.
    """
    if not documents:
        return table
    if len(documents) != len(table):
        raise DataError(f"{len(table)} items and {len(documents)} documents; each item is of one")
    _, place = np.unique(np.array(documents, dtype=object), return_inverse=True)
    sums = np.zeros((int(place.max()) + 1, table.shape[1]))
    np.add.at(sums, place, table)
    return sums


def drawn_together(measure: SumMeasure, homes: Sequence[str], what: str) -> SumMeasure:
    """A measure whose `homes` (one for each item, such as its document) are drawn and swapped, each with all its items.

    Without homes the measure as it is. The signature names `what` is drawn. Raises DataError as `together` does.
    """
    if not homes:
        return measure
    signature = f"{measure.signature}|drawn:{what}"
    return replace(measure, table=together(measure.table, homes), signature=signature)


def _difference(a: Measure, b: Measure, seed: int) -> TaskDifference:
    if a.signature != b.signature or len(a) != len(b):
        raise UsageError(
            f"{a.name}: these scores cannot be compared: {len(a)} items of {a.signature} against {len(b)} items of "
            f"{b.signature}; score both systems on the same items in the same way"
        )
    first, second = a.value(), b.value()
    gains = [a.drawn(w) - b.drawn(w) for w in drawn_weights(len(a), seed)]
    low, high = percentiles(_defined(np.concatenate(gains))) if len(a) > 1 else (None, None)
    observed = abs(first - second) * (1.0 - 1e-9)  # a rounding error must not undo a tie
    hits = 0
    for swaps in random_swaps(len(a), seed):
        differences = np.abs(a.swapped(b, swaps) - b.swapped(a, swaps))
        hits += int((differences >= observed).sum())
    return TaskDifference(
        a=first,
        b=second,
        difference=first - second,
        low=low,
        high=high,
        p_value=share_of_hits(hits),
        count=len(a),
        seed=seed,
        resamples=RESAMPLES,
        name=a.name,
        better=a.better,
        signature=a.signature,
    )


def _defined(values: Floats) -> Floats:
    return values[~np.isnan(values)]
