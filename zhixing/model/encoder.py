"""The Transformer encoder (BERT family): embedding, a stack in which every token sees all others, heads.

Devlin et al. 2018. BERT, RoBERTa and DistilBERT are shapes of it (model/shapes.py). It predicts no next token, so
it is no LanguageModel: what it gives is one vector per token, and what its heads make of them.
"""

from jaxtyping import Bool, Int
from torch import Tensor, nn

from zhixing.model.blocks import Stack, initialise
from zhixing.model.config import EncoderConfig
from zhixing.model.heads import MaskedHead, build_head
from zhixing.model.protocol import Output


class Encoder(nn.Module):
    """A Transformer that reads both ways; `heads` by kind: masked, next-sentence, pool, classify, tag, span."""

    def __init__(self, config: EncoderConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = config.max_time
        self.embed = nn.Embedding(vocab, config.width)
        self.stack = Stack(config, causal=False)
        self.heads = nn.ModuleDict(
            {head.kind: build_head(config, head, vocab) for head in config.heads_on_top}
        )
        initialise(self, config.layers)
        if "masked" in self.heads:
            masked = self.heads["masked"]
            assert isinstance(masked, MaskedHead)
            masked.output.weight = self.embed.weight

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
        segments: Int[Tensor, "batch time"] | None = None,
        positions: Int[Tensor, "batch time"] | None = None,
    ) -> Output:
        """One vector per token. Raises UnsupportedError for more tokens than `max_time`.

        keep: True at tokens, False at padding, which nothing looks at; a row needs one token at least.
        segments: which part of the input each token belongs to (default: the first).
        positions: place of each token (default: counted from 0).
        """
        hidden = self.stack(self.embed(tokens), positions=positions, segments=segments, keep=keep)
        return Output(hidden=hidden)

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
        segments: Int[Tensor, "batch time"] | None = None,
        positions: Int[Tensor, "batch time"] | None = None,
    ) -> Output:
        """The body; a head is called on its own, with the vectors that it needs."""
        return self.body(tokens, keep=keep, segments=segments, positions=positions)
