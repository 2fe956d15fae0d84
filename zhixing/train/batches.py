"""From the items of one optimizer step to its micro-batches."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import torch
from torch import Tensor

from zhixing.core.batches import chunks
from zhixing.data.order import Cursor
from zhixing.objective.protocol import Objective

Item = TypeVar("Item")
Batch = TypeVar("Batch")
Steps = Iterator[tuple[Sequence[Item], Cursor]]
"""The items of one optimizer step after another, without end, each list with the place after it."""


def micro_batches(
    objective: Objective[Item, Batch], items: Sequence[Item], size: int
) -> Iterator[Batch]:
    """Batches of at most `size` items, in order, every item once."""
    return map(objective.collate, chunks(items, size))


def on_device(batch: Batch, device: torch.device) -> Batch:
    """The same batch, a dataclass with tensors in its fields, in the memory of `device`."""
    if device.type == "cpu":
        return batch
    return type(batch)(**_moved(batch, device))


def _moved(batch: Any, device: torch.device) -> dict[str, Any]:
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    return {
        name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for name, value in values.items()
    }
