"""What a model is made of. The number of token ids is not here: it comes from the tokenizer."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config

Probability = Annotated[float, Field(ge=0.0, lt=1.0)]


class DecoderConfig(Config):
    """A Transformer decoder of the shape of Qwen3 (Yang et al. 2025), which other engines run as it is."""

    kind: Literal["decoder"] = "decoder"
    """Picks the architecture."""
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
    """Inner size of the feed-forward layer."""
    max_time: int = Field(default=256, ge=8)
    """Longest input in tokens."""
    rope_base: float = Field(default=10_000.0, gt=1.0)
    """Base of the rotary position frequencies."""
    norm_epsilon: float = Field(default=1e-6, gt=0.0)
    """Added to the mean square in every normalisation."""
    tied: bool = True
    """One matrix serves as embedding and as output layer."""
    dropout: Probability = 0.0
    """Share of block outputs set to zero while training."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads = {self.heads} must be a multiple of kv_heads = {self.kv_heads}"
            )
        return self


class RecurrentConfig(Config):
    """A recurrent network: Elman's RNN (1990), LSTM (Hochreiter & Schmidhuber 1997), GRU (Cho et al. 2014)."""

    kind: Literal["rnn", "lstm", "gru"]
    """Picks the cell."""
    width: int = Field(default=384, ge=8)
    """Size of the embedding and of every hidden state."""
    layers: int = Field(default=2, ge=1)
    """Cells on top of each other."""
    normalised: bool = True
    """Normalise what goes into every layer and into the output layer; the original networks do not."""
    tied: bool = True
    """One matrix serves as embedding and as output layer."""
    dropout: Probability = 0.0
    """Share of each layer's output set to zero while training."""


class NGramConfig(Config):
    """Counts of n tokens, interpolated modified Kneser-Ney smoothing (Chen & Goodman 1999)."""

    kind: Literal["ngram"] = "ngram"
    """Picks the architecture."""
    order: int = Field(default=5, ge=1, le=8)
    """n: a token is predicted from the n - 1 before it."""


class MixtureConfig(Config):
    """A neural model and an n-gram model, mixed with a weight that depends on the context; fitted, not trained."""

    kind: Literal["mixture"] = "mixture"
    """Picks the architecture."""
    neural: Annotated[DecoderConfig | RecurrentConfig, Field(discriminator="kind")]
    """The neural model."""
    ngram: NGramConfig
    """The n-gram model, over the same token ids."""
    hidden: int = Field(default=16, ge=1, le=1024)
    """Inner size of the gate that makes the weight."""


ModelConfig = Annotated[DecoderConfig | RecurrentConfig | NGramConfig, Field(discriminator="kind")]
"""Any model of the ladder, told apart by `kind`."""
