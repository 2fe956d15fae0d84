"""Language modelling in both directions: each next token from the past, each previous one from the future.

    loss = -Σ_t log p(token_{t+1} | token_0 … token_t) - Σ_t log p(token_{t-1} | token_t … token_n)        Peters et al. 2018, §3.1

Rows are packed documents. What was read of one document is not forgotten at the begin of the next one in its row, as for
recurrent models in general; but no token is to be guessed across that border.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.core.targets import IGNORED
from zhixing.data.pack import Row
from zhixing.kernels.cross_entropy import linear_cross_entropy
from zhixing.objective.causal import CausalBatch, collate
from zhixing.objective.loss import Counts, Loss, Losses, Measured


class TwoWayModel(Protocol):
    """What this loss needs of a model."""

    encoder: nn.Module
    bias: Tensor

    def guesses(
        self, tokens: Int[Tensor, "batch time"], *, keep: Bool[Tensor, "batch time"] | None = None
    ) -> tuple[Float[Tensor, "batch time embedding"], Float[Tensor, "batch time embedding"]]:
        """See model/two_way.py."""


class TwoWayLanguage:
    """The neighbours of every token."""

    kind = "two-way"
    target = "token"

    def counts(self, item: Row) -> Counts:
        """The places that have a next token, and those that have a previous one."""
        is_token = item.targets != IGNORED
        return {"loss": int(is_token.sum() + np.count_nonzero(is_token & (item.positions > 0)))}

    def collate(self, items: Sequence[Row]) -> CausalBatch:
        """Packed rows of equal length, stacked."""
        return collate(items)

    def losses(self, model: TwoWayModel, batch: CausalBatch) -> Losses:
        """-log p of both neighbours."""
        keep = batch.targets != IGNORED
        ahead, behind = model.guesses(batch.tokens, keep=None if bool(keep.all()) else keep)
        before = previous(batch)
        total = _total(model, ahead, batch.targets) + _total(model, behind, before)
        count = int(keep.sum() + (before != IGNORED).sum())
        return {"loss": Loss(total=total, count=count)}

    def measure(self, model: TwoWayModel, batch: CausalBatch) -> Measured:
        """The same, and no other score."""
        return Measured(losses=self.losses(model, batch), scores={})


def previous(batch: CausalBatch) -> Int[Tensor, "batch time"]:
    """The token before each place in its document; -100 where there is none."""
    before = batch.tokens.roll(1, dims=1)
    is_there = (batch.positions > 0) & (batch.targets != IGNORED)
    return torch.where(is_there, before, IGNORED)


def _total(
    model: TwoWayModel,
    guess: Float[Tensor, "batch time embedding"],
    targets: Int[Tensor, "batch time"],
) -> Float[Tensor, ""]:
    embedding = model.encoder.get_parameter("embed.weight")
    return linear_cross_entropy(guess.flatten(0, 1), embedding, targets.flatten(), model.bias)
