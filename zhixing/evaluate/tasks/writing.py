"""Free text: how varied it is, how much it repeats itself, and how much of it is new beside the training text.

    distinct-n   different n-grams / n-grams of all texts together       Li et al. 2016; shrinks with length: compare equal amounts
    repetition   share of a text's n-grams that it said before           Welleck et al. 2020 (seq-rep-n)
    novelty      share of n-grams that the training text does not have   McCoy et al. 2023 (RAVEN)

Units are words by segmentation for English and Chinese; other languages are refused. distinct-n counts different items over
all texts, so drawing texts twice would bias it: it has no interval.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from zhixing.core.errors import DataError
from zhixing.evaluate.tasks.measure import Judged, Measure, SumMeasure, quotient
from zhixing.text.segment import words
from zhixing.text.tags import require_supported

TASK = "writing"
Grams = list[tuple[str, ...]]


def judge_writing(
    texts: Sequence[str],
    training: Iterable[str] = (),
    *,
    language: str,
    sizes: Sequence[int] = (1, 2),
    repetition: int = 4,
    novelty: int = 4,
) -> Judged:
    """Distinct-n for `sizes`, repetition, and with `training` texts novelty. DataError when there is no text."""
    require_supported(language, "counting words")
    if not any(text.strip() for text in texts):
        raise DataError(f"{TASK}: there is nothing to score")
    cut = [_words(text, language) for text in texts]
    measures: list[Measure] = [_distinct(cut, size, language) for size in sizes]
    measures.append(_repetition(cut, repetition, language))
    known = {gram for text in training for gram in ngrams(_words(text, language), novelty)}
    if known:
        measures.append(_novelty(cut, known, novelty, language))
    empty = sum(not text.strip() for text in texts)
    return Judged(
        task=TASK,
        measures=tuple(measures),
        notes=(f"{empty} texts are empty",) * bool(empty),
    )


def ngrams(units: Sequence[str], size: int) -> Grams:
    """Every run of `size` units."""
    return [tuple(units[start : start + size]) for start in range(len(units) - size + 1)]


def _words(text: str, language: str) -> list[str]:
    return [text[span.start : span.end].lower() for span in words(text, language)]


def _signature(size: int, language: str) -> str:
    return f"lang:{language}|units:words|n:{size}|case:lower"


def _distinct(cut: Sequence[Sequence[str]], size: int, language: str) -> SumMeasure:
    seen: set[tuple[str, ...]] = set()
    counts = []
    for grams in _each(cut, size):
        new = set(grams) - seen
        seen |= new
        counts.append((len(new), len(grams)))
    return SumMeasure(
        name=f"distinct_{size}",
        signature=_signature(size, language),
        table=np.array(counts, dtype=np.float64),
        formula=quotient,
        can_resample=False,
    )


def _repetition(cut: Sequence[Sequence[str]], size: int, language: str) -> SumMeasure:
    counts = [(len(grams) - len(set(grams)), len(grams)) for grams in _each(cut, size)]
    return SumMeasure(
        name=f"repetition_{size}",
        signature=_signature(size, language),
        table=np.array(counts, dtype=np.float64),
        formula=quotient,
        better="lower",
    )


def _novelty(
    cut: Sequence[Sequence[str]], known: set[tuple[str, ...]], size: int, language: str
) -> SumMeasure:
    counts = [(sum(gram not in known for gram in grams), len(grams)) for grams in _each(cut, size)]
    return SumMeasure(
        name=f"novelty_{size}",
        signature=f"{_signature(size, language)}|known:{len(known)}",
        table=np.array(counts, dtype=np.float64),
        formula=quotient,
    )


def _each(cut: Sequence[Sequence[str]], size: int) -> list[Grams]:
    return [ngrams(units, size) for units in cut]
