"""A convolutional text classifier: patterns of a few tokens, each as strong as at its best place in the text.

    strength_j = max over places t of relu(w_j · [x_t ; … ; x_{t+h-1}] + b_j)       Kim 2014, eq. 2 and 3
    logits     = W dropout(strengths) + b

A pattern may hang over either end of the text, where vectors are zero: so texts shorter than a pattern have one too.
Padding is as if it were not there. A token's vector may have added to it that of its pair with the one before (tagger.py). Left out: a second, frozen set of embeddings; the limit on the norm of W.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.model.sequence_config import ConvolutionConfig, num_labels
from zhixing.model.tagger import pair_rows


class Patterns(nn.Module):
    """The filters of one length."""

    def __init__(self, embedding: int, filters: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.filters = nn.Conv1d(embedding, filters, window, padding=window - 1)

    def forward(
        self,
        x: Float[Tensor, "batch embedding time"],
        keep: Float[Tensor, "batch 1 time"],
    ) -> Float[Tensor, "batch filters"]:
        """The strength of each pattern; windows that hold no token do not count."""
        found = F.relu(self.filters(x))
        touches = F.max_pool1d(F.pad(keep, (self.window - 1, self.window - 1)), self.window, 1)
        return (found * touches).amax(dim=-1)  # what ReLU gives is never below the 0 put here


class ConvolutionClassifier(nn.Module):
    """Embedding, patterns of several lengths, output layer."""

    def __init__(self, config: ConvolutionConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.embed = nn.Embedding(vocab, config.embedding)
        self.embed_pairs = (
            nn.Embedding(config.bigrams, config.embedding) if config.bigrams else None
        )
        self.patterns = nn.ModuleList(
            Patterns(config.embedding, config.filters, window) for window in config.windows
        )
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(config.filters * len(config.windows), num_labels(config))
        nn.init.uniform_(self.embed.weight, -0.25, 0.25)
        if self.embed_pairs is not None:
            nn.init.zeros_(self.embed_pairs.weight)  # a pair that was never learnt says nothing

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch labels"]:
        """Logits of the labels; `keep` is True at tokens, False at padding, which stands at the ends."""
        present = torch.ones_like(tokens, dtype=torch.bool) if keep is None else keep
        real = present.to(self.embed.weight.dtype).unsqueeze(1)
        x = self.embed(tokens)
        if self.embed_pairs is not None:
            x = x + self.embed_pairs(pair_rows(tokens, self.embed_pairs.num_embeddings))
        x = x.transpose(1, 2) * real  # (batch, embedding, time)
        strengths = torch.cat([patterns(x, real) for patterns in self.patterns], dim=-1)
        return self.output(self.dropout(strengths))
