"""The encoder-decoder: one stack reads a source, the other writes a target and looks at what was read.

Vaswani et al. 2017, §3.1. The 2017 Transformer, T5, BART and Marian are shapes of its two halves (model/shapes.py).
"""

from typing import cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.blocks import Stack, initialise
from zhixing.model.cache import SourceCache, dense_cache
from zhixing.model.config import EncoderDecoderConfig
from zhixing.model.protocol import AttentionState, Memory, Output, State
from zhixing.model.writer import Writer


class EncoderDecoder(Writer):
    """A Transformer from one sequence to another."""

    def __init__(self, config: EncoderDecoderConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = config.decoder.max_time
        self.opening = (config.start,) if config.first is None else (config.start, config.first)
        self.never = config.never
        self.embed = nn.Embedding(vocab, config.decoder.width)
        self.encoder = Stack(config.encoder, causal=False)
        self.decoder = Stack(config.decoder, causal=True, reads_source=True)
        self.unembed = nn.Linear(config.decoder.width, vocab, bias=config.output_bias)
        self.scale = config.decoder.width**-0.5 if config.scaled_output else 1.0
        initialise(self, config.decoder.layers)
        if config.tied:
            self.unembed.weight = self.embed.weight

    def encode(
        self,
        source: Int[Tensor, "batch source"],
        *,
        keep: Bool[Tensor, "batch source"] | None = None,
    ) -> Memory:
        """See Writer.encode."""
        return Memory(hidden=self.encoder(self.embed(source), keep=keep), keep=keep)

    def decode(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: Memory,
        *,
        state: State | None = None,
    ) -> Output:
        """See Writer.decode. Raises UnsupportedError for more tokens than `max_time`."""
        hidden = self.decoder(
            self.embed(tokens),
            starts=torch.zeros_like(tokens),
            state=cast(AttentionState | None, state),
            memory=memory,
        )
        return Output(hidden=hidden, state=state)

    def to_output(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """See Writer.to_output; T5 makes the vectors smaller."""
        return hidden if self.scale == 1.0 else hidden * self.scale

    def new_state(self, batch: int, capacity: int) -> SourceCache:
        """Room for `capacity` tokens of the target; the source's keys and values join at the first `decode`."""
        return SourceCache(dense_cache(self.config.decoder, batch, capacity, self.embed.weight))
