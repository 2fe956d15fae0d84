"""What reads an encoder's vectors to answer a question; each answer is a tensor of logits.

masked          act(W h + b) normalised, times the embedding: the token at each place    Devlin et al. 2018, §3.1
next-sentence   tanh(W h₀ + b), then two logits: does the second text follow the first?  Devlin et al. 2018, §3.1
pool            tanh(W h₀ + b): one vector for the whole input, read from its first place
classify        act(W h₀ + b), or of the mean, then one logit per label
tag             one logit per label at each place
span            two logits at each place: the answer starts here, ends here              Devlin et al. 2018, §4.2
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from zhixing.model.activations import ACTIVATIONS
from zhixing.model.config import EncoderConfig, HeadConfig
from zhixing.model.norms import NORMS


class MaskedHead(nn.Module):
    """Logits over the vocabulary at each place, for tokens that were hidden from the encoder."""

    def __init__(self, config: EncoderConfig, vocab: int) -> None:
        super().__init__()
        self.transform = nn.Linear(config.width, config.width)
        self.activation = ACTIVATIONS[config.activation]
        self.norm = NORMS[config.norm](config.width, config.norm_epsilon)
        self.output = nn.Linear(config.width, vocab)

    def forward(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Logits at the given places."""
        return self.output(self.body(hidden))

    def body(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """What the output layer reads, for a loss that fuses it."""
        return self.norm(self.activation(self.transform(hidden)))


class PoolHead(nn.Module):
    """One vector for the whole input."""

    def __init__(self, config: EncoderConfig, head: HeadConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.activation = ACTIVATIONS[head.activation]
        self.pooling = POOLINGS[head.pooling]

    def forward(
        self, hidden: Float[Tensor, "batch time width"], keep: Bool[Tensor, "batch time"] | None
    ) -> Float[Tensor, "batch width"]:
        """Pool the places of each row, then transform."""
        return self.activation(self.dense(self.pooling(hidden, keep)))


class ClassifyHead(nn.Module):
    """One logit per label for the whole input; `next-sentence` is this with two labels."""

    def __init__(self, config: EncoderConfig, head: HeadConfig) -> None:
        super().__init__()
        self.pool = PoolHead(config, head)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.width, head.labels)

    def forward(
        self, hidden: Float[Tensor, "batch time width"], keep: Bool[Tensor, "batch time"] | None
    ) -> Float[Tensor, "batch labels"]:
        """Logits of each row."""
        return self.output(self.dropout(self.pool(hidden, keep)))


class PlaceHead(nn.Module):
    """Logits at each place: one per label (`tag`), or start and end (`span`)."""

    def __init__(self, config: EncoderConfig, head: HeadConfig) -> None:
        super().__init__()
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.width, head.labels)

    def forward(
        self, hidden: Float[Tensor, "batch time width"]
    ) -> Float[Tensor, "batch time labels"]:
        """Logits of each place."""
        return self.output(self.dropout(hidden))


def build_head(config: EncoderConfig, head: HeadConfig, vocab: int) -> nn.Module:
    """The module of one head."""
    if head.kind == "masked":
        return MaskedHead(config, vocab)
    if head.kind == "pool":
        return PoolHead(config, head)
    if head.kind in ("classify", "next-sentence"):
        return ClassifyHead(config, head)
    return PlaceHead(config, head)


def first_place(
    hidden: Float[Tensor, "batch time width"], keep: Bool[Tensor, "batch time"] | None
) -> Float[Tensor, "batch width"]:
    """The vector of the first place, where BERT's tokenizers put [CLS]."""
    return hidden[:, 0]


def mean_of_places(
    hidden: Float[Tensor, "batch time width"], keep: Bool[Tensor, "batch time"] | None
) -> Float[Tensor, "batch width"]:
    """The mean over all places that are not padding (Reimers & Gurevych 2019, §3)."""
    if keep is None:
        return hidden.mean(dim=1)
    weights = keep.to(hidden.dtype).unsqueeze(-1)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1).clamp(
        min=torch.finfo(hidden.dtype).tiny
    )


POOLINGS = {"first": first_place, "mean": mean_of_places}
"""name -> (hidden, keep) -> one vector a row."""
