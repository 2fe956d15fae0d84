"""Analogy questions by section, such as "Athens Greece Baghdad Iraq": how often is the fourth word the best answer?

The set questions-words.txt is that of Mikolov et al. 2013a, §4.1. As there, and in every published figure, candidates
are the most frequent words only (30,000 unless told otherwise) and the three words of the question are no answers.
A question with a word that has no vector among those is left out and counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError, MissingExtraError
from zhixing.vectors.table import Floats, Method, Vectors, three_cos_mul

CANDIDATES = 30_000
ALL = "all"
_BATCH = 256

Question = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """`correct` of `known` questions, of `questions` that there are; value and 95 % interval (Wilson 1927).

    The three numbers are None where no question is known.
    """

    value: float | None
    low: float | None
    high: float | None
    correct: int
    known: int
    questions: int


def read_questions(text: str, origin: str) -> dict[str, list[Question]]:
    """Lines of four words under lines ": section". Raises DataError naming the line."""
    sections: dict[str, list[Question]] = {}
    section = "questions"
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split()
        if not parts:
            continue
        if parts[0] == ":":
            section = " ".join(parts[1:])
        elif len(parts) == 4:
            a, b, c, d = parts
            sections.setdefault(section, []).append((a, b, c, d))
        else:
            raise DataError(f"{origin}:{number}: four words were expected, not {line[:60]!r}")
    if not sections:
        raise DataError(f"{origin} holds no questions")
    return sections


def accuracy(
    vectors: Vectors,
    sections: Mapping[str, Sequence[Question]],
    *,
    method: Method = "add",
    candidates: int = CANDIDATES,
) -> dict[str, Accuracy]:
    """Accuracy of each section, and of all of them as `all`."""
    units = vectors.units(slice(0, candidates))
    results = {}
    sums = [0, 0, 0]
    for name, questions in sections.items():
        rows = list(_rows(vectors, questions, len(units)))
        correct = sum(
            int((_answers(units, batch, method) == batch[:, 3]).sum()) for batch in _batches(rows)
        )
        counts = [correct, len(rows), len(questions)]
        results[name] = _accuracy(*counts)
        sums = [a + b for a, b in zip(sums, counts, strict=True)]
    return {**results, ALL: _accuracy(*sums)}


def _rows(
    vectors: Vectors, questions: Sequence[Question], candidates: int
) -> Iterator[tuple[int, ...]]:
    for question in questions:
        rows = [vectors.find(word) for word in question]
        known = tuple(row for row in rows if row is not None and row < candidates)
        if len(known) == 4:
            yield known


def _batches(rows: Sequence[tuple[int, ...]]) -> Iterator[NDArray[np.int64]]:
    for at in range(0, len(rows), _BATCH):
        yield np.array(rows[at : at + _BATCH], dtype=np.int64)


def _answers(units: Floats, questions: NDArray[np.int64], method: Method) -> NDArray[np.int64]:
    a, b, c = (units[questions[:, column]] for column in range(3))
    if method == "mul":
        scores = three_cos_mul(a @ units.T, b @ units.T, c @ units.T)
    else:
        scores = np.asarray((b - a + c) @ units.T, dtype=np.float32)
    np.put_along_axis(scores, questions[:, :3], -np.inf, axis=1)
    best: NDArray[np.int64] = scores.argmax(axis=1)
    return best


def _accuracy(correct: int, known: int, questions: int) -> Accuracy:
    value = low = high = None
    if known:
        try:
            from scipy.stats import binomtest
        except ImportError as error:
            raise MissingExtraError("scipy", "eval", "the interval of an accuracy") from error
        interval = binomtest(correct, known).proportion_ci(method="wilson")
        value, low, high = correct / known, float(interval.low), float(interval.high)
    return Accuracy(
        value=value, low=low, high=high, correct=correct, known=known, questions=questions
    )
