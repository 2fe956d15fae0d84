"""Examples of a task (a text and its label, a source and its target) in one memory-mapped file.

An example is a few sequences of whole numbers by name; a store is a token shard (shard.py) in which every example takes
one place per name, and a small JSON file that says the names and what was cut or left out on the way:

    NAME.json   {"fields": ["tokens", "label"], "examples": 5, "truncated": 1, "dropped": {"too_long": 2}, …}
    NAME.bin    tokens of example 0, its label, tokens of example 1, its label, …

Order and randomness follow from (seed, epoch, example), so a run resumes exactly at its cursor.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open, read_json, write_json
from zhixing.data.order import Cursor
from zhixing.data.shard import ShardWriter, TokenShard, open_shard
from zhixing.data.source import Lazy, Shuffled, cannot_continue

Item = TypeVar("Item", covariant=True)
Example = Mapping[str, NDArray[np.int64]]
"""Sequences of numbers by name; a label is a sequence of one."""
WINDOW = 50
"""Batches within which examples are sorted by length."""
_SIGN = 2**32
"""The file holds numbers without a sign: those below zero are stored as 2^32 more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """An example, or why there is none; `truncated` when a part of the text did not fit.

    `widened` when the answer to learn is only a part of its tokens, so that a model can but answer more than it.
    """

    example: Example | None = None
    dropped: str = ""
    truncated: bool = False
    widened: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Losses:
    """What the making of examples cost: how many were cut, how many left out and why, how many have another answer."""

    examples: int
    truncated: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    widened: int = 0

    @property
    def num_dropped(self) -> int:
        """All that were left out."""
        return sum(self.dropped.values())

    def __str__(self) -> str:
        reasons = ", ".join(f"{name} {count:,}" for name, count in sorted(self.dropped.items()))
        return (
            f"{self.examples:,} examples, {self.truncated:,} truncated, {self.num_dropped:,} dropped"
            f"{f' ({reasons})' if reasons else ''}{self._told_widened()}"
        )

    def _told_widened(self) -> str:
        if not self.widened:
            return ""
        return (
            f"; {self.widened:,} answers are only parts of their tokens, and will be answered with all of these: a tokenizer "
            'of kind = "characters" cuts everywhere'
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleStore:
    """Examples on disk, read one by one."""

    fields: tuple[str, ...]
    shard: TokenShard
    losses: Losses

    def __len__(self) -> int:
        return self.shard.num_documents // len(self.fields)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Of every field of every example: (examples, fields)."""
        ends = np.asarray(self.shard.ends, dtype=np.int64)
        return np.diff(ends, prepend=0).reshape(len(self), len(self.fields))

    def lengths_of(self, name: str) -> NDArray[np.int64]:
        """Of one field of every example."""
        return self.lengths[:, self.fields.index(name)]

    def __getitem__(self, index: int) -> Example:
        first = index * len(self.fields)
        return {
            name: self.shard.document(first + place)
            .astype(np.uint32)
            .view(np.int32)
            .astype(np.int64)
            for place, name in enumerate(self.fields)
        }


class Examples(Shuffled[Item]):
    """The examples of a store, shuffled; `make` may draw random numbers that follow from epoch and example.

    alike: so many examples in a row are about equally long, so that a batch of them is hardly padded; an epoch leaves
    out the few that do not fill a last batch, others every time.

    evened: a field of which all batches have about as many tokens, in few long examples or in many short ones. A loss
    per token is then the same sum whichever texts stand together; with equally many examples in each batch, a token
    of a short text would count for more (Vaswani et al. 2017, section 5.1, does the same). No example is left out.
    """

    def __init__(
        self,
        store: ExampleStore,
        make: Callable[[Example, np.random.Generator], Item],
        *,
        alike: int = 1,
        evened: str = "",
    ) -> None:
        self._store, self._make, self._alike, self._evened = store, make, alike, evened

    @property
    def hashes(self) -> Sequence[str]:
        """That of the store."""
        return [self._store.shard.source_hash]

    def epoch(self, number: int, seed: int) -> Sequence[Item]:
        """Every example once."""
        random = np.random.default_rng([seed, number])
        order = random.permutation(len(self._store))
        if 1 < self._alike <= len(order):
            order = _alike_together(order, self._store.lengths, self._alike, random)
        return self._in_order(order, number, seed)

    def batches(self, cursor: Cursor, size: int) -> Iterator[tuple[Sequence[Item], Cursor]]:
        """See Source.batches; `size` on average where batches are evened."""
        if self._evened:
            return self._evened_batches(cursor, size)
        return super().batches(cursor, size)

    def _evened_batches(self, cursor: Cursor, size: int) -> Iterator[tuple[Sequence[Item], Cursor]]:
        lengths, weights = self._store.lengths, self._store.lengths_of(self._evened)
        for number in itertools.count(cursor.epoch):
            random = np.random.default_rng([cursor.seed, number])
            order = random.permutation(len(self._store))
            found = _evened(order, lengths, weights, size)
            parts = [found[place] for place in random.permutation(len(found))]
            ends = np.cumsum([len(part) for part in parts]).tolist()
            done = cursor.offset if number == cursor.epoch else 0
            if done and done not in ends:
                raise cannot_continue(done, len(order))
            for part, end in zip(parts, ends, strict=True):
                if end > done:
                    items = self._in_order(part, number, cursor.seed)
                    yield items[:], Cursor(epoch=number, offset=end, seed=cursor.seed)

    def _in_order(self, order: NDArray[np.int64], number: int, seed: int) -> Sequence[Item]:
        def make(index: int) -> Item:
            chosen = int(order[index])
            return self._make(self._store[chosen], np.random.default_rng([seed, number, chosen]))

        return Lazy(len(order), make)


def _alike_together(
    order: NDArray[np.int64],
    lengths: NDArray[np.int64],
    count: int,
    random: np.random.Generator,
) -> NDArray[np.int64]:
    """Sort stretches of WINDOW batches by length, last field first, and put the batches in a random order."""
    order = order[: len(order) // count * count]
    stretches = [
        part[np.lexsort(lengths[part].T)]
        for part in np.split(order, range(WINDOW * count, len(order), WINDOW * count))
    ]
    batches = np.concatenate(stretches).reshape(-1, count)
    return batches[random.permutation(len(batches))].reshape(-1)


def _evened(
    order: NDArray[np.int64], lengths: NDArray[np.int64], weights: NDArray[np.int64], size: int
) -> list[NDArray[np.int64]]:
    """Sort stretches of WINDOW batches by length, the longest field first, and cut each into batches of equal weight."""
    batches: list[NDArray[np.int64]] = []
    for part in np.split(order, range(WINDOW * size, len(order), WINDOW * size)):
        by_length = part[np.lexsort((lengths[part].sum(axis=1), lengths[part].max(axis=1)))]
        so_far = weights[by_length].cumsum()
        number = max(1, round(len(part) / size))
        cuts = np.searchsorted(so_far, so_far[-1] * np.arange(1, number) / number)
        batches += [batch for batch in np.split(by_length, cuts) if len(batch)]
    return batches


def write_examples(
    folder: Path,
    name: str,
    made: Iterable[Made],
    *,
    fields: Sequence[str],
    tokenizer_hash: str,
    source_hash: str,
    origin: str = "",
) -> ExampleStore:
    """Write `folder/name.bin` and `.json`, counting what was cut and left out. DataError when nothing of `origin` is left."""
    dropped = Counter[str]()
    written = truncated = widened = 0
    with atomic_open(folder / f"{name}.bin") as file:
        writer = ShardWriter(file, vocab=_SIGN)
        for each in made:
            if each.example is None:
                dropped[each.dropped] += 1
                continue
            for key in fields:
                writer.append((np.asarray(each.example[key], dtype=np.int64) % _SIGN).tolist())
            written += 1
            truncated += each.truncated
            widened += each.widened
        writer.finish(tokenizer_hash=tokenizer_hash, source_hash=source_hash)
    losses = Losses(examples=written, truncated=truncated, dropped=dict(dropped), widened=widened)
    if not written:
        raise DataError(f"not one example of {origin or name} can be used: {losses}")
    facts = {
        "fields": list(fields),
        "tokenizer_hash": tokenizer_hash,
        "source_hash": source_hash,
        "truncated": truncated,
        "dropped": dict(dropped),
        "widened": widened,
    }
    write_json(folder / f"{name}.json", facts)
    return open_examples(folder, name)


def open_examples(folder: Path, name: str) -> ExampleStore:
    """Open a store. Raises DataError when it is missing, damaged, or its files do not belong together."""
    facts = read_json(folder / f"{name}.json")
    shard = open_shard(folder / f"{name}.bin")
    try:
        fields = tuple(facts["fields"])
        stamps = (facts["tokenizer_hash"], facts["source_hash"])
        losses = Losses(
            examples=shard.num_documents // len(fields),
            truncated=facts["truncated"],
            dropped=facts["dropped"],
            widened=facts["widened"],
        )
    except (KeyError, TypeError, ZeroDivisionError) as error:
        raise DataError(f"{folder / name}.json is damaged; make the examples again") from error
    if stamps != (shard.tokenizer_hash, shard.source_hash) or shard.num_documents % len(fields):
        raise DataError(f"{folder / name}.json and .bin do not belong together; make them again")
    return ExampleStore(fields=fields, shard=shard, losses=losses)


def reuse_examples(
    folder: Path, name: str, *, tokenizer_hash: str, source_hash: str
) -> ExampleStore | None:
    """The store of an earlier, equal run; None when there is none that is whole."""
    try:
        store = open_examples(folder, name)
    except DataError:
        return None
    stamps = (store.shard.tokenizer_hash, store.shard.source_hash)
    return store if stamps == (tokenizer_hash, source_hash) else None


def float_bits(value: float) -> int:
    """A float32 as the whole number that has its bits, to store it."""
    return int(np.float32(value).view(np.int32))


def bits_float(bits: int) -> float:
    """The float32 that `float_bits` made a number of."""
    return float(np.int32(bits).view(np.float32))
