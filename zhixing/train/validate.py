"""The loss on held-out documents while training: sums of nats and targets, divided once.

Bits per byte compares models with different tokenizers: nats per token / ln 2 · tokens per byte. It counts each
document's end token, so it is a curve to steer by; `zhixing evaluate` gives the score to publish.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import cast

import torch

from zhixing.core.errors import ZhixingError
from zhixing.data.loader import Loader
from zhixing.data.order import Cursor
from zhixing.data.pack import Row
from zhixing.data.shard import TokenShard
from zhixing.model.protocol import LanguageModel
from zhixing.objective import causal
from zhixing.train.batches import micro_batches, on_device
from zhixing.train.precision import computing_in


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """What to measure on. `tokens_per_byte`: targets per byte of text, None where the bytes are not known."""

    rows: Sequence[Row]
    micro_batch: int
    tokens_per_byte: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Validation:
    """`nats` summed over `targets` predictions by the weights of `step`; it took `seconds`."""

    step: int
    nats: float
    targets: int
    bits_per_byte: float | None
    seconds: float

    @classmethod
    def of(
        cls, held: HeldOut, *, step: int, nats: float, targets: int, seconds: float
    ) -> "Validation":
        """The measurement of `nats` over `targets` on `held`, with bits per byte where its bytes are known."""
        bits = None
        if held.tokens_per_byte is not None:
            bits = nats / targets / math.log(2) * held.tokens_per_byte
        return cls(step=step, nats=nats, targets=targets, bits_per_byte=bits, seconds=seconds)

    @property
    def loss(self) -> float:
        """Nats per target."""
        return self.nats / self.targets


def hold_out(
    shards: Sequence[TokenShard],
    *,
    time: int,
    tokens: int | None,
    micro_batch: int,
    text_bytes: int | None,
) -> HeldOut:
    """About `tokens` tokens of `shards` (None: all), always the same; `text_bytes` is the size of all their text."""
    loader = Loader(shards, time=time, seed=0, cursor=Cursor(seed=0))
    rows = loader.rows_per_epoch
    if tokens is not None:
        rows = min(rows, max(1, tokens // time))
    targets = sum(len(shard.ids) - len(shard.ends) for shard in shards)
    return HeldOut(
        rows=[row for row, _ in islice(loader, rows)],
        micro_batch=micro_batch,
        tokens_per_byte=targets / text_bytes if text_bytes else None,
    )


@torch.no_grad()
def validate(
    model: LanguageModel,
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
    device = model.device
    was_training = model.training
    model.eval()
    nats, targets = 0.0, 0
    try:
        for batch in micro_batches(held.rows, held.micro_batch):
            if should_stop():
                return None
            with computing_in(dtype, device):
                loss = causal.loss(cast(causal.CausalModel, model), on_device(batch, device))
            nats += float(loss.total)
            targets += loss.count
    finally:
        model.train(was_training)
    if not math.isfinite(nats):
        raise ZhixingError(
            f"training broke down: the held-out loss after step {step} is {nats}. Lower the learning rates or raise "
            "train.warmup, and begin again with --fresh"
        )
    seconds = perf_counter() - began
    return Validation.of(held, step=step, nats=nats, targets=targets, seconds=seconds)
