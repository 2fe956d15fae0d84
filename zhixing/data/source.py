"""Items to learn from, in an order that can be continued anywhere.

    PackedRows      token shards -> rows of equal length, documents packed side by side      (loader.py)
    Pieces          token shards -> documents one by one, long ones cut
    Shuffled        any list made anew for each epoch, in its random order                   (examples.py, sentences.py)

A source is a pure function of (seed, epoch): a `Cursor` says where it is, and reading on from a saved cursor gives
the same items as never having stopped.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, takewhile
from typing import Generic, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import ConfigError, DataError
from zhixing.data.loader import Loader, num_pairs
from zhixing.data.order import Cursor
from zhixing.data.pack import Row, cut
from zhixing.data.shard import TokenShard

Item = TypeVar("Item", covariant=True)


class Source(Protocol[Item]):
    """An endless stream of items."""

    @property
    def hashes(self) -> Sequence[str]:
        """What identifies the text behind it: a resumed run must find the same."""

    def read(self, cursor: Cursor) -> Iterator[tuple[Item, Cursor]]:
        """Items from `cursor` on, each with the cursor after it."""

    def batches(self, cursor: Cursor, size: int) -> Iterator[tuple[Sequence[Item], Cursor]]:
        """The items of one optimizer step after another, each list with the cursor after it.

        `size` in each, or as many on average where the source says so.
        """


def in_batches(
    stream: Iterator[tuple[Item, Cursor]], size: int
) -> Iterator[tuple[Sequence[Item], Cursor]]:
    """`size` items of an endless stream at a time."""
    while True:
        taken = list(islice(stream, size))
        yield [item for item, _ in taken], taken[-1][1]


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedRows:
    """Documents of token shards packed into rows of `time` places."""

    shards: Sequence[TokenShard]
    time: int

    @property
    def hashes(self) -> Sequence[str]:
        """One per shard."""
        return [shard.source_hash for shard in self.shards]

    @property
    def num_targets(self) -> int:
        """Predicted tokens in one pass."""
        return sum(num_pairs(shard) for shard in self.shards)

    def read(self, cursor: Cursor) -> Iterator[tuple[Row, Cursor]]:
        """See Source.read."""
        return iter(Loader(self.shards, time=self.time, seed=cursor.seed, cursor=cursor))

    def batches(self, cursor: Cursor, size: int) -> Iterator[tuple[Sequence[Row], Cursor]]:
        """See Source.batches."""
        return in_batches(self.read(cursor), size)


class Shuffled(ABC, Generic[Item]):
    """A source whose epochs are lists; what a list holds and its order follow from seed and epoch."""

    @property
    @abstractmethod
    def hashes(self) -> Sequence[str]:
        """See Source.hashes."""

    @abstractmethod
    def epoch(self, number: int, seed: int) -> Sequence[Item]:
        """The items of one epoch in its order; each is made when it is asked for."""

    def read(self, cursor: Cursor) -> Iterator[tuple[Item, Cursor]]:
        """See Source.read. Raises DataError when there is nothing to read."""
        number, offset = cursor.epoch, cursor.offset
        while True:
            items = self.epoch(number, cursor.seed)
            if not len(items):
                raise DataError("there is not one example to learn from")
            if offset > len(items):
                raise cannot_continue(offset, len(items))
            for index in range(offset, len(items)):
                yield items[index], Cursor(epoch=number, offset=index + 1, seed=cursor.seed)
            number, offset = number + 1, 0

    def batches(self, cursor: Cursor, size: int) -> Iterator[tuple[Sequence[Item], Cursor]]:
        """See Source.batches."""
        return in_batches(self.read(cursor), size)


def cannot_continue(offset: int, length: int) -> ConfigError:
    """What to raise where a cursor fits no order of the data."""
    return ConfigError(
        f"cannot continue at example {offset} of {length}: the data has changed since the checkpoint was saved"
    )


def first_items(source: Source[Item], most: int | None) -> list[Item]:
    """The first `most` items of one pass (None: all of them), the same ones on every call."""
    one_pass = takewhile(lambda pair: pair[1].epoch == 0, source.read(Cursor(seed=0)))
    return [item for item, _ in islice(one_pass, most)]


class Lazy(Sequence[Item]):
    """A list of `length` items, each made when it is asked for."""

    def __init__(self, length: int, make: Callable[[int], Item]) -> None:
        self._length = length
        self._make = make

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        if isinstance(index, slice):
            return [self._make(each) for each in range(*index.indices(self._length))]
        return self._make(index)


Ids = NDArray[np.int64]
"""Token ids of one text."""


class Pieces(Shuffled[Item]):
    """Documents of token shards, one item each, cut where they are longer than `time`; `make` turns ids into items.

    The random numbers that `make` is given follow from seed, epoch and piece.
    """

    def __init__(
        self,
        shards: Sequence[TokenShard],
        *,
        time: int,
        make: Callable[[Ids, np.random.Generator], Item],
    ) -> None:
        self._shards, self._time, self._make = list(shards), time, make

    @property
    def hashes(self) -> Sequence[str]:
        """One per shard."""
        return [shard.source_hash for shard in self._shards]

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Shard, start and length of every piece of at least two tokens."""
        found = []
        for number, shard in enumerate(self._shards):
            starts, lengths = cut(shard.ends, self._time - 1)  # a piece of n pairs has n + 1 tokens
            found.append(np.stack([np.full_like(starts, number), starts, lengths + 1], axis=1))
        return np.concatenate(found)

    def epoch(self, number: int, seed: int) -> Sequence[Item]:
        """Every piece once."""
        order = np.random.default_rng([seed, number]).permutation(len(self._places))

        def make(index: int) -> Item:
            chosen = int(order[index])
            shard, start, length = self._places[chosen].tolist()
            ids = self._shards[shard].ids[start : start + length].astype(np.int64)
            return self._make(ids, np.random.default_rng([seed, number, chosen]))

        return Lazy(len(order), make)
