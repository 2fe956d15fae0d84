"""Several classifiers as one: each learns from its own mistakes, and they answer together.

    p(label | text) = 1/k Σ_m softmax(z_m)_label          Lakshminarayanan, Pritzel & Blundell 2017, §2.4

Where their mistakes differ the mean is right more often than any of them, and less sure of itself where they disagree. Had
they one loss of their mean, each would learn only what the others leave over. Left out: adversarial examples (§2.3 there).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.convolution import ConvolutionClassifier
from zhixing.model.perceptron import BagClassifier
from zhixing.model.recurrent_classifier import RecurrentClassifier
from zhixing.model.sequence_config import (
    BagConfig,
    ConvolutionConfig,
    EnsembleConfig,
    RecurrentClassifierConfig,
)

MEMBERS: Mapping[type, Callable[[Any, int], nn.Module]] = {
    BagConfig: BagClassifier,
    ConvolutionConfig: ConvolutionClassifier,
    RecurrentClassifierConfig: RecurrentClassifier,
}
"""Configuration -> the classifier that is made of it."""


class Ensemble(nn.Module):
    """Members that read the same tokens."""

    def __init__(self, config: EnsembleConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.members = nn.ModuleList(
            MEMBERS[type(member)](member, vocab) for member in config.members
        )

    def answers(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch labels"], ...]:
        """The logits of each member; `keep` is True at tokens, False at padding."""
        return tuple(member(tokens, keep=keep) for member in self.members)

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch labels"]:
        """Logarithms of the mean probabilities: logits whose softmax is that mean."""
        each = torch.stack([z.float().log_softmax(dim=-1) for z in self.answers(tokens, keep=keep)])
        return each.logsumexp(dim=0) - math.log(len(self.members))
