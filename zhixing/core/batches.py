"""Items in batches: enough at a time to keep all cores busy, little enough to keep memory flat."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def batches(
    items: Iterable[Item], size_of: Callable[[Item], int], *, max_size: int, max_items: int
) -> Iterator[list[Item]]:
    """Yield `items` in lists that end when their sizes reach `max_size` or there are `max_items` of them."""
    batch: list[Item] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if size >= max_size or len(batch) >= max_items:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """At most `size` items at a time, in order, every item once."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
