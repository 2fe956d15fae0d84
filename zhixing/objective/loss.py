"""A loss as a sum and a count, and other sums of the same kind.

    loss of a step = Σ over losses of (sum of nats over the whole step / number of targets of the whole step)

Never a mean of means: micro-batches, packing, padding and data parallelism then equal one big batch.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """`total` (a scalar with gradient, in nats unless its function says otherwise) over `count` targets."""

    total: Tensor
    count: int


Losses = Mapping[str, Loss]
"""What is learnt at once, by name: each is divided by its own count, the main one comes first."""

Counts = Mapping[str, int]
"""Targets of each loss, by the names of `Losses`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """A measure as a sum and a count: 3 right of 4, or nats over targets."""

    total: float
    count: int

    @property
    def mean(self) -> float:
        """The measure itself; nan over nothing."""
        return self.total / self.count if self.count else float("nan")


Tallies = Mapping[str, Tally]


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One pass over held-out items: the losses, and the scores that people read (accuracy)."""

    losses: Losses
    scores: Tallies


def add_counts(parts: Iterable[Counts]) -> dict[str, int]:
    """The sums by name, in the order of first appearance."""
    sums: dict[str, int] = {}
    for part in parts:
        for name, count in part.items():
            sums[name] = sums.get(name, 0) + count
    return sums


def add_tallies(one: Tallies, other: Tallies) -> dict[str, Tally]:
    """Both together, by name."""
    return {
        name: _sum([tallies[name] for tallies in (one, other) if name in tallies])
        for name in dict.fromkeys((*one, *other))
    }


def tallies_of(losses: Losses) -> dict[str, Tally]:
    """The same losses as plain numbers."""
    return {name: Tally(total=float(loss.total), count=loss.count) for name, loss in losses.items()}


def _sum(tallies: list[Tally]) -> Tally:
    return Tally(total=sum(t.total for t in tallies), count=sum(t.count for t in tallies))
