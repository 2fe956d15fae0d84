"""Text as units that mean about the same in both languages: one Han character, or one word of another script.

Filters count them and duplicates are found by runs of them. Units are compared by 64-bit hashes, so that millions of
runs are a numpy array and not millions of strings; the hashes are the same on every machine and in every run.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from zhixing.text.han import IDEOGRAPHS

Hashes = NDArray[np.uint64]

_WORD = re.compile(f"[^\\W_{IDEOGRAPHS}]+")
_UNIT = re.compile(f"[{IDEOGRAPHS}]|{_WORD.pattern}")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit is lost when a run is folded
_MAX_REMEMBERED = 1 << 18
_NUM_CHARACTERS = 0x110000
_IS_HAN, _IS_LETTER, _IS_DIGIT = 1, 2, 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Units:
    """The units of a text in order, as hashes; how many of its characters lie in units, and how many are digits."""

    hashes: Hashes
    num_characters: int
    num_digits: int

    def __len__(self) -> int:
        return len(self.hashes)


def units(text: str) -> list[str]:
    """Han characters and case-folded words in order; punctuation, symbols and spaces are left out.

    The definition; `UnitHasher.measure` works on whole arrays of characters instead.
    """
    return _UNIT.findall(text.casefold())


def hash_of(unit: str) -> int:
    """The 64-bit hash of one unit."""
    digest = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


class UnitHasher:
    """Finds units and their hashes; those of frequent words are remembered, in bounded memory."""

    def __init__(self) -> None:
        self._known = _Known()
        self._han = np.zeros(_NUM_CHARACTERS, dtype=np.uint64)  # 0: not computed yet

    def measure(self, text: str) -> Units:
        """The units of `text`."""
        folded = text.casefold()
        points = np.frombuffer(folded.encode("utf-32-le", "surrogatepass"), dtype="<u4")
        kinds = _kinds()[points]
        counts = np.bincount(kinds, minlength=4)
        return Units(
            hashes=self._hashes(folded, points, kinds),
            num_characters=len(points) - int(counts[0]),
            num_digits=int(counts[_IS_DIGIT]),
        )

    def _hashes(self, folded: str, points: NDArray[np.uint32], kinds: NDArray[np.uint8]) -> Hashes:
        is_han = kinds == _IS_HAN
        if not is_han.any():
            return self._words(_WORD.findall(folded))
        in_word = kinds > _IS_HAN
        begins_word = in_word.copy()
        begins_word[1:] &= ~in_word[:-1]
        han_by_place = is_han[is_han | begins_word]
        found = np.empty(len(han_by_place), dtype=np.uint64)
        found[han_by_place] = self._characters(points[is_han])
        found[~han_by_place] = self._words(_WORD.findall(folded))
        return found

    def _characters(self, points: NDArray[np.uint32]) -> Hashes:
        found = self._han[points]
        if not found.all():
            for point in np.unique(points[found == 0]).tolist():
                self._han[point] = hash_of(chr(point))
            found = self._han[points]
        return found

    def _words(self, words: list[str]) -> Hashes:
        if len(self._known) > _MAX_REMEMBERED:
            self._known.clear()
        return np.fromiter(map(self._known.__getitem__, words), dtype=np.uint64, count=len(words))


class _Known(dict[str, int]):
    def __missing__(self, unit: str) -> int:
        self[unit] = value = hash_of(unit)
        return value


@cache
def _kinds() -> NDArray[np.uint8]:
    """What each code point is: Han, another letter or mark of a unit, a digit of one, or (0) in no unit."""
    every = np.arange(_NUM_CHARACTERS, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    kinds = np.zeros(_NUM_CHARACTERS, dtype=np.uint8)
    _mark(kinds, re.finditer(f"[{IDEOGRAPHS}]+", every), _IS_HAN)
    _mark(kinds, _WORD.finditer(every), _IS_LETTER)
    _mark(kinds, re.finditer(r"\d+", every), _IS_DIGIT)
    return kinds


def _mark(kinds: NDArray[np.uint8], runs: Iterable[re.Match[str]], kind: int) -> None:
    for run in runs:
        kinds[run.start() : run.end()] = kind


def ngrams(hashes: Hashes, length: int) -> Hashes:
    """Hashes of all runs of `length` units; a shorter text is one run of all its units, an empty one has none."""
    if len(hashes) == 0:
        return hashes
    length = min(length, len(hashes))
    count = len(hashes) - length + 1
    runs = np.zeros(count, dtype=np.uint64)
    for offset in range(length):
        lengthen(runs, hashes[offset : offset + count])
    return runs


def lengthen(runs: Hashes, following: Hashes) -> None:
    """Turn hashes of runs, in place, into those of the runs with one more unit each; a run of none has the hash 0."""
    runs *= _MULTIPLIER
    runs += following
    runs ^= runs >> np.uint64(29)


def jaccard(a: Hashes, b: Hashes) -> float:
    """Size of the intersection over size of the union of two sets, each sorted and without repeats; 1 for two empty."""
    shared = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - shared
    return shared / union if union else 1.0
