"""What the models are made of that are no Transformers: recurrent readers and writers, convolutions, bags of words."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config
from zhixing.model.stack_config import ActivationName, Probability

CellName = Literal["rnn", "gru", "lstm"]
"""Elman 1990; Cho et al. 2014; Hochreiter & Schmidhuber 1997."""


class RecurrentEncoderConfig(Config):
    """Recurrent layers that read a text, in both directions unless told otherwise (Schuster & Paliwal 1997)."""

    kind: Literal["recurrent-encoder"] = "recurrent-encoder"
    """Picks the architecture."""
    cell: CellName = "lstm"
    """The cell."""
    embedding: int = Field(default=128, ge=1)
    """Size of the vector of one token."""
    bigrams: int = Field(default=0, ge=0, le=2**24)
    """Rows of a second table, whose vector of a token and the one before it is added to that of the token; pairs share
    rows by chance. 0: there is none."""
    width: int = Field(default=256, ge=1)
    """Size of the output; with two directions each makes half of it."""
    layers: int = Field(default=1, ge=1)
    """Cells on top of each other."""
    bidirectional: bool = True
    """Read from the end as well."""
    dropout: Probability = 0.0
    """Share of the embeddings and of every layer's output set to zero while training."""

    @model_validator(mode="after")
    def _directions_share(self) -> Self:
        _check_even(self.width, self.bidirectional)
        return self


class TaggerConfig(Config):
    """A label for every token: a recurrent encoder, layers that score labels, and a CRF (Huang et al. 2015)."""

    kind: Literal["tagger"] = "tagger"
    """Picks the architecture."""
    encoder: RecurrentEncoderConfig = Field(default_factory=RecurrentEncoderConfig)
    """What reads the text."""
    hidden: tuple[int, ...] = ()
    """Sizes of the layers between encoder and labels, with ReLU."""
    labels: int | None = Field(default=None, ge=1)
    """Number of labels. Not set: as many as the examples have."""
    chain: bool = False
    """Choose the labels of a text together, by a linear-chain CRF, instead of one by one."""


class ConvolutionConfig(Config):
    """A text classifier that looks for short patterns anywhere in a text (Kim 2014)."""

    kind: Literal["cnn"] = "cnn"
    """Picks the architecture."""
    embedding: int = Field(default=128, ge=1)
    """Size of the vector of one token."""
    windows: tuple[int, ...] = Field(default=(3, 4, 5), min_length=1)
    """Lengths of the patterns, in tokens."""
    bigrams: int = Field(default=0, ge=0, le=2**24)
    """Rows of a second table, whose vector of a token and the one before it is added to that of the token; pairs share
    rows by chance. 0: there is none."""
    filters: int = Field(default=100, ge=1)
    """Patterns of each length."""
    dropout: Probability = 0.5
    """Share of the pattern strengths set to zero while training."""
    labels: int | None = Field(default=None, ge=1)
    """Number of labels. Not set: as many as the examples have."""


class RecurrentClassifierConfig(Config):
    """A text classifier that reads a text with a recurrent encoder and pools its vectors (Conneau et al. 2017)."""

    kind: Literal["recurrent-classifier"] = "recurrent-classifier"
    """Picks the architecture."""
    encoder: RecurrentEncoderConfig = Field(default_factory=RecurrentEncoderConfig)
    """What reads the text."""
    pooling: Literal["max", "mean"] = "max"
    """How the vectors of the tokens become that of the text: the largest of each number, or the mean."""
    labels: int | None = Field(default=None, ge=1)
    """Number of labels. Not set: as many as the examples have."""


class RecurrentReaderConfig(Config):
    """A finder of answers in texts: a recurrent encoder of question and text, and pointers made of the question
    (Chen et al. 2017).
    """

    kind: Literal["recurrent-reader"] = "recurrent-reader"
    """Picks the architecture."""
    encoder: RecurrentEncoderConfig = Field(default_factory=RecurrentEncoderConfig)
    """What reads the text."""
    segments: int = Field(default=3, ge=2, le=3)
    """Kinds of tokens that a vector of their own tells apart: question, text, and with objective.mark_shared what the
    text shares with the question."""


