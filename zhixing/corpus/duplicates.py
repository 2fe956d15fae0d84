"""Copies: exact ones by digest, near ones by MinHash signatures, confirmed on the real texts.

Two documents are near-duplicates when the Jaccard similarity of their sets of shingles (runs of a few units) reaches a
threshold. MinHash (Broder 1997) makes a signature of 128 numbers per document, whose agreement estimates that
similarity; 32 bands of 4 numbers find candidate pairs (a pair at 0.7 is missed with probability 2e-4, one at 0.8 with
5e-8), and the exact similarity of each candidate decides. Documents are taken in their order, and one is a copy
when an earlier document *that is kept* is similar: so no two kept documents that were compared are similar,
and every copy names the document that stands for it. Signatures and bands lie on disk; memory holds 8 bytes
per document and what shares a band.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import MissingExtraError
from zhixing.corpus.units import Hashes, jaccard

NUM_BANDS = 32
ROWS_PER_BAND = 4
_NUM_NUMBERS = NUM_BANDS * ROWS_PER_BAND
_SEED = 42  # of the hash functions: part of the definition of a signature, not of a run
_CLEARLY_DIFFERENT = 0.2  # an estimate of 128 numbers is never that far off (5 standard deviations)
_NUM_REMEMBERED_SETS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """Document number `kept` stands for this one; `similarity` is 1 for exact copies."""

    kept: int
    similarity: float
    exact: bool


def signatures(shingles: Sequence[Hashes]) -> NDArray[np.uint32]:
    """One row of 128 numbers per set of shingle hashes."""
    try:
        from rensa import RMinHash
    except ImportError as error:
        raise MissingExtraError("rensa", "data", "finding near-duplicates") from error
    offsets = np.cumsum([0, *map(len, shingles)]).tolist()
    flat = np.concatenate(shingles) if shingles else np.zeros(0, dtype=np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        flat, offsets, num_perm=_NUM_NUMBERS, seed=_SEED
    )
    return np.array(matrix.to_rows(), dtype=np.uint32).reshape(len(shingles), _NUM_NUMBERS)


def find_exact_copies(digests: NDArray[np.uint64]) -> dict[int, Copy]:
    """Copies by equal rows of `digests` (documents × 2); the first document of each group is kept."""
    order = np.lexsort((np.arange(len(digests)), digests[:, 1], digests[:, 0]))
    copies: dict[int, Copy] = {}
    first = 0
    for position in range(1, len(order)):
        if (digests[order[position]] != digests[order[first]]).any():
            first = position
            continue
        copies[int(order[position])] = Copy(kept=int(order[first]), similarity=1.0, exact=True)
    return copies


def find_near_copies(
    table: NDArray[np.uint32],
    skipped: Iterable[int],
    threshold: float,
    shingles_of: Callable[[int], Hashes],
) -> dict[int, Copy]:
    """Near-duplicates among the documents of `table` (documents × 128 numbers; may lie on disk).

    `skipped` are left out. `shingles_of(number)` gives the sorted set of shingle hashes of a document.
    """
    groups = _Groups(table)
    sets = _RememberedSets(shingles_of)
    left_out = set(skipped)
    kept_in: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    copies: dict[int, Copy] = {}
    for number in groups.numbers():
        if number in left_out:
            continue
        keys = groups.keys(number)
        candidates = sorted({other for key in keys for other in kept_in.get(key, ())})
        if (copy := _first_similar(number, candidates, table, threshold, sets)) is not None:
            copies[number] = copy
            continue
        for key in keys:
            kept_in[key].append(number)
    return copies


def _first_similar(
    number: int,
    candidates: list[int],
    table: NDArray[np.uint32],
    threshold: float,
    sets: "_RememberedSets",
) -> Copy | None:
    if not candidates:
        return None
    estimates = (table[candidates] == table[number]).mean(axis=1)
    for candidate, estimate in zip(candidates, estimates, strict=True):
        if estimate < threshold - _CLEARLY_DIFFERENT:
            continue
        similarity = jaccard(sets.get(number), sets.get(candidate))
        if similarity >= threshold:
            return Copy(kept=candidate, similarity=round(similarity, 4), exact=False)
    return None


class _Groups:
    """Which documents agree in a band. Only bands shared by at least two documents are remembered."""

    def __init__(self, table: NDArray[np.uint32]) -> None:
        self._bands = [_shared_band(table, band) for band in range(NUM_BANDS)]

    def numbers(self) -> Iterator[int]:
        """Documents that share a band with another, in their order."""
        found = [numbers for numbers, _ in self._bands]
        yield from np.unique(np.concatenate(found)).tolist()

    def keys(self, number: int) -> list[tuple[int, int]]:
        """(band, group) of every group that the document belongs to."""
        keys = []
        for band, (numbers, groups) in enumerate(self._bands):
            place = int(np.searchsorted(numbers, number))
            if place < len(numbers) and numbers[place] == number:
                keys.append((band, int(groups[place])))
        return keys


def _shared_band(
    table: NDArray[np.uint32], band: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Documents that share this band with another, sorted, and the group of each."""
    columns = table[:, band * ROWS_PER_BAND : (band + 1) * ROWS_PER_BAND]
    folded = np.zeros(len(table), dtype=np.uint64)
    for row in range(ROWS_PER_BAND):
        folded = folded * np.uint64(0x9E3779B97F4A7C15) + columns[:, row]
        folded ^= folded >> np.uint64(29)
    _, groups, counts = np.unique(folded, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(counts[groups] > 1)
    return shared.astype(np.int32), groups[shared].astype(np.int32)


class _RememberedSets:
    """The shingle sets of the documents compared last."""

    def __init__(self, shingles_of: Callable[[int], Hashes]) -> None:
        self._shingles_of = shingles_of
        self._sets: OrderedDict[int, Hashes] = OrderedDict()

    def get(self, number: int) -> Hashes:
        if number not in self._sets:
            self._sets[number] = self._shingles_of(number)
            if len(self._sets) > _NUM_REMEMBERED_SETS:
                self._sets.popitem(last=False)
        self._sets.move_to_end(number)
        return self._sets[number]


def append_rows(file: BinaryIO, rows: NDArray[np.uint32]) -> None:
    """Add signatures to a file that `open_rows` reads."""
    file.write(rows.tobytes())


def open_rows(path: Path) -> NDArray[np.uint32]:
    """The signatures of a file, left on disk."""
    if path.stat().st_size == 0:
        return np.zeros((0, _NUM_NUMBERS), dtype=np.uint32)
    return np.memmap(path, dtype=np.uint32, mode="r").reshape(-1, _NUM_NUMBERS)
