"""Blocks, and the stack of them that every Transformer here is made of.

    before    x ──┬── norm ── part ──(+)── …         after    x ──┬── part ──(+)── norm ── …
                  └──────────────────┘                            └──────────┘

The parts of a block are attention to itself, attention to a source (in the decoder half of an encoder-decoder) and
feed-forward. Norm after the sum: Vaswani et al. 2017; before the part: Xiong et al. 2020. Every value worth seeing
is the output of a named submodule.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.core.errors import UnsupportedError
from zhixing.kernels.rotary import angles
from zhixing.model.attention import CrossAttention, SelfAttention, View
from zhixing.model.feed_forward import build_feed_forward
from zhixing.model.norms import NORMS
from zhixing.model.positions import LearnedPositions, RelativeBias, SinusoidalPositions
from zhixing.model.protocol import AttentionState, Memory
from zhixing.model.stack_config import StackConfig

Add = Callable[[Tensor, nn.Module, Callable[[Tensor], Tensor]], Tensor]
"""(x, norm, part) -> x with what the part has to say."""


class Block(nn.Module):
    """Attention and feed-forward, each with its norm and its way around."""

    def __init__(
        self, config: StackConfig, layer: int, *, causal: bool, reads_source: bool
    ) -> None:
        super().__init__()
        norm = NORMS[config.norm]
        self.attention_norm = norm(config.width, config.norm_epsilon)
        self.attention = SelfAttention(config, layer, causal=causal)
        if reads_source:
            self.source_norm = norm(config.width, config.norm_epsilon)
            self.source_attention = CrossAttention(config, layer)
        self.feed_forward_norm = norm(config.width, config.norm_epsilon)
        self.feed_forward = build_feed_forward(config)
        self.dropout = nn.Dropout(config.dropout)
        self.reads_source = reads_source
        self._add: Add = self._before if config.norm_place == "before" else self._after

    def forward(
        self, x: Float[Tensor, "batch time width"], view: View
    ) -> Float[Tensor, "batch time width"]:
        """Add what attention and the feed-forward layer have to say."""
        x = self._add(x, self.attention_norm, lambda y: self.attention(y, view))
        if self.reads_source:
            x = self._add(x, self.source_norm, lambda y: self.source_attention(y, view))
        return self._add(x, self.feed_forward_norm, self.feed_forward)

    def _before(self, x: Tensor, norm: nn.Module, part: Callable[[Tensor], Tensor]) -> Tensor:
        return x + self.dropout(part(norm(x)))

    def _after(self, x: Tensor, norm: nn.Module, part: Callable[[Tensor], Tensor]) -> Tensor:
        return norm(x + self.dropout(part(x)))


class InputLayer(nn.Module):
    """From token vectors to what the first block reads: scale, positions, segments, norm, dropout."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.scale = math.sqrt(config.width) if config.scaled_embedding else 1.0
        self.places: nn.Module | None = None
        if config.positions == "learned":
            self.places = LearnedPositions(config)
        elif config.positions.startswith("sinusoidal"):
            self.places = SinusoidalPositions(config)
        self.segments = nn.Embedding(config.segments, config.width) if config.segments else None
        self.norm: nn.Module = nn.Identity()
        if config.embedding_norm:
            self.norm = NORMS[config.norm](config.width, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        vectors: Float[Tensor, "batch time width"],
        positions: Int[Tensor, "batch time"],
        segments: Int[Tensor, "batch time"] | None,
    ) -> Float[Tensor, "batch time width"]:
        """Add to each token's vector what stands for its place and its segment (default: the first)."""
        x = vectors if self.scale == 1.0 else vectors * self.scale
        if self.places is not None:
            x = x + self.places(positions)
        if self.segments is not None:
            x = x + self.segments(torch.zeros_like(positions) if segments is None else segments)
        return self.dropout(self.norm(x))


class Stack(nn.Module):
    """Input layer, blocks, and a last norm where norms stand before the parts."""

    def __init__(self, config: StackConfig, *, causal: bool, reads_source: bool = False) -> None:
        super().__init__()
        self.config = config
        self.inputs = InputLayer(config)
        self.relative = (
            RelativeBias(config, both_ways=not causal) if config.positions == "relative" else None
        )
        self.blocks = nn.ModuleList(
            Block(config, layer, causal=causal, reads_source=reads_source)
            for layer in range(config.layers)
        )
        self.norm: nn.Module = nn.Identity()
        if config.norm_place == "before":
            self.norm = NORMS[config.norm](config.width, config.norm_epsilon)

    def forward(
        self,
        vectors: Float[Tensor, "batch time width"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        starts: Int[Tensor, "batch time"] | None = None,
        segments: Int[Tensor, "batch time"] | None = None,
        keep: Bool[Tensor, "batch time"] | None = None,
        state: AttentionState | None = None,
        memory: Memory | None = None,
    ) -> Float[Tensor, "batch time width"]:
        """The last hidden vectors; see `View` for what the arguments mean. Positions count from the state's length.

        Raises UnsupportedError for more tokens than `max_time`.
        """
        past = 0 if state is None else state.length
        end = past + vectors.shape[1]
        if end > self.config.max_time:
            raise UnsupportedError(
                f"{end} tokens are longer than this model's {self.config.max_time}"
            )
        if positions is None:
            positions = torch.arange(past, end, device=vectors.device).expand(vectors.shape[:2])
        view = View(
            positions=positions,
            rotation=self._rotation(positions),
            starts=starts,
            keep=keep,
            bias=None if self.relative is None else self.relative(positions, end),
            state=state,
            memory=memory,
        )
        x = self.inputs(vectors, positions, segments)
        for block in self.blocks:
            x = block(x, view)
        return self.norm(x)

    def _rotation(self, positions: Tensor) -> tuple[Tensor, Tensor] | None:
        if self.config.positions != "rotary":
            return None
        return angles(positions, self.config.head_dim, self.config.rope_base)


def initialise(model: nn.Module, layers: int) -> None:
    """Normal weights of deviation 0.02, those that write to the residual stream scaled by 1/sqrt(2·layers).

    Radford et al. 2019, §2.3. Biases are zero, norms one, as their modules make them.
    """
    residual = 0.02 / math.sqrt(2 * layers)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            writes = name.endswith(("out.weight", "down.weight", ".down"))
            nn.init.normal_(parameter, std=residual if writes else 0.02)
        elif name.endswith("bias") and parameter.ndim == 1:
            nn.init.zeros_(parameter)