class TwoWayConfig(Config):
    """A recurrent encoder that learns a language by guessing: the next token from the past, the previous one from the future
    (Peters et al. 2018). Classifiers, taggers and finders of answers begin from it.
    """

    kind: Literal["two-way"] = "two-way"
    """Picks the architecture."""
    encoder: RecurrentEncoderConfig = Field(default_factory=RecurrentEncoderConfig)
    """What reads the text: one layer in both directions, without pairs, so that no token is guessed from itself."""

    @model_validator(mode="after")
    def _guesses_blindly(self) -> Self:
        if not self.encoder.bidirectional or self.encoder.layers != 1 or self.encoder.bigrams:
            raise ValueError(
                "encoder needs bidirectional = true, layers = 1 and bigrams = 0: else the token that is guessed is seen"
            )
        return self


class BagConfig(Config):
    """A text classifier that sees which tokens a text has, not their order: a multi-layer perceptron over their sum."""

    kind: Literal["bag"] = "bag"
    """Picks the architecture."""
    embedding: int = Field(default=128, ge=1)
    """Size of the vector of one token."""
    pooling: Literal["sum", "mean", "root"] = "mean"
    """sum: of the token vectors, which is a matrix times the counts of a bag of words; mean: the same by length; root: by
    the root of the length, so that a long text may be surer than a short one."""
    hidden: tuple[int, ...] = (128,)
    """Sizes of the hidden layers; none makes the classifier linear (Joulin et al. 2017)."""
    activation: ActivationName = "relu"
    """Function after each hidden layer."""
    dropout: Probability = 0.0
    """Share of whole tokens, and of each hidden layer, set to zero while training (Iyyer et al. 2015)."""
    phrase: int = Field(default=1, ge=1, le=5)
    """Longest run of tokens that has a vector of its own beside those of its tokens, so that some order is seen
    (Joulin et al. 2017)."""
    buckets: int = Field(default=65_536, ge=1)
    """Vectors that all runs share: a run takes the one that its hash falls on."""
    begin: Literal["random", "naive-bayes"] = "random"
    """random: vectors begin with random numbers, those of runs with zeros; naive-bayes: without hidden layers and with
    embedding = labels, a vector begins as what naive Bayes counts for each label (Wang & Manning 2012)."""
    labels: int | None = Field(default=None, ge=1)
    """Number of labels. Not set: as many as the examples have."""

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        self._refuse_unused("activation", bool(self.hidden), "no hidden layer")
        self._refuse_unused("buckets", self.phrase > 1, "phrase = 1")
        is_linear = not self.hidden and self.embedding == self.labels
        if self.begin == "naive-bayes" and not is_linear:
            number = "their number" if self.labels is None else self.labels
            raise ValueError(
                f'begin = "naive-bayes" needs hidden = [] and embedding = labels = {number}'
            )
        return self


MemberConfig = Annotated[
    ConvolutionConfig | BagConfig | RecurrentClassifierConfig, Field(discriminator="kind")
]
"""What can be a member of an ensemble, told apart by `kind`."""


class EnsembleConfig(Config):
    """Classifiers that learn side by side, each from its own mistakes, and answer with the mean of their probabilities
    (Lakshminarayanan et al. 2017).
    """

    kind: Literal["ensemble"] = "ensemble"
    """Picks the architecture."""
    members: tuple[MemberConfig, ...] = Field(min_length=2)
    """The classifiers; equal ones differ by their random numbers."""

    @property
    def labels(self) -> int | None:
        """Number of labels, the same for all members that say it; None where none does."""
        return next((each.labels for each in self.members if each.labels is not None), None)

    @model_validator(mode="after")
    def _same_labels(self) -> Self:
        found = sorted({each.labels for each in self.members if each.labels is not None})
        if len(found) > 1:
            raise ValueError(
                f"members have labels = {' and '.join(map(str, found))}; all must have the same number"
            )
        return self


