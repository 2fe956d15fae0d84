"""Where the loader is: enough to continue exactly there."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """Position in the shuffled stream: next item `offset` of `shard` in `epoch`, under `seed`."""

    epoch: int = 0
    shard: int = 0
    offset: int = 0
    seed: int = 42
