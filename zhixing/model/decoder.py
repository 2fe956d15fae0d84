"""The Transformer decoder (GPT family): embedding, blocks, norm, output layer.

Radford et al. 2018 with the choices of Qwen3 (Yang et al. 2025): rotary positions, RMSNorm before each part,
normalised queries and keys, grouped queries, SwiGLU. Left out: mixture of experts, sliding windows.
"""

import math
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.core.errors import UnsupportedError
from zhixing.kernels.attention import document_starts
from zhixing.kernels.rotary import angles
from zhixing.model.blocks import Block, RMSNorm
from zhixing.model.cache import DenseCache
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
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.layers))
        self.norm = RMSNorm(config.width, config.norm_epsilon)
        self.unembed = nn.Linear(config.width, vocab, bias=False)
        initialise(self)

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body."""
        start = state.length if state is not None else 0
        if start + tokens.shape[1] > self.config.max_time:
            raise UnsupportedError(
                f"{start + tokens.shape[1]} tokens are longer than this model's {self.config.max_time}"
            )
        if positions is None:
            positions = torch.arange(start, start + tokens.shape[1], device=tokens.device)
            positions = positions.expand(tokens.shape)
        starts = torch.zeros_like(tokens) if documents is None else document_starts(documents)
        rotation = angles(positions, self.config.head_dim, self.config.rope_base)
        x = self.dropout(self.embed(tokens))
        for block in self.blocks:
            x = block(x, rotation, positions, starts, cast(AttentionState | None, state))
        return Output(hidden=self.norm(x), state=state)

    def head(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Logits: products with every row of the output matrix."""
        return F.linear(hidden, self.output_weight)

    @property
    def output_weight(self) -> Float[Tensor, "vocab width"]:
        """The matrix of the output layer, which may be the embedding."""
        return self.unembed.weight

    def new_state(self, batch: int, capacity: int) -> DenseCache:
        """Room for `capacity` tokens of keys and values."""
        weight = self.embed.weight
        shape = (batch, self.config.kv_heads, capacity, self.config.head_dim)
        keys, values = (
            [torch.zeros(shape, dtype=weight.dtype, device=weight.device) for _ in self.blocks]
            for _ in range(2)
        )
        return DenseCache(keys, values)


def initialise(model: Decoder) -> None:
    """Normal weights of deviation 0.02, those that write to the residual stream scaled by 1/sqrt(2·layers).

    Radford et al. 2019, §2.3. With tied = True the output layer shares the embedding's storage.
    """
    residual = 0.02 / math.sqrt(2 * model.config.layers)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            writes = name.endswith(("out.weight", "down.weight"))
            nn.init.normal_(parameter, std=residual if writes else 0.02)
    if model.config.tied:
        model.unembed.weight = model.embed.weight
