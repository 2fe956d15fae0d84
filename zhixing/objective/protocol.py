"""What the training loop asks of an objective; everything else about it stays in its own file.

    text ── item ──▶ collate ──▶ Batch ──▶ losses(model, batch) ──▶ sums and counts
              └────▶ counts                measure(model, batch) ──▶ the same and scores, while validating

The counts of an item are known before the model sees it, so the loop can divide every micro-batch of a step by the
targets of the whole step. Promise of every objective: the counts of items add up to the counts of their losses.
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from zhixing.objective.loss import Counts, Losses, Measured

Item = TypeVar("Item", contravariant=True)
Batch = TypeVar("Batch")


class Objective(Protocol[Item, Batch]):
    """One thing to learn, from items that are collated to batches."""

    @property
    def kind(self) -> str:
        """Its name in a recipe."""

    @property
    def target(self) -> str:
        """What the main loss is counted in: token, pair, text."""

    def counts(self, item: Item) -> Counts:
        """Targets of each loss in one item."""

    def collate(self, items: Sequence[Item]) -> Batch:
        """Items side by side in tensors, padded where they differ in length."""

    def losses(self, model: Any, batch: Batch) -> Losses:
        """Sums with gradient, the main one first."""

    def measure(self, model: Any, batch: Batch) -> Measured:
        """The losses and the scores of one held-out batch, in one pass."""
