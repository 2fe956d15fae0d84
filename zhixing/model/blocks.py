"""The parts that assemblies share: norm, rotary positions, attention, feed-forward, block.

    x ──┬── norm ── attention ──(+)──┬── norm ── feed-forward ──(+)── x'
        └────────────────────────────┘   └───────────────────────────┘

Pre-norm residual block (Xiong et al. 2020). Every value worth seeing is the output of a named submodule.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.model.config import DecoderConfig
from zhixing.model.protocol import AttentionState

Rotation = tuple[Float[Tensor, "batch 1 time head_dim"], Float[Tensor, "batch 1 time head_dim"]]


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²) + ε) · weight (Zhang & Sennrich 2019, eq. 4)."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """Normalise the last dimension in float32."""
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.epsilon)


class Rotary(nn.Module):
    """Angles position · base^(-2i/head_dim) of rotary embedding (Su et al. 2021, §3.2.2)."""

    def __init__(self, head_dim: int, base: float) -> None:
        super().__init__()
        exponents = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
        self.register_buffer("frequencies", base**-exponents, persistent=False)
        self.frequencies: Tensor

    def forward(self, positions: Int[Tensor, "batch time"]) -> Rotation:
        """Cosine and sine for each position; both halves of a head turn by the same angles."""
        angles = positions[:, None, :, None].float() * self.frequencies
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos(), angles.sin()


def rotate(
    x: Float[Tensor, "batch heads time head_dim"], rotation: Rotation
) -> Float[Tensor, "batch heads time head_dim"]:
    """Turn the pairs (x_i, x_{i + head_dim/2}) by their angle; a dot product then sees distances only."""
    cosine, sine = rotation
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


class Attention(nn.Module):
    """Scaled dot-product attention with grouped queries and normalised queries and keys.

    softmax(q kᵀ / sqrt(head_dim)) v (Vaswani et al. 2017, eq. 1; Ainslie et al. 2023; Henry et al. 2020).
    """

    def __init__(self, config: DecoderConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.head_dim = config.head_dim
        self.sizes = (config.heads, config.kv_heads, config.kv_heads)
        inner = config.heads * config.head_dim
        self.qkv = nn.Linear(config.width, sum(self.sizes) * config.head_dim, bias=False)
        self.out = nn.Linear(inner, config.width, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.norm_epsilon)
        self.k_norm = RMSNorm(config.head_dim, config.norm_epsilon)

    def forward(
        self,
        x: Float[Tensor, "batch time width"],
        rotation: Rotation,
        positions: Int[Tensor, "batch time"],
        mask: Bool[Tensor, "batch 1 time time"] | None,
        state: AttentionState | None,
    ) -> Float[Tensor, "batch time width"]:
        """Mix each position with what it may see: `mask` (True = visible) or plainly everything before it."""
        batch, time, _ = x.shape
        parts = self.qkv(x).view(batch, time, -1, self.head_dim).split(self.sizes, dim=2)
        q, k, v = (part.transpose(1, 2) for part in parts)  # (batch, heads, time, head_dim)
        q = rotate(self.q_norm(q), rotation).to(v.dtype)
        k = rotate(self.k_norm(k), rotation).to(v.dtype)
        if state is not None:
            mixed = state.attend(self.layer, q, k, v, positions)
        else:
            mixed = attend(q, k, v, mask)
        return self.out(mixed.transpose(1, 2).reshape(batch, time, -1))


def attend(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch kv_heads past head_dim"],
    v: Float[Tensor, "batch kv_heads past head_dim"],
    mask: Bool[Tensor, "#batch 1 time past"] | None,
) -> Float[Tensor, "batch heads time head_dim"]:
    """Attention under `mask`, or causal when it is None."""
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=q.shape[1] != k.shape[1]
    )


class FeedForward(nn.Module):
    """down(silu(gate x) ⊙ up x): the gated unit SwiGLU of Shazeer 2020, eq. 6."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Float[Tensor, "batch time width"]) -> Float[Tensor, "batch time width"]:
        """Transform each position by itself."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate) * up)


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
        mask: Bool[Tensor, "batch 1 time time"] | None,
        state: AttentionState | None,
    ) -> Float[Tensor, "batch time width"]:
        """Add what attention and the feed-forward layer have to say."""
        mixed = self.attention(self.attention_norm(x), rotation, positions, mask, state)
        x = x + self.dropout(mixed)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
