"""Text as units that mean about the same in both languages: one Han character, or one word of another script.

Filters count them and duplicates are found by runs of them. Units are compared by 64-bit hashes, so that millions of
runs are a numpy array and not millions of strings; the hashes are the same on every machine and in every run.
"""

import re
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_UNIT = re.compile(f"[{_HAN}]|[^\\W_{_HAN}]+")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit is lost when a run is folded
_MAX_REMEMBERED = 1 << 19


def units(text: str) -> list[str]:
    """Han characters and case-folded words in order; punctuation, symbols and spaces are left out."""
    return _UNIT.findall(text.casefold())


class UnitHasher:
    """Hashes of units; those of frequent words are remembered, in bounded memory."""

    def __init__(self) -> None:
        self._known = _Known()

    def hashes(self, found: list[str]) -> Hashes:
        """One hash per unit."""
        if len(self._known) > _MAX_REMEMBERED:
            self._known.clear()
        return np.fromiter(map(self._known.__getitem__, found), dtype=np.uint64, count=len(found))


class _Known(dict[str, int]):
    def __missing__(self, unit: str) -> int:
        digest = blake2b(unit.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self[unit] = value = int.from_bytes(digest, "little")
        return value


def ngrams(hashes: Hashes, length: int) -> Hashes:
    """Hashes of all runs of `length` units; a shorter text is one run of all its units, an empty one has none."""
    if len(hashes) == 0:
        return hashes
    length = min(length, len(hashes))
    count = len(hashes) - length + 1
    runs = np.zeros(count, dtype=np.uint64)
    for offset in range(length):
        runs *= _MULTIPLIER
        runs += hashes[offset : offset + count]
        runs ^= runs >> np.uint64(29)
    return runs


def jaccard(a: Hashes, b: Hashes) -> float:
    """Size of the intersection over size of the union of two sets, each sorted and without repeats; 1 for two empty."""
    shared = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - shared
    return shared / union if union else 1.0
