"""What a stack of Transformer blocks is made of: one set of fields from which every published shape is assembled."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config
from zhixing.model.shapes import SHAPES

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
ActivationName = Literal["relu", "relu6", "relu2", "sigmoid", "tanh", "gelu", "gelu_tanh", "silu"]
"""Functions of zhixing.model.activations; named here so that reading a configuration needs no torch."""
Shape = Literal[
    "qwen3", "qwen3-moe", "llama", "mistral", "qwen2", "gpt2", "bert", "roberta", "distilbert",
    "transformer", "t5", "t5-v1.1", "bart", "marian",
]  # fmt: skip


class StackConfig(Config):
    """Blocks of attention and feed-forward on top of each other, of one width."""

    shape: Shape = "qwen3"
    """A published architecture that the other fields start from (all but sizes); each may still be changed."""
    width: int = Field(default=256, ge=8)
    """Size of the vector that represents one token."""
    layers: int = Field(default=4, ge=1)
    """Number of blocks."""
    heads: int = Field(default=4, ge=1)
    """Query heads of each attention."""
    kv_heads: int = Field(default=4, ge=1)
    """Key and value heads; each serves heads / kv_heads query heads."""
    head_dim: int = Field(default=64, ge=2, multiple_of=2)
    """Size of one head; heads x head_dim need not be the width."""
    hidden: int = Field(default=768, ge=8)
    """Inner size of the feed-forward layer (of each expert, where there are several)."""
    max_time: int = Field(default=256, ge=8)
    """Longest input in tokens."""
    norm: Literal["rms", "layer"] = "rms"
    """Normalisation: by the root mean square, or by mean and deviation (LayerNorm)."""
    norm_place: Literal["before", "after"] = "before"
    """Normalise what goes into attention and feed-forward (and once at the end), or each sum behind them."""
    norm_epsilon: float = Field(default=1e-6, gt=0.0)
    """Added to the mean square in every normalisation."""
    embedding_norm: bool = False
    """Normalise the sum of the embeddings."""
    scaled_embedding: bool = False
    """Multiply token embeddings by sqrt(width)."""
    positions: Literal[
        "rotary", "learned", "sinusoidal", "sinusoidal-halves", "relative", "none"
    ] = "rotary"
    """How a token knows its place: turned queries and keys; a learned or a fixed vector (sine and cosine
    alternating, or all sines first) added to it; a learned bias per distance in the scores; or not at all."""
    position_offset: int = Field(default=0, ge=0, le=64)
    """Rows of the table of learned positions before that of the first token."""
    rope_base: float = Field(default=10_000.0, gt=1.0)
    """Base of the rotary position frequencies."""
    relative_buckets: int = Field(default=32, ge=4, multiple_of=2)
    """Distances that relative positions tell apart."""
    relative_distance: int = Field(default=128, ge=8)
    """Distance from which on relative positions are all the same."""
    segments: int = Field(default=0, ge=0, le=64)
    """Embeddings that tell parts of an input apart (first and second sentence); 0: none."""
    qk_norm: bool = True
    """Normalise queries and keys; needs rotary positions."""
    scaled_scores: bool = True
    """Divide the scores of attention by sqrt(head_dim)."""
    window: int | None = Field(default=None, ge=1)
    """Tokens that a position sees, itself included, under causal attention. Not set: all before it."""
    full_layers: int = Field(default=0, ge=0)
    """The first so many blocks see everything in spite of `window`."""
    bias: Literal["none", "qkv", "all"] = "none"
    """Linear layers with a bias: none, those that make queries, keys and values, or all."""
    activation: ActivationName = "silu"
    """Function between the two layers of the feed-forward part."""
    gated: bool = True
    """Multiply the activation by a second linear layer of the input (GLU)."""
    experts: int = Field(default=0, ge=0)
    """Feed-forward parts to choose from for every token; 0: one part for all."""
    experts_per_token: int = Field(default=2, ge=1)
    """Experts that each token uses, weighted by their softmax."""
    renormalised: bool = True
    """Let the weights of the chosen experts sum to one."""
    dropout: Probability = 0.0
    """Share of block outputs set to zero while training."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_shape(cls, values: Any) -> Any:
        """Fields that are not given are those of the shape."""
        if not isinstance(values, Mapping):
            return values
        shape = values.get("shape", cls.model_fields["shape"].default)
        return {**SHAPES.get(shape, {}), **values} if isinstance(shape, str) else values

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads = {self.heads} must be a multiple of kv_heads = {self.kv_heads}"
            )
        self._refuse_settings_without_effect()
        if self.qk_norm and self.positions != "rotary":
            raise ValueError(f'qk_norm = true needs positions = "rotary", not "{self.positions}"')
        if self.experts and not self.gated:
            raise ValueError("experts are gated: gated = false does not go with them")
        if self.experts and self.bias == "all":
            raise ValueError('experts have no biases: write bias = "qkv" or "none"')
        if self.experts and self.experts_per_token > self.experts:
            raise ValueError(
                f"experts_per_token = {self.experts_per_token} is more than experts = {self.experts}"
            )
        if self.positions.startswith("sinusoidal") and self.width % 2:
            raise ValueError(f"sinusoidal positions need an even width, not {self.width}")
        return self

    def _refuse_settings_without_effect(self) -> None:
        has_experts, kind = self.experts > 0, self.positions
        for name in ("experts_per_token", "renormalised"):
            self._refuse_unused(name, has_experts, "experts = 0")
        self._refuse_unused("full_layers", self.window is not None, "no window")
        self._refuse_unused("rope_base", kind == "rotary", f"positions = {kind}")
        self._refuse_unused("position_offset", kind == "learned", f"positions = {kind}")
        for name in ("relative_buckets", "relative_distance"):
            self._refuse_unused(name, kind == "relative", f"positions = {kind}")
