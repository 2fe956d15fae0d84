"""A recurrent encoder as two language models at once: one reads forward, one backward, and they share their embedding.

    forward    p(token_{t+1} | token_0 … token_t)  = softmax(E A h_t + b)        h: the half of the encoder's vector that has
    backward   p(token_{t-1} | token_t … token_n)  = softmax(E B g_t + b)        read up to t; g: the other half

Peters et al. 2018, "Deep contextualized word representations", §3.1. What it has learnt of a language is in its encoder, from
which a classifier begins (train/finetune.py). Left out: several layers, whose higher ones would see what is guessed.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.protocol import Output
from zhixing.model.sequence_config import TwoWayConfig
from zhixing.model.tagger import RecurrentEncoder


class TwoWay(nn.Module):
    """Encoder, one map of each half to the size of an embedding, output bias."""

    def __init__(self, config: TwoWayConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.encoder = RecurrentEncoder(config.encoder, vocab)
        half = config.encoder.width // 2
        self.ahead = nn.Linear(half, config.encoder.embedding)
        self.behind = nn.Linear(half, config.encoder.embedding)
        self.bias = nn.Parameter(torch.zeros(vocab))

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Output:
        """One vector per token; `keep` is True at tokens, False at padding, whose vectors are zero."""
        return self.encoder.body(tokens, keep=keep)

    def guesses(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> tuple[Float[Tensor, "batch time embedding"], Float[Tensor, "batch time embedding"]]:
        """What the next and the previous token of each place are like: times the embedding, plus the bias, their logits."""
        forward, backward = self.body(tokens, keep=keep).hidden.chunk(2, dim=-1)
        return self.ahead(forward), self.behind(backward)

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Output:
        """The body."""
        return self.body(tokens, keep=keep)
