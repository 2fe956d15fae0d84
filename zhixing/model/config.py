"""What a model is made of. The number of token ids is not here: it comes from the tokenizer."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from zhixing.core.config import Config
from zhixing.model.sequence_config import (
    BagConfig,
    ConvolutionConfig,
    EnsembleConfig,
    RecurrentClassifierConfig,
    RecurrentReaderConfig,
    SequenceToSequenceConfig,
    TaggerConfig,
    TwoWayConfig,
)
from zhixing.model.shapes import PAIRS
from zhixing.model.stack_config import ActivationName, Probability, Shape, StackConfig


class DecoderConfig(StackConfig):
    """A Transformer decoder: every token sees those before it and predicts the next (GPT)."""

    kind: Literal["decoder"] = "decoder"
    """Picks the architecture."""
    tied: bool = True
    """One matrix serves as embedding and as output layer."""


HeadKind = Literal["masked", "next-sentence", "pool", "classify", "tag", "span"]
"""What a head answers."""
LABELLED: tuple[HeadKind, ...] = ("classify", "tag")
"""Heads with as many labels as one likes."""
POOLED: tuple[HeadKind, ...] = ("next-sentence", "pool", "classify")
"""Heads that read one vector of the whole text."""


class HeadConfig(Config):
    """What an encoder's vectors are read by, besides the next floor."""

    kind: HeadKind
    """masked: a token at each place; next-sentence: whether two texts follow each other; pool: one vector of the
    whole text; classify: one label of it; tag: one label at each place; span: where an answer starts and ends."""
    labels: int = Field(default=2, ge=1)
    """Labels of classify and tag; next-sentence and span have two."""
    names: tuple[str, ...] = ()
    """Their names, in the order of the logits; when given, `labels` need not be."""
    activation: ActivationName = "tanh"
    """Function of next-sentence, pool and classify."""
    pooling: Literal["first", "mean"] = "first"
    """Which vector next-sentence, pool and classify read: that of the first place, or the mean of all."""

    @model_validator(mode="before")
    @classmethod
    def _count_names(cls, values: Any) -> Any:
        """As many labels as names, where only names are given."""
        if isinstance(values, Mapping) and values.get("names") and "labels" not in values:
            return {**values, "labels": len(values["names"])}
        return values

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        if self.names and len(set(self.names)) != self.labels:
            raise ValueError(
                f"labels = {self.labels}, but names has {len(set(self.names))} different ones"
            )
        for name in ("labels", "names"):
            self._refuse_unused(name, self.kind in LABELLED, f"kind = {self.kind}")
        for name in ("activation", "pooling"):
            self._refuse_unused(name, self.kind in POOLED, f"kind = {self.kind}")
        return self


class EncoderConfig(StackConfig):
    """A Transformer encoder: every token sees all others (BERT)."""

    kind: Literal["encoder"] = "encoder"
    """Picks the architecture."""
    shape: Shape = "bert"
    """A published architecture that the other fields start from (all but sizes); each may still be changed."""
    heads_on_top: tuple[HeadConfig, ...] = ()
    """What reads its vectors: heads for masked tokens, sentence pairs, labels, tags, spans; each kind once."""

    @model_validator(mode="after")
    def _window_is_read(self) -> Self:
        self._refuse_unused("window", False, "an encoder, which sees everything")
        return self

    @field_validator("heads_on_top")
    @classmethod
    def _in_order(cls, heads: tuple[HeadConfig, ...]) -> tuple[HeadConfig, ...]:
        """Each kind once, in the order of HeadKind, however they were written."""
        kinds = [head.kind for head in heads]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"heads_on_top has a kind twice: {', '.join(kinds)}")
        return tuple(sorted(heads, key=lambda head: get_args(HeadKind).index(head.kind)))


class EncoderDecoderConfig(Config):
    """An encoder that reads a source and a decoder that writes a target (Vaswani et al. 2017, T5, BART, Marian)."""

    kind: Literal["encoder-decoder"] = "encoder-decoder"
    """Picks the architecture."""
    encoder: StackConfig
    """The half that reads."""
    decoder: StackConfig
    """The half that writes, with attention to what the other has read."""
    tied: bool = True
    """The embedding, which both halves share, serves as output layer too."""
    scaled_output: bool = False
    """Divide the vectors by sqrt(width) before the output layer."""
    output_bias: bool = False
    """Add a constant to the logit of every token."""
    start: int = Field(default=0, ge=0)
    """The token id that every target is begun with. A recipe that leaves it out takes the begin token of its tokenizer, unless
    `shape` says another."""
    first: int | None = Field(default=None, ge=0)
    """The token id that generation always puts behind `start`. Not set: the model chooses."""
    never: tuple[int, ...] = ()
    """Token ids that generation never chooses."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_shape(cls, values: Any) -> Any:
        """Fields that are not given are those of the decoder's shape."""
        decoder = values.get("decoder") if isinstance(values, Mapping) else None
        shape = decoder.get("shape") if isinstance(decoder, Mapping) else None
        shape = decoder.shape if isinstance(decoder, StackConfig) else shape
        return {**PAIRS.get(shape, {}), **values} if isinstance(shape, str) else values

    @model_validator(mode="after")
    def _halves_fit(self) -> Self:
        if self.encoder.window is not None:
            raise ValueError(
                f"encoder.window = {self.encoder.window} does nothing with an encoder, which sees everything; "
                "leave it out"
            )
        if self.encoder.width != self.decoder.width:
            raise ValueError(
                f"encoder.width = {self.encoder.width} must be decoder.width = {self.decoder.width}"
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

NetworkConfig = Annotated[
    DecoderConfig
    | EncoderConfig
    | EncoderDecoderConfig
    | SequenceToSequenceConfig
    | TaggerConfig
    | ConvolutionConfig
    | BagConfig
    | RecurrentClassifierConfig
    | RecurrentReaderConfig
    | EnsembleConfig
    | TwoWayConfig
    | RecurrentConfig
    | NGramConfig
    | MixtureConfig,
    Field(discriminator="kind"),
]
"""Any model, told apart by `kind`."""
