"""The multi-layer perceptron, and a text classifier that is one over a bag of words.

    a⁰ = x;   aˡ = act(Wˡ aˡ⁻¹ + bˡ);   the last layer has no activation      Rumelhart, Hinton & Williams 1986

A bag of words is the vector of how often each token occurs. A first layer W over it is Σ_t W[:, token_t], a sum of
columns, so it is kept as an embedding whose rows are added. With the mean instead of the sum it is the deep averaging
network of Iyyer et al. 2015; without a hidden layer it is the linear classifier of Joulin et al. 2017, which also counts
runs of tokens: these are too many for a vector each, so they share some by their hash. Such a classifier may begin as naive
Bayes, and learn from there what words that stand together say twice (Wang & Manning 2012).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.activations import ACTIVATIONS
from zhixing.model.sequence_config import BagConfig, num_labels
from zhixing.model.stack_config import ActivationName

MULTIPLIER, MODULUS = 1_000_003, 2**31 - 1
"""Of the hash of a run; the modulus keeps every product below 2^63."""


class Perceptron(nn.Module):
    """Linear layers of the given sizes, input first, with an activation between them."""

    def __init__(
        self, sizes: Sequence[int], activation: ActivationName, *, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.activation = ACTIVATIONS[activation]
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        """All layers, one after another."""
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)


class BagClassifier(nn.Module):
    """Sum or mean of token vectors, then a perceptron."""

    def __init__(self, config: BagConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.embed = nn.Embedding(vocab, config.embedding)
        is_ordered = config.phrase > 1
        self.runs = nn.Embedding(config.buckets, config.embedding) if is_ordered else None
        self.drop_tokens = nn.Dropout(config.dropout)
        self.pooling = POOLINGS[config.pooling]
        sizes = (config.embedding, *config.hidden, num_labels(config))
        self.output = Perceptron(sizes, config.activation, dropout=config.dropout)
        nn.init.normal_(self.embed.weight, std=config.embedding**-0.5)
        if self.runs is not None:  # a run that training never shows says nothing
            nn.init.zeros_(self.runs.weight)
        if config.begin == "naive-bayes":  # the counts come from examples (train/counts.py)
            nn.init.eye_(self.output.get_parameter("layers.0.weight"))
            nn.init.zeros_(self.output.get_parameter("layers.0.bias"))
            nn.init.zeros_(self.embed.weight)

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch labels"]:
        """Logits of the labels; `keep` is True at tokens, False at padding."""
        present = torch.ones_like(tokens, dtype=torch.bool) if keep is None else keep
        x = self.embed(tokens)
        if self.runs is not None:
            ids, whole = runs_of(tokens, present, self.config.phrase, self.config.buckets)
            x = torch.cat((x, self.runs(ids)), dim=1)
            present = torch.cat((present, whole), dim=1)
        weights = present.to(x.dtype)
        dropped = self.drop_tokens(weights).unsqueeze(-1)
        return self.output(self.pooling(x * dropped, weights))


def runs_of(
    tokens: Int[Tensor, "batch time"], keep: Bool[Tensor, "batch time"], longest: int, buckets: int
) -> tuple[Int[Tensor, "batch runs"], Bool[Tensor, "batch runs"]]:
    """The bucket of every run of 2 to `longest` tokens, and whether no padding is in it."""
    found, whole = [tokens[:, :0]], [keep[:, :0]]
    for size in range(2, min(longest, tokens.shape[1]) + 1):
        hashed = torch.zeros_like(tokens[:, size - 1 :]) + size
        for place in range(size):
            token = tokens[:, place : tokens.shape[1] - size + 1 + place]
            hashed = (hashed * MULTIPLIER + token) % MODULUS
        found.append(hashed % buckets)
        whole.append(keep.unfold(1, size, 1).all(dim=-1))
    return torch.cat(found, dim=1), torch.cat(whole, dim=1)


def sum_of_tokens(
    x: Float[Tensor, "batch time width"], weights: Float[Tensor, "batch time"]
) -> Float[Tensor, "batch width"]:
    """A matrix times the counts of a bag of words."""
    return x.sum(dim=1)


def mean_of_tokens(
    x: Float[Tensor, "batch time width"], weights: Float[Tensor, "batch time"]
) -> Float[Tensor, "batch width"]:
    """The same divided by the number of tokens; zero for a text without any."""
    return x.sum(dim=1) / weights.sum(dim=1, keepdim=True).clamp(min=1)


def root_of_tokens(
    x: Float[Tensor, "batch time width"], weights: Float[Tensor, "batch time"]
) -> Float[Tensor, "batch width"]:
    """The sum divided by the root of the number of tokens."""
    return x.sum(dim=1) / weights.sum(dim=1, keepdim=True).clamp(min=1).sqrt()


POOLINGS = {"sum": sum_of_tokens, "mean": mean_of_tokens, "root": root_of_tokens}
"""name -> (vectors, zero where padding stands; ones at tokens) -> one vector a text."""
