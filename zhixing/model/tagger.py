"""A recurrent reader of texts, and a tagger made of it: BiLSTM and BiLSTM-CRF.

    tokens -> embedding -> layers that read both ways -> hidden -> perceptron -> one logit per label and place
      (+ vectors of pairs of neighbours)                               (-> linear chain: labels chosen together)
Huang, Xu & Yu 2015, "Bidirectional LSTM-CRF models for sequence tagging". Pairs of Chinese characters say most of what a
dictionary would (Pei, Ge & Chang 2014, §3.3); their table needs no list of pairs, as a pair's row is a hash of it
(Weinberger et al. 2009). Left out: features of the letters of a word, which tokens that are pieces of words replace.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.model.crf import LinearChain
from zhixing.model.perceptron import Perceptron
from zhixing.model.protocol import Output
from zhixing.model.recurrent_stack import RecurrentStack
from zhixing.model.sequence_config import RecurrentEncoderConfig, TaggerConfig, num_labels

_SPREAD = 1_000_003
"""A prime that puts the pairs of one token far apart."""


class RecurrentEncoder(nn.Module):
    """One vector per token, from what stands before it and, with two directions, behind it."""

    def __init__(self, config: RecurrentEncoderConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = None
        self.embed = nn.Embedding(vocab, config.embedding)
        self.embed_pairs = (
            nn.Embedding(config.bigrams, config.embedding) if config.bigrams else None
        )
        self.dropout = nn.Dropout(config.dropout)
        self.stack = RecurrentStack(
            config.cell,
            config.embedding,
            config.width,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        nn.init.normal_(self.embed.weight, std=config.embedding**-0.5)
        if self.embed_pairs is not None:
            nn.init.zeros_(self.embed_pairs.weight)  # a pair that was never learnt says nothing

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
        beside: Float[Tensor, "batch time embedding"] | None = None,
    ) -> Output:
        """One vector per token; `keep` is True at tokens, False at padding, whose vectors are zero.

        beside: what is added to the embedding of each token, where more is known of it.
        """
        x = self.embed(tokens)
        if beside is not None:
            x = x + beside
        if self.embed_pairs is not None:
            pairs = self.embed_pairs(pair_rows(tokens, self.embed_pairs.num_embeddings))
            x = x + pairs * self.dropout(torch.ones_like(pairs[..., :1]))  # a text has new pairs
        hidden, _ = self.stack(self.dropout(x), keep)
        return Output(hidden=self.dropout(hidden))

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Output:
        """The body."""
        return self.body(tokens, keep=keep)


def pair_rows(tokens: Int[Tensor, "batch time"], rows: int) -> Int[Tensor, "batch time"]:
    """The row of each token together with the one before it, 0 to `rows` - 1; the first token has none before it."""
    before = F.pad(tokens[:, :-1] + 1, (1, 0))
    return (before * _SPREAD + tokens) % rows


class Tagger(nn.Module):
    """A label for every token."""

    def __init__(self, config: TaggerConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.encoder = RecurrentEncoder(config.encoder, vocab)
        sizes = (config.encoder.width, *config.hidden, num_labels(config))
        self.output = Perceptron(sizes, "relu", dropout=config.encoder.dropout)
        self.chain = LinearChain(num_labels(config)) if config.chain else None

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time labels"]:
        """One logit per label and place."""
        return self.output(self.encoder.body(tokens, keep=keep).hidden)
