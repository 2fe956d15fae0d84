"""The parts that assemblies share: norm, attention, feed-forward, block.

    x ──┬── norm ── attention ──(+)──┬── norm ── feed-forward ──(+)── x'
        └────────────────────────────┘   └───────────────────────────┘

Pre-norm residual block (Xiong et al. 2020). Every value worth seeing is the output of a named submodule.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from zhixing.kernels.attention import document_attention
from zhixing.kernels.norm import rms_norm
from zhixing.kernels.rotary import HeadShape, Rotation, rotary_heads
from zhixing.kernels.swiglu import swiglu
from zhixing.model.config import DecoderConfig
from zhixing.model.protocol import AttentionState


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²) + ε) · weight (Zhang & Sennrich 2019, eq. 4)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """Normalise the last dimension in float32."""
        return rms_norm(x, self.weight, self.epsilon)


class Attention(nn.Module):
    """Scaled dot-product attention with grouped queries and normalised queries and keys.

    softmax(q kᵀ / sqrt(head_dim)) v (Vaswani et al. 2017, eq. 1; Ainslie et al. 2023; Henry et al. 2020).
    """

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.shape = HeadShape(
            heads=config.heads,
            kv_heads=config.kv_heads,
            head_dim=config.head_dim,
            epsilon=config.norm_epsilon,
        )
        inner = config.heads * config.head_dim
        both = 2 * config.kv_heads * config.head_dim
        self.qkv = nn.Linear(config.width, inner + both, bias=False)
        self.stacked = {"qkv.weight": (inner, both // 2, both // 2)}
        self.out = nn.Linear(inner, config.width, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.norm_epsilon)
        self.k_norm = RMSNorm(config.head_dim, config.norm_epsilon)

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        rotation: Rotation,
        positions: Int[Tensor, "batch time"],
        starts: Int[Tensor, "batch time"],
        state: AttentionState | None,
    ) -> Float[Tensor, "batch time width"]:
        """Mix each position with the past of its document, which begins at `starts` (not read with a state)."""
        batch, time, _ = x.shape
        weights = self.q_norm.weight, self.k_norm.weight
        q, k, v = rotary_heads(self.qkv(x), *weights, rotation, self.shape)
        if state is not None:
            mixed = state.attend(self.layer, q, k, v, positions)
        else:
            mixed = document_attention(q, k, v, starts)
        return self.out(mixed.transpose(1, 2).reshape(batch, time, -1))


class FeedForward(nn.Module):
    """down(silu(gate x) ⊙ up x): the gated unit SwiGLU of Shazeer 2020, eq. 6."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.stacked = {"gate_up.weight": (config.hidden, config.hidden)}
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
        """Transform each position by itself."""
        return self.down(swiglu(self.gate_up(x)))


class Block(nn.Module):
    """One pre-norm residual block."""

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(config.width, config.norm_epsilon)
        self.attention = Attention(config, layer)
        self.feed_forward_norm = RMSNorm(config.width, config.norm_epsilon)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        rotation: Rotation,
        positions: Int[Tensor, "batch time"],
        starts: Int[Tensor, "batch time"],
        state: AttentionState | None,
    ) -> Float[Tensor, "batch time width"]:
        """Add what attention and the feed-forward layer have to say."""
        mixed = self.attention(self.attention_norm(x), rotation, positions, starts, state)
        x = x + self.dropout(mixed)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
