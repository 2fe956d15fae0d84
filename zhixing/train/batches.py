"""From a stream of packed rows to the micro-batches of one optimizer step."""

from collections.abc import Iterator, Sequence

import torch

from zhixing.data.order import Cursor
from zhixing.data.pack import Row
from zhixing.objective.causal import CausalBatch, collate

Stream = Iterator[tuple[Row, Cursor]]
"""Rows without end, each with the place after it."""


def take(stream: Stream, rows: int) -> tuple[list[Row], Cursor]:
    """The next `rows` rows, and the place after the last one."""
    taken = [next(stream) for _ in range(rows)]
    return [row for row, _ in taken], taken[-1][1]


def micro_batches(rows: Sequence[Row], size: int) -> Iterator[CausalBatch]:
    """Batches of at most `size` rows, in order, every row once."""
    for first in range(0, len(rows), size):
        yield collate(rows[first : first + size])


def on_device(batch: CausalBatch, device: torch.device) -> CausalBatch:
    """The same batch in the memory of `device`."""
    if device.type == "cpu":
        return batch
    return CausalBatch(
        tokens=batch.tokens.to(device, non_blocking=True),
        targets=batch.targets.to(device, non_blocking=True),
        positions=batch.positions.to(device, non_blocking=True),
        documents=batch.documents.to(device, non_blocking=True),
    )
