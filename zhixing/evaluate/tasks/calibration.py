"""Does 80 % sure mean right in 80 of 100 cases? Expected calibration error, its bins, and temperature scaling.

    ECE = Σ_bins (items in bin / all) · |share right in bin - mean confidence in bin|      Naeini et al. 2015; Guo et al. 2017
    softmax(logits / T), T chosen for the least cross-entropy on validation data           Guo et al. 2017, §4.2

Bins have equal width over (0, 1]. ECE is biased upwards where bins hold few items; compare it on equal counts only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhixing.core.errors import DataError
from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.measure import Formula, SumMeasure, require_pairs

_GOLDEN = (5**0.5 - 1) / 2
_ROUNDS = 80


@dataclass(frozen=True, kw_only=True, slots=True)
class Bin:
    """Items whose confidence lies above `low` and up to `high`; None for the means of an empty bin."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def calibration_error(
    probabilities: Sequence[Mapping[str, float]], references: Sequence[str], *, bins: int = 15
) -> SumMeasure:
    """ECE of the most probable label of each item."""
    table = _table(probabilities, references, bins)
    return SumMeasure(
        name="calibration_error",
        signature=f"bins:{bins}|width:equal|confidence:highest",
        table=table,
        formula=_error(bins),
        better="lower",
    )


def reliability(
    probabilities: Sequence[Mapping[str, float]], references: Sequence[str], *, bins: int = 15
) -> list[Bin]:
    """The bins of a reliability plot."""
    count, confidence, right = _table(probabilities, references, bins).sum(axis=0).reshape(3, bins)
    return [
        Bin(
            low=n / bins,
            high=(n + 1) / bins,
            count=int(count[n]),
            confidence=float(confidence[n] / count[n]) if count[n] else None,
            accuracy=float(right[n] / count[n]) if count[n] else None,
        )
        for n in range(bins)
    ]


def temperature(logits: Floats, labels: Sequence[int]) -> float:
    """The T that makes softmax(logits / T) fit best; logits (items, labels), labels their right columns.

    Between 1/100 and 100: where a model is right every time, or worse than chance, there is no best T inside.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(labels) or not len(labels):
        raise DataError(f"logits of shape {values.shape} do not fit {len(labels)} labels")
    low, high = np.log(0.01), np.log(100.0)
    for _ in range(_ROUNDS):  # golden-section search: the cross-entropy has one valley in log T
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if cross_entropy(values, labels, np.exp(left)) < cross_entropy(
            values, labels, np.exp(right)
        ):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def cross_entropy(logits: Floats, labels: Sequence[int], at: float) -> float:
    """Mean -log softmax(logits / at) of the right labels, in nats."""
    scaled = logits / at
    peak = scaled.max(axis=1, keepdims=True)
    totals = np.log(np.exp(scaled - peak).sum(axis=1)) + peak[:, 0]
    return float((totals - scaled[np.arange(len(labels)), list(labels)]).mean())


def _table(
    probabilities: Sequence[Mapping[str, float]], references: Sequence[str], bins: int
) -> Floats:
    """Per item and bin: is in it, its confidence, is right (items, 3 · bins)."""
    require_pairs("calibration", probabilities, references)
    table = np.zeros((len(references), 3, bins))
    for number, (item, truth) in enumerate(zip(probabilities, references, strict=True)):
        values = list(item.values())
        if not values or min(values) < 0 or abs(sum(values) - 1) > 1e-3:
            raise DataError(
                f"item {number + 1}: probabilities must be at least 0 and add up to 1, not {sum(values):g}"
            )
        guess = max(item, key=lambda label: item[label])
        place = min(bins - 1, max(0, int(np.ceil(item[guess] * bins)) - 1))
        table[number, :, place] = (1.0, item[guess], float(guess == truth))
    return table.reshape(len(references), -1)


def _error(bins: int) -> Formula:
    def formula(sums: Floats) -> Floats:
        count, confidence, right = (part for part in np.split(sums, 3, axis=1))
        error: Floats = np.abs(right - confidence).sum(axis=1) / count.sum(axis=1)
        return error

    return formula
