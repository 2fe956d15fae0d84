"""Loss and scores on held-out items while training: sums and counts, divided once.

Bits per byte compares models with different tokenizers: nats per token / ln 2 · tokens per byte. It counts each
document's end token, so it is a curve to steer by; `zhixing evaluate` gives the score to publish.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import torch

from zhixing.core.errors import ZhixingError
from zhixing.data.source import Source, first_items
from zhixing.model.assembly import Network
from zhixing.model.protocol import device_of
from zhixing.objective.loss import Tallies, Tally, add_tallies, tallies_of
from zhixing.objective.protocol import Objective
from zhixing.train.batches import micro_batches, on_device
from zhixing.train.precision import computing_in


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """What to measure on. `tokens_per_byte`: targets per byte of text, None where the bytes are not known."""

    items: Sequence[Any]
    objective: Objective[Any, Any]
    micro_batch: int
    tokens_per_byte: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """The `losses` and `scores` of the weights of `step`, the main loss first; it took `seconds`."""

    step: int
    losses: Tallies
    scores: Tallies = field(default_factory=dict)
    tokens_per_byte: float | None = None
    seconds: float

    @property
    def loss(self) -> float:
        """What training brings down: the sum of the losses, each in nats per target."""
        return sum(loss.mean for loss in self.losses.values() if loss.count)

    @property
    def main(self) -> Tally:
        """The main loss."""
        return next(iter(self.losses.values()))

    @property
    def bits_per_byte(self) -> float | None:
        """The main loss by the size of the text; None where that is not known."""
        if self.tokens_per_byte is None:
            return None
        return self.main.mean / math.log(2) * self.tokens_per_byte


def hold_out(
    source: Source[Any],
    objective: Objective[Any, Any],
    *,
    most: int | None,
    micro_batch: int,
    tokens_per_byte: float | None = None,
) -> HeldOut:
    """The first `most` items of `source` (None: all of one pass), always the same."""
    return HeldOut(
        items=first_items(source, most),
        objective=objective,
        micro_batch=micro_batch,
        tokens_per_byte=tokens_per_byte,
    )


@torch.no_grad()
def validate(
    model: Network,
    held: HeldOut,
    *,
    step: int,
    dtype: torch.dtype,
    should_stop: Callable[[], bool],
) -> Validation | None:
    """Measure `model` on `held` without dropout; None when `should_stop` said so on the way.

    Raises ZhixingError when the loss is not a finite number: such weights must not become the best.
    """
    began = perf_counter()
    device = device_of(model)
    was_training = model.training
    model.eval()
    losses: Tallies = {}
    scores: Tallies = {}
    try:
        for batch in micro_batches(held.objective, held.items, held.micro_batch):
            if should_stop():
                return None
            with computing_in(dtype, device):
                measured = held.objective.measure(model, on_device(batch, device))
            losses = add_tallies(losses, tallies_of(measured.losses))
            scores = add_tallies(scores, measured.scores)
    finally:
        model.train(was_training)
    _refuse_not_finite(losses, step)
    return Validation(
        step=step,
        losses=losses,
        scores=scores,
        tokens_per_byte=held.tokens_per_byte,
        seconds=perf_counter() - began,
    )


def _refuse_not_finite(losses: Tallies, step: int) -> None:
    nats = sum(loss.total for loss in losses.values())
    if not math.isfinite(nats):
        raise ZhixingError(
            f"training broke down: the held-out loss after step {step} is {nats}. Lower the learning rates or raise "
            "train.warmup, and begin again with --fresh"
        )
