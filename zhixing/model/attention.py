"""Attention layers: softmax(q kᵀ / sqrt(head_dim) + bias) v over what a position may see (Vaswani et al. 2017, eq. 1).

    causal        the past of the same document, itself included; within a window where one is set
    both ways     every place of the input that is not padding
    cross         every place of the source that is not padding; q from the target, k and v from the source

Grouped queries (Ainslie et al. 2023), normalised queries and keys (Henry et al. 2020), sliding window (Beltagy et
al. 2020, §3.1). What a pass may see comes in a `View`; a cache, where one is given, holds the past.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.kernels.attention import (
    ScoreRule,
    document_attention,
    padded_attention,
    padded_attention_reference,
)
from zhixing.kernels.rotary import (
    Heads,
    HeadShape,
    Rotation,
    rotary_heads,
    rotate_heads,
    split_heads,
)
from zhixing.model.norms import RMSNorm
from zhixing.model.protocol import AttentionState, CrossState, Memory
from zhixing.model.stack_config import StackConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """What every block of one forward pass is told.

    positions: place of each token in its document. rotation: the angles of those places, where they are turned.
    starts: where in the row each token's document begins (causal only; not read with a state).
    keep: True at tokens, False at padding (both ways only; None: no padding). bias: added to the scores.
    state: the past, to be read and extended. memory: the source of cross-attention.
    """

    positions: Int[Tensor, "batch time"]
    rotation: Rotation | None = None
    starts: Int[Tensor, "batch time"] | None = None
    keep: Bool[Tensor, "batch time"] | None = None
    bias: Float[Tensor, "batch heads time past"] | None = None
    state: AttentionState | None = None
    memory: Memory | None = None


class SelfAttention(nn.Module):
    """Attention of a sequence to itself, causal or both ways."""

    def __init__(self, config: StackConfig, layer: int, *, causal: bool) -> None:
        super().__init__()
        self.layer = layer
        self.shape = HeadShape(
            heads=config.heads,
            kv_heads=config.kv_heads,
            head_dim=config.head_dim,
            epsilon=config.norm_epsilon,
        )
        inner, both = config.heads * config.head_dim, 2 * config.kv_heads * config.head_dim
        self.qkv = nn.Linear(config.width, inner + both, bias=config.bias != "none")
        self.stacked = {"qkv.weight": (inner, both // 2, both // 2)}
        self.out = nn.Linear(inner, config.width, bias=config.bias == "all")
        if config.qk_norm:
            self.q_norm = RMSNorm(config.head_dim, config.norm_epsilon)
            self.k_norm = RMSNorm(config.head_dim, config.norm_epsilon)
        self.scale = score_scale(config)
        self.window = config.window if layer >= config.full_layers else None
        self._divide = self._division(config)
        self._mix = self._causal if causal else self._both_ways

    def forward(
        self, x: Float[Tensor, "batch time width"], view: View
    ) -> Float[Tensor, "batch time width"]:
        """Mix each position with those it may see."""
        batch, time, _ = x.shape
        heads = self._divide(self.qkv(x), view.rotation)
        return self.out(self._mix(heads, view).transpose(1, 2).reshape(batch, time, -1))

    def _division(self, config: StackConfig) -> Callable[[Tensor, Rotation | None], Heads]:
        if config.qk_norm:
            return self._normalised
        return self._turned if config.positions == "rotary" else self._plain

    def _normalised(self, qkv: Tensor, rotation: Rotation | None) -> Heads:
        assert rotation is not None, "rotary stacks make the angles"
        weights = self.q_norm.weight, self.k_norm.weight
        return rotary_heads(qkv, *weights, rotation, self.shape)

    def _turned(self, qkv: Tensor, rotation: Rotation | None) -> Heads:
        assert rotation is not None, "rotary stacks make the angles"
        return rotate_heads(split_heads(qkv, self.shape), rotation)

    def _plain(self, qkv: Tensor, rotation: Rotation | None) -> Heads:
        return split_heads(qkv, self.shape)

    def _causal(self, heads: Heads, view: View) -> Tensor:
        rule = ScoreRule(scale=self.scale, window=self.window, bias=view.bias)
        if view.state is not None:
            return view.state.attend(self.layer, *heads, rule)
        assert view.starts is not None, "a causal pass without a state says where documents start"
        return document_attention(heads, view.starts, rule)

    def _both_ways(self, heads: Heads, view: View) -> Tensor:
        return padded_attention(heads, view.keep, ScoreRule(scale=self.scale, bias=view.bias))


class CrossAttention(nn.Module):
    """Attention of a target to a source."""

    def __init__(self, config: StackConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.heads, self.kv_heads = config.heads, config.kv_heads
        inner, both = config.heads * config.head_dim, 2 * config.kv_heads * config.head_dim
        self.q = nn.Linear(config.width, inner, bias=config.bias != "none")
        self.kv = nn.Linear(config.width, both, bias=config.bias != "none")
        self.stacked = {"kv.weight": (both // 2, both // 2)}
        self.out = nn.Linear(inner, config.width, bias=config.bias == "all")
        self.rule = ScoreRule(scale=score_scale(config))

    def forward(
        self, x: Float[Tensor, "batch time width"], view: View
    ) -> Float[Tensor, "batch time width"]:
        """Mix what the source says into each position."""
        batch, time, _ = x.shape
        memory = view.memory
        assert memory is not None, "cross-attention needs a source"
        q = self.q(x).view(batch, time, self.heads, -1).transpose(1, 2)
        state = cast(CrossState | None, view.state)
        if state is None:
            mixed = padded_attention((q, *self._of_source(memory)), memory.keep, self.rule)
        else:
            k, v = state.source(self.layer, lambda: self._of_source(memory))
            mixed = padded_attention_reference((q, k, v), memory.keep, self.rule)
        return self.out(mixed.transpose(1, 2).reshape(batch, time, -1))

    def _of_source(self, memory: Memory) -> tuple[Tensor, Tensor]:
        batch, source, _ = memory.hidden.shape
        both = self.kv(memory.hidden).view(batch, source, 2, self.kv_heads, -1)
        k, v = both.permute(2, 0, 3, 1, 4).unbind(0)
        return k, v


def score_scale(config: StackConfig) -> float:
    """What scores are multiplied by."""
    scale: float = config.head_dim**-0.5
    return scale if config.scaled_scores else 1.0
