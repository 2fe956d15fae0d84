"""Words and one vector each: which words are near, and what is to c as b is to a.

Nearness is the cosine. Two ways to solve an analogy a : b = c : ? over all words d but a, b and c:
3CosAdd takes the largest cos(d, b - a + c), all of unit length (Mikolov, Yih & Zweig 2013); 3CosMul the largest
cos'(d, b) cos'(d, c) / (cos'(d, a) + 0.001) with cos' = (cos + 1) / 2, which lets no single term decide (Levy &
Goldberg 2014, §6). The matrix may be memory-mapped: it is read in blocks and never copied.
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError

Method = Literal["add", "mul"]
"""How an analogy is solved: 3CosAdd or 3CosMul."""

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]

EPSILON = 0.001
_BLOCK_ROWS = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbour:
    """A word and how near it is: a cosine, or the score of 3CosMul."""

    word: str
    score: float


@final
class Vectors:
    """`words`, the most frequent first where that is known, and `matrix` (words, width); a word occurs once."""

    def __init__(
        self, words: Sequence[str], matrix: Floats, *, name: str = "these vectors"
    ) -> None:
        if matrix.ndim != 2 or len(matrix) != len(words):
            raise DataError(f"{name}: {len(words)} words for a matrix of shape {matrix.shape}")
        self.words = words
        self.matrix = matrix
        self.name = name
        self._rows = {word: row for row, word in enumerate(words)}
        if len(self._rows) != len(words):
            raise DataError(f"{name}: a word occurs twice ({_doubled(words)!r})")

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return self.find(word) is not None

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(self.matrix.shape[1])

    def find(self, word: str) -> int | None:
        """The row of a word as it is written, else in lower case; None if there is neither."""
        row = self._rows.get(word)
        return self._rows.get(word.lower()) if row is None else row

    def row(self, word: str) -> int:
        """The row of a word. Raises DataError naming similar words that are there."""
        found = self.find(word)
        if found is None:
            close = difflib.get_close_matches(word, self.words[:20_000], n=3, cutoff=0.75)
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            raise DataError(f"{self.name} have no word {word!r} among {len(self):,}{hint}")
        return found

    def vector(self, word: str) -> Floats:
        """The vector of a word, as stored."""
        return np.array(self.matrix[self.row(word)])

    def units(self, rows: Sequence[int] | slice) -> Floats:
        """Vectors of unit length (rows, width); a vector of zeros stays one."""
        picked: Floats = np.asarray(self.matrix[rows]) * self._inverse_norms[rows][:, None]
        return picked

    def similarity(self, one: str, other: str) -> float:
        """The cosine between two words, from -1 to 1."""
        pair = self.units([self.row(one), self.row(other)])
        return float(pair[0] @ pair[1])

    def nearest(self, word: str, *, count: int = 10) -> list[Neighbour]:
        """The words with the largest cosine to `word`, without itself."""
        row = self.row(word)
        return self._best(self._cosines(self.units([row]))[0], count, without=[row])

    def analogy(
        self, a: str, b: str, c: str, *, method: Method = "add", count: int = 10
    ) -> list[Neighbour]:
        """What is to `c` as `b` is to `a`: the best words, without the three."""
        rows = [self.row(word) for word in (a, b, c)]
        cosines = self._cosines(self.units(rows))
        if method == "mul":
            return self._best(three_cos_mul(*cosines), count, without=rows)
        units = self.units(rows)
        length = float(np.linalg.norm(units[1] - units[0] + units[2])) or 1.0
        return self._best((cosines[1] - cosines[0] + cosines[2]) / length, count, without=rows)

    @cached_property
    def _inverse_norms(self) -> Floats:
        norms = np.concatenate(
            [np.linalg.norm(self.matrix[rows], axis=1) for rows in self._blocks()]
            or [np.zeros(0, dtype=np.float32)]
        )
        return np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)

    def _blocks(self) -> Iterable[slice]:
        return (slice(at, at + _BLOCK_ROWS) for at in range(0, len(self), _BLOCK_ROWS))

    def _cosines(self, units: Floats) -> Floats:
        """(queries, words)"""
        parts = [units @ np.asarray(self.matrix[rows]).T for rows in self._blocks()]
        cosines: Floats = np.concatenate(parts, axis=1) * self._inverse_norms
        return cosines

    def _best(self, scores: Floats, count: int, *, without: Sequence[int]) -> list[Neighbour]:
        scores = scores.copy()
        scores[list(without)] = -np.inf
        count = max(0, min(count, len(self) - len(set(without))))
        top = np.argpartition(-scores, count - 1)[:count] if count else np.zeros(0, dtype=np.int64)
        ranked = sorted(top.tolist(), key=lambda row: (-scores[row], row))
        return [Neighbour(word=self.words[row], score=float(scores[row])) for row in ranked]


def three_cos_mul(to_a: Floats, to_b: Floats, to_c: Floats) -> Floats:
    """The score of 3CosMul from the cosines of every word to a, b and c."""
    one, half = np.float32(1), np.float32(0.5)
    a, b, c = ((cosine + one) * half for cosine in (to_a, to_b, to_c))
    score: Floats = b * c / (a + np.float32(EPSILON))
    return score


def _doubled(words: Sequence[str]) -> str:
    seen: set[str] = set()
    return next(word for word in words if word in seen or seen.add(word))  # type: ignore[func-returns-value]
