"""The Transformer decoder (GPT family): embedding, causal stack, output layer.

Radford et al. 2018. What kind of blocks is said by the configuration: GPT-2, Llama, Mistral, Qwen2, Qwen3 and its
mixture of experts are shapes of it (model/shapes.py).
"""

from typing import cast

import torch
from jaxtyping import Int
from torch import Tensor, nn

from zhixing.kernels.attention import document_starts
from zhixing.model.blocks import Stack, initialise
from zhixing.model.cache import DenseCache, dense_cache
from zhixing.model.config import DecoderConfig
from zhixing.model.protocol import AttentionState, LanguageModel, Output, State


class Decoder(LanguageModel):
    """A causal Transformer."""

    def __init__(self, config: DecoderConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = config.max_time
        self.embed = nn.Embedding(vocab, config.width)
        self.stack = Stack(config, causal=True)
        self.unembed = nn.Linear(config.width, vocab, bias=False)
        initialise(self, config.layers)
        if config.tied:
            self.unembed.weight = self.embed.weight

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body. Raises UnsupportedError for more tokens than `max_time`."""
        starts = torch.zeros_like(tokens) if documents is None else document_starts(documents)
        hidden = self.stack(
            self.embed(tokens),
            positions=positions,
            starts=starts,
            state=cast(AttentionState | None, state),
        )
        return Output(hidden=hidden, state=state)

    def new_state(self, batch: int, capacity: int) -> DenseCache:
        """Room for `capacity` tokens of keys and values."""
        return dense_cache(self.config, batch, capacity, self.embed.weight)