LabelledConfig = (
    TaggerConfig | ConvolutionConfig | BagConfig | RecurrentClassifierConfig | EnsembleConfig
)
"""Models that have their number of labels among their own settings."""


def num_labels(config: LabelledConfig) -> int:
    """Number of labels of a model that can be made; a recipe that leaves it out is given that of its examples before."""
    assert config.labels is not None, "who makes a model has completed its settings"
    return config.labels


def with_labels(config: LabelledConfig, number: int) -> LabelledConfig:
    """The settings with this number of labels; members of an ensemble have it each."""
    if isinstance(config, EnsembleConfig):
        members = tuple(each.model_copy(update={"labels": number}) for each in config.members)
        return config.model_copy(update={"members": members})
    return config.model_copy(update={"labels": number})


class AveragingConfig(Config):
    """The language model of textgenrnn (Woolf 2017): LSTMs, and a weighted average over all places so far."""

    kind: Literal["averaging"] = "averaging"
    """Picks the architecture."""
    embedding: int = Field(default=100, ge=1)
    """Size of the vector of one token."""
    width: int = Field(default=128, ge=1)
    """Size of the hidden vectors of each LSTM."""
    layers: int = Field(default=2, ge=1)
    """LSTMs on top of each other."""


class SequenceToSequenceConfig(Config):
    """A recurrent network that reads a source and another that writes a target (Sutskever et al. 2014), with attention."""

    kind: Literal["seq2seq"] = "seq2seq"
    """Picks the architecture."""
    cell: CellName = "lstm"
    """The cell of both."""
    embedding: int = Field(default=256, ge=1)
    """Size of the vector of one token."""
    width: int = Field(default=256, ge=1)
    """Size of the hidden vectors of both; with two directions each makes half of the encoder's."""
    layers: int = Field(default=1, ge=1)
    """Cells on top of each other, in each."""
    bidirectional: bool = True
    """Read the source from its end as well."""
    attention: Literal["none", "additive", "dot", "general"] = "additive"
    """How a target place picks what it looks at in the source: not at all; by v tanh(W q + U k) (Bahdanau et al. 2015);
    by q k; by q W k (Luong et al. 2015)."""
    input_feeding: bool = True
    """Give what attention found at one target place to the cell at the next (Luong et al. 2015, §3.3)."""
    bridge: bool = False
    """Pass the encoder's last state through tanh(W s) on its way to the decoder, instead of handing it over."""
    tied: bool = False
    """One matrix serves as embedding of source and target and as output layer."""
    output_bias: bool = False
    """Add a constant to the logit of every token."""
    source_vocab: int | None = Field(default=None, ge=1)
    """Number of source token ids, where source and target have tokens of their own; not given: they share them."""
    dropout: Probability = 0.0
    """Share of the embeddings and of every layer's output set to zero while training."""
    start: int = Field(default=0, ge=0)
    """The token id that every target is begun with. A recipe that leaves it out takes the begin token of its tokenizer."""

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        _check_even(self.width, self.bidirectional)
        if self.attention == "none" and self.input_feeding:
            raise ValueError(
                'input_feeding = true needs attention; set it to false or attention = "additive"'
            )
        if self.tied and self.embedding != self.width:
            raise ValueError(
                f"tied = true needs embedding = {self.embedding} to be width = {self.width}"
            )
        if self.tied and self.source_vocab is not None:
            raise ValueError("tied = true needs one vocabulary; leave source_vocab out")
        return self


def _check_even(width: int, bidirectional: bool) -> None:
    if bidirectional and width % 2:
        raise ValueError(f"width = {width} must be even, each of two directions makes half of it")
