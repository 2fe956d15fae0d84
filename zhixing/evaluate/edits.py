"""How far written sequences are from what they should be: error rate by edits, and the share that is right.

    error rate = Σ edits(written, nearest reference) / Σ length of that reference        edits: Levenshtein 1966
    accuracy   = share of items that equal one of their references

For pronunciations the symbols are phonemes (phoneme error rate, word accuracy); for any other target its tokens. An item
may have several references; the one with the fewest edits, then the longest, counts. Intervals are the percentile
bootstrap over items (Efron & Tibshirani 1993, chapter 13).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zhixing.core.errors import DataError, MissingExtraError
from zhixing.evaluate.tasks.measure import Judged, SumMeasure, mean, quotient

Symbols = Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Edits:
    """One item: how many symbols must be put in, taken out or replaced, and the length of its reference."""

    edits: int
    length: int


def count_edits(written: Symbols, references: Sequence[Symbols]) -> Edits:
    """Compare with the nearest reference. Raises DataError when there is none or one is empty."""
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError as error:
        raise MissingExtraError("rapidfuzz", "eval", "counting edits") from error
    if not references or not all(references):
        raise DataError(f"{' '.join(written)!r} has no reference to compare with, or an empty one")
    every = [
        Edits(edits=Levenshtein.distance(written, reference), length=len(reference))
        for reference in references
    ]
    return min(every, key=lambda one: (one.edits, -one.length))


def judge_edits(items: Sequence[Edits], *, signature: str = "") -> Judged:
    """Error rate and accuracy. Raises DataError when there is nothing to score."""
    if not items:
        raise DataError("there is nothing to score")
    rates = np.array([[item.edits, item.length] for item in items], dtype=np.float64)
    error_rate = SumMeasure(
        name="error_rate",
        signature=signature,
        table=rates,
        formula=quotient,
        unit="edits/symbol",
        better="lower",
    )
    accuracy = mean("accuracy", [float(item.edits == 0) for item in items], signature)
    return Judged(task="symbols", measures=(error_rate, accuracy))
