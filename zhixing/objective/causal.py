"""Causal language modelling: predict each next token.

    loss = -Σ_t log p(token_{t+1} | token_0 … token_t)        (Bengio et al. 2003, eq. 1; sums, never means)

A row packs several documents; `documents` and `positions` keep them apart, and targets that are padding are -100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from zhixing.core.targets import IGNORED
from zhixing.data.pack import Row
from zhixing.kernels.cross_entropy import linear_cross_entropy
from zhixing.model.protocol import Output
from zhixing.objective.loss import Counts, Loss, Losses, Measured


@dataclass(frozen=True, kw_only=True, slots=True)
class CausalBatch:
    """Rows of tokens and, at each place, the token that follows (-100: no loss there)."""

    tokens: Int[Tensor, "batch time"]
    targets: Int[Tensor, "batch time"]
    positions: Int[Tensor, "batch time"]
    documents: Int[Tensor, "batch time"]


class CausalModel(Protocol):
    """What this loss needs of a model: a body, and an output layer."""

    unembed: nn.Linear

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Output:
        """See LanguageModel.body."""


class Causal:
    """The next token, everywhere."""

    kind = "causal"
    target = "token"

    def counts(self, item: Row) -> Counts:
        """The places that have a next token."""
        return {"loss": int(np.count_nonzero(item.targets != IGNORED))}

    def collate(self, items: Sequence[Row]) -> CausalBatch:
        """Packed rows of equal length, stacked."""
        return collate(items)

    def losses(self, model: CausalModel, batch: CausalBatch) -> Losses:
        """-log p of the targets."""
        return {"loss": loss(model, batch)}

    def measure(self, model: CausalModel, batch: CausalBatch) -> Measured:
        """The same, and no other score: perplexity follows from it."""
        return Measured(losses=self.losses(model, batch), scores={})


def collate(rows: Sequence[Row]) -> CausalBatch:
    """Stack packed rows of equal length."""
    return CausalBatch(
        tokens=torch.stack([torch.from_numpy(row.tokens) for row in rows]),
        targets=torch.stack([torch.from_numpy(row.targets) for row in rows]),
        positions=torch.stack([torch.from_numpy(row.positions) for row in rows]),
        documents=torch.stack([torch.from_numpy(row.documents) for row in rows]),
    )


def loss(model: CausalModel, batch: CausalBatch) -> Loss:
    """Sum of -log p(target) in nats, and the number of targets."""
    output = model.body(batch.tokens, positions=batch.positions, documents=batch.documents)
    total = linear_cross_entropy(
        output.hidden.flatten(0, 1),
        model.unembed.weight,
        batch.targets.flatten(),
        model.unembed.bias,
    )
    return Loss(total=total, count=int((batch.targets != IGNORED).sum()))
