"""An endless, shuffled, resumable stream of rows.

Order is a pure function of (seed, epoch): the shards in a shuffled order, and in each shard shuffled rows. So a
`Cursor` of four numbers is enough to go on exactly where a run stopped, and one shard's plan is all that is in
memory. With several shards, rows mix within a shard only: shuffle documents before writing shards.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import ConfigError, DataError
from zhixing.data.order import Cursor
from zhixing.data.pack import Plan, Row, best_fit, cut, fill, plan_rows
from zhixing.data.shard import TokenShard

START = Cursor()


class Loader:
    """Rows of `time` tokens from shards, for ever; each comes with the cursor that continues after it."""

    def __init__(
        self, shards: Sequence[TokenShard], *, time: int, seed: int, cursor: Cursor = START
    ) -> None:
        self._shards = list(shards)
        self._time = time
        self._seed = seed
        self._cursor = _checked_cursor(cursor, seed, len(self._shards))
        if len({shard.tokenizer_hash for shard in self._shards}) > 1:
            raise DataError("the token shards come from different tokenizers; build them again")
        if not any(num_pairs(shard) for shard in self._shards):
            raise DataError("the token shards hold nothing to learn: no document has two tokens")

    @cached_property
    def rows_per_epoch(self) -> int:
        """Rows in one pass over all shards; the same in every epoch."""
        return sum(_count_rows(shard, self._time) for shard in self._shards)

    def __iter__(self) -> Iterator[tuple[Row, Cursor]]:
        """Rows from the cursor on, each with the cursor after it."""
        epoch, place, offset = self._cursor.epoch, self._cursor.shard, self._cursor.offset
        while True:
            order = self._shard_order(epoch)
            for here in range(place, len(order)):
                yield from self._rows_of(order, epoch, here, offset)
                offset = 0
            epoch, place = epoch + 1, 0

    def _rows_of(
        self, order: NDArray[np.int64], epoch: int, place: int, offset: int
    ) -> Iterator[tuple[Row, Cursor]]:
        number = int(order[place])
        shard = self._shards[number]
        plan = plan_rows(shard.ends, self._time, self._random(epoch, number))
        self._check_offset(offset, plan)
        for row in range(offset, plan.num_rows):
            after = Cursor(epoch=epoch, shard=place, offset=row + 1, seed=self._seed)
            yield fill(shard, plan, row, self._time), after

    def _shard_order(self, epoch: int) -> NDArray[np.int64]:
        return self._random(epoch, len(self._shards)).permutation(len(self._shards))

    def _random(self, epoch: int, stream: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, epoch, stream])

    def _check_offset(self, offset: int, plan: Plan) -> None:
        if offset > plan.num_rows:
            raise ConfigError(
                f"cannot continue at row {offset} of a shard with {plan.num_rows} rows: the data or "
                "[data] time has changed since the checkpoint was saved"
            )


def num_pairs(shard: TokenShard) -> int:
    """Predicted tokens in a shard."""
    lengths = np.diff(shard.ends, prepend=0)
    return int(np.maximum(lengths - 1, 0).sum())


def _count_rows(shard: TokenShard, time: int) -> int:
    _, lengths = cut(shard.ends, time)
    rows = best_fit(-np.sort(-lengths), time)
    return int(rows.max()) + 1 if len(rows) else 0


def _checked_cursor(cursor: Cursor, seed: int, num_shards: int) -> Cursor:
    is_start = (cursor.epoch, cursor.shard, cursor.offset) == (0, 0, 0)
    if not is_start and cursor.seed != seed:
        raise ConfigError(
            f"cannot continue with seed {seed}: the checkpoint was made with seed {cursor.seed}; "
            "keep the seed, or start a new run"
        )
    if not is_start and cursor.shard >= num_shards:
        raise ConfigError(
            f"cannot continue at shard {cursor.shard} of {num_shards}: the data has changed since the "
            "checkpoint was saved"
        )
    return cursor
