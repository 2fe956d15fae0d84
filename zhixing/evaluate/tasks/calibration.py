"""Does 80 % sure mean right in 80 of 100 cases? Expected calibration error, its bins, temperature scaling, abstention.

    ECE = Σ_bins (items in bin / all) · |share right in bin - mean confidence in bin|      Naeini et al. 2015; Guo et al. 2017
    softmax(logits / T), T chosen for the least cross-entropy on validation data           Guo et al. 2017, §4.2
    coverage = share of items whose highest probability reaches a threshold; the others are left to a person

Bins have equal width over (0, 1]. ECE is biased upwards where bins hold few items; compare it on equal counts only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhixing.core.errors import DataError
from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.measure import (
    Formula,
    SumMeasure,
    quotient,
    require_pairs,
    together,
)

_GOLDEN = (5**0.5 - 1) / 2
_ROUNDS = 80


LOWEST, HIGHEST = 0.01, 100.0
"""Between these a temperature is searched for."""
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Least probabilities that a table of abstention shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Abstention:
    """What happens at a threshold: the share of items that are answered, and how many of those are right."""

    at_least: float
    coverage: SumMeasure
    accuracy: SumMeasure


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


def abstention(
    probabilities: Sequence[Mapping[str, float]],
    references: Sequence[str],
    *,
    at_least: float,
    documents: Sequence[str] = (),
) -> Abstention:
    """Answer only items whose most probable label has `at_least` that probability; `documents` as in judge_labels.

    The accuracy of the answered items is not defined where there are none.
    """
    require_pairs("abstention", probabilities, references)
    table = np.zeros((len(references), 3))
    for number, (item, truth) in enumerate(zip(probabilities, references, strict=True)):
        guess = max(item, key=lambda label: item[label])
        answered = item[guess] >= at_least
        table[number] = (answered, answered and guess == truth, 1.0)
    summed = together(table, documents)
    signature = f"at_least:{at_least:g}{'|drawn:documents' if documents else ''}"
    return Abstention(
        at_least=at_least,
        coverage=SumMeasure(
            name="coverage", signature=signature, table=summed[:, [0, 2]], formula=quotient
        ),
        accuracy=SumMeasure(
            name="accuracy", signature=signature, table=summed[:, [1, 0]], formula=quotient
        ),
    )


def surprise(
    probabilities: Sequence[Mapping[str, float]],
    references: Sequence[str],
    *,
    documents: Sequence[str] = (),
) -> SumMeasure:
    """Mean -log of the probability of the right label, in nats; at most that of 1e-12, as for a label that is not known."""
    require_pairs("surprise", probabilities, references)
    nats = [
        -np.log(max(item.get(truth, 0.0), 1e-12))
        for item, truth in zip(probabilities, references, strict=True)
    ]
    table = np.array([[value, 1.0] for value in nats])
    return SumMeasure(
        name="cross_entropy",
        signature=f"nats{'|drawn:documents' if documents else ''}",
        table=together(table, documents),
        formula=quotient,
        unit="nats",
        better="lower",
    )


def temperature(logits: Floats, labels: Sequence[int]) -> float:
    """The T that makes softmax(logits / T) fit best; logits (items, labels), labels their right columns.

    Between LOWEST and HIGHEST: where a model is right every time, or worse than chance, there is no best T inside.
    """
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(labels) or not len(labels):
        raise DataError(f"logits of shape {values.shape} do not fit {len(labels)} labels")
    low, high = np.log(LOWEST), np.log(HIGHEST)
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
