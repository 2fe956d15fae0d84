"""Fill rows of equal length with documents, wasting little and losing nothing.

A language model learns from pairs (token, next token). A document of n tokens has n - 1 pairs; it is cut into
pieces of at most `time` pairs, and each piece lies whole in one row, so every pair of every document is learnt
exactly once per epoch and no pair spans two documents. A document is cut only when it is longer than a row.

Pieces go into rows by best-fit decreasing (Ding et al. 2024, "Fewer Truncations Improve Language Modeling",
arXiv:2404.10830, section 3): the longest piece first, each into the fullest row that still has room. Equal
pieces and equal rows are interchangeable, so whole groups are placed at once: the cost grows with the number of
different lengths, at most `time`, and not with documents times rows.

Left out: mixing documents of different shards in one row.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from zhixing.core.targets import IGNORED
from zhixing.data.shard import TokenShard

PADDING = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of `time` places, each an int64 array of that length.

    tokens: inputs. targets: the next token of the same document, -100 where there is none (padding).
    positions: counted from 0 in each piece. documents: 0, 1, 2 … per piece; padding has a number of its own,
    and the token 0.
    """

    tokens: NDArray[np.int64]
    targets: NDArray[np.int64]
    positions: NDArray[np.int64]
    documents: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which pieces make which row: piece p reads pairs `starts[p]` … `starts[p] + lengths[p]` of the shard.

    Pieces are sorted by row; row r holds the pieces `first[r]` … `first[r + 1]`.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    first: NDArray[np.int64]

    @property
    def num_rows(self) -> int:
        """Number of rows."""
        return len(self.first) - 1


def cut(ends: NDArray[np.int64], time: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and lengths (in pairs) of the pieces of all documents, in order; each is at most `time` long."""
    begins = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]])
    pairs = np.maximum(ends - begins - 1, 0)
    counts = -(-pairs // time)
    document = np.repeat(np.arange(len(ends)), counts)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = begins[document] + nth * time
    lengths = np.minimum(pairs[document] - nth * time, time)
    return starts, lengths


def plan_rows(ends: NDArray[np.int64], time: int, random: np.random.Generator) -> Plan:
    """Pack all documents of a shard into rows and shuffle: which equal pieces meet, and the rows' order.

    The number of rows depends on the lengths alone, never on `random`.
    """
    starts, lengths = cut(ends, time)
    shuffled = random.permutation(len(starts))
    order = shuffled[np.argsort(-lengths[shuffled], kind="stable")]
    rows = best_fit(lengths[order], time)
    num_rows = int(rows.max()) + 1 if len(rows) else 0
    rows = random.permutation(num_rows)[rows]
    by_row = np.argsort(rows, kind="stable")
    first = np.zeros(num_rows + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=num_rows), out=first[1:])
    chosen = order[by_row]
    return Plan(starts=starts[chosen], lengths=lengths[chosen], first=first)


def best_fit(lengths: NDArray[np.int64], capacity: int) -> NDArray[np.int64]:
    """The row of each piece, pieces given longest first, none longer than `capacity`."""
    rows = np.empty(len(lengths), dtype=np.int64)
    shelf = _Shelf()
    edges = np.flatnonzero(np.diff(lengths)) + 1
    bounds = [0, *edges.tolist(), len(lengths)] if len(lengths) else [0]
    for start, stop in pairwise(bounds):
        length = int(lengths[start])
        while start < stop:
            room, open_rows = shelf.take(length, capacity, stop - start)
            per_row = room // length
            count = min(stop - start, per_row * len(open_rows))
            placed = np.repeat(open_rows, per_row)[:count]
            rows[start : start + count] = placed
            shelf.put_back(room, open_rows, per_row, length, count)
            start += count
    return rows


class _Shelf:
    """Open rows by the room they have left."""

    def __init__(self) -> None:
        self._rooms: list[int] = []  # sorted
        self._rows: dict[int, list[NDArray[np.int64]]] = {}
        self._num_rows = 0

    def take(self, length: int, capacity: int, num_pieces: int) -> tuple[int, NDArray[np.int64]]:
        """The rows with the least room that still fits `length`; new ones when there are none."""
        place = bisect_left(self._rooms, length)
        if place < len(self._rooms):
            room = self._rooms.pop(place)
            return room, np.concatenate(self._rows.pop(room))
        count = -(-num_pieces // (capacity // length))
        opened = np.arange(self._num_rows, self._num_rows + count)
        self._num_rows += count
        return capacity, opened

    def put_back(
        self, room: int, rows: NDArray[np.int64], per_row: int, length: int, count: int
    ) -> None:
        """Return rows after `count` pieces of `length` went into them, `per_row` into each in turn."""
        full, rest = divmod(count, per_row)
        self._add(room - per_row * length, rows[:full])
        if rest:
            self._add(room - rest * length, rows[full : full + 1])
        self._add(room, rows[full + bool(rest) :])

    def _add(self, room: int, rows: NDArray[np.int64]) -> None:
        if room == 0 or not len(rows):
            return
        if room not in self._rows:
            insort(self._rooms, room)
            self._rows[room] = []
        self._rows[room].append(rows)


def fill(shard: TokenShard, plan: Plan, row: int, time: int) -> Row:
    """Read one planned row from the shard."""
    tokens = np.full(time, PADDING, dtype=np.int64)
    targets = np.full(time, IGNORED, dtype=np.int64)
    positions = np.empty(time, dtype=np.int64)
    documents = np.empty(time, dtype=np.int64)
    used = number = 0
    for start, length in _pieces(plan, row):
        here = slice(used, used + length)
        tokens[here] = shard.ids[start : start + length]
        targets[here] = shard.ids[start + 1 : start + length + 1]
        positions[here] = np.arange(length)
        documents[here] = number
        used += length
        number += 1
    positions[used:] = np.arange(time - used)
    documents[used:] = number
    return Row(tokens=tokens, targets=targets, positions=positions, documents=documents)


def _pieces(plan: Plan, row: int) -> Iterator[tuple[int, int]]:
    here = slice(plan.first[row], plan.first[row + 1])
    return zip(plan.starts[here].tolist(), plan.lengths[here].tolist(), strict=True)
