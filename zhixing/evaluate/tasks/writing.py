"""Free text: how varied it is, how much it repeats itself, and how much of it is new beside the training text.

    distinct-n   different n-grams / n-grams of all texts together       Li et al. 2016; shrinks with length: compare equal amounts
    repetition   share of a text's n-grams that it said before           Welleck et al. 2020 (seq-rep-n)
    novelty      share of n-grams that the training text does not have   McCoy et al. 2023 (RAVEN)
    longest copy words of the longest run that a training text has too, the mean over texts

Units are words by segmentation for English and Chinese; other languages are refused. distinct-n counts different items over
all texts, so drawing texts twice would bias it: it has no interval. The training text is kept as a 64-bit hash per word.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from zhixing.core.errors import DataError
from zhixing.corpus.units import Hashes, hash_of, lengthen
from zhixing.corpus.units import ngrams as hash_ngrams
from zhixing.evaluate.tasks.measure import Judged, Measure, SumMeasure, mean, quotient
from zhixing.text.segment import words
from zhixing.text.tags import require_supported

TASK = "writing"
BOUNDARY = np.uint64(0)
"""What stands behind a training text: no word."""
_NONE: Hashes = np.zeros(0, dtype=np.uint64)
Grams = list[tuple[str, ...]]


def judge_writing(
    texts: Sequence[str],
    training: "Iterable[str] | Training" = (),
    *,
    language: str,
    sizes: Sequence[int] = (1, 2),
    repetition: int = 4,
    novelty: int = 4,
) -> Judged:
    """Distinct-n for `sizes`, repetition, and with `training` texts novelty and the longest copy.

    Raises DataError when there is no text.
    """
    require_supported(language, "counting words")
    if not any(text.strip() for text in texts):
        raise DataError(f"{TASK}: there is nothing to score")
    cut = [_words(text, language) for text in texts]
    measures: list[Measure] = [_distinct(cut, size, language) for size in sizes]
    measures.append(_repetition(cut, repetition, language))
    known = training if isinstance(training, Training) else training_of(training, language)
    if known.num_words:
        measures += [_novelty(cut, known, novelty, language), _longest_copy(cut, known, language)]
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
    cut: Sequence[Sequence[str]], known: "Training", size: int, language: str
) -> SumMeasure:
    runs = [hash_ngrams(_hashed(units), size) if len(units) >= size else _NONE for units in cut]
    new = ~np.isin(np.concatenate(runs), hash_ngrams(known.words, size))
    ends = np.cumsum([len(each) for each in runs])
    counts = [(float(each.sum()), len(each)) for each in np.split(new, ends[:-1])]
    return SumMeasure(
        name=f"novelty_{size}",
        signature=f"{_signature(size, language)}|training:{known.num_words}",
        table=np.array(counts, dtype=np.float64),
        formula=quotient,
    )


def _longest_copy(cut: Sequence[Sequence[str]], known: "Training", language: str) -> SumMeasure:
    texts = [_hashed(units) for units in cut]
    found = longest_copies(texts, known.words)
    signature = f"lang:{language}|units:words|case:lower|training:{known.num_words}"
    made = mean("longest_copy", found, signature, unit="words")
    return replace(made, better="lower")


def longest_copies(texts: Sequence[Hashes], known: Hashes) -> list[int]:
    """Length of the longest run of each text that `known` has too.

    Runs of one length after another; only places of `known` where the shorter run was found are looked at again.
    """
    longest = [0] * len(texts)
    starts = np.arange(len(known))
    learnt = np.zeros(len(known), dtype=np.uint64)
    runs = [np.zeros(len(text), dtype=np.uint64) for text in texts]
    length = 0
    while len(starts) and any(map(len, runs)):
        lengthen(learnt, known[starts + length])
        for place, text in enumerate(texts):
            runs[place] = runs[place][: max(0, len(text) - length)]
            lengthen(runs[place], text[length:])
        kept = np.isin(learnt, np.concatenate(runs)) & (known[starts + length] != BOUNDARY)
        length += 1
        found = np.unique(learnt[kept])
        for place, each in enumerate(runs):
            if np.isin(each, found).any():
                longest[place] = length
        kept &= starts + length < len(known)
        starts, learnt = starts[kept], learnt[kept]
    return longest


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """A hash for each word of the training texts in order, with a boundary behind each text."""

    words: Hashes
    num_words: int


def training_of(texts: Iterable[str], language: str) -> Training:
    """The words of training texts."""
    parts = [_hashed(_words(text, language)) for text in texts]
    with_ends = [np.append(each, BOUNDARY) for each in parts]
    words = np.concatenate(with_ends) if with_ends else _NONE
    return Training(words=words, num_words=sum(map(len, parts)))


def _hashed(units: Sequence[str]) -> Hashes:
    return np.fromiter(map(_hash_of, units), dtype=np.uint64, count=len(units))


@lru_cache(maxsize=2**18)
def _hash_of(unit: str) -> int:
    return hash_of(unit)


def _each(cut: Sequence[Sequence[str]], size: int) -> list[Grams]:
    return [ngrams(units, size) for units in cut]
