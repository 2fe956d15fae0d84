"""A recipe: everything that leads to one model, in one TOML file of typed tables."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config, read_recipe
from zhixing.core.errors import ConfigError
from zhixing.corpus.config import CorpusConfig
from zhixing.data.config import DataConfig
from zhixing.model.config import (
    DecoderConfig,
    EncoderConfig,
    EncoderDecoderConfig,
    HeadKind,
    NGramConfig,
    RecurrentConfig,
)
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
from zhixing.objective.config import CausalConfig, ObjectiveConfig, TaskConfig
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.train.config import TrainConfig
from zhixing.train.finetune_config import FinetuneConfig

TrainedConfig = Annotated[
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
    | NGramConfig,
    Field(discriminator="kind"),
]
"""Any model that a recipe can make."""

_WRITERS = ("decoder", "rnn", "lstm", "gru")
_CLASSIFIERS = ("encoder", "cnn", "bag", "recurrent-classifier")
FITS: Mapping[str, tuple[str, ...]] = {
    "causal": (*_WRITERS, "ngram"),
    "masked": ("encoder",),
    "two-way": ("two-way",),
    "denoise": ("encoder-decoder", "seq2seq"),
    "seq2seq": ("encoder-decoder", "seq2seq"),
    "classify": (*_CLASSIFIERS, "ensemble"),
    "regress": _CLASSIFIERS,
    "tag": ("encoder", "tagger"),
    "span": ("encoder", "recurrent-reader"),
    "rank": _CLASSIFIERS,
    "similar": ("encoder", *_WRITERS),
    "chat": _WRITERS,
    "preference": _WRITERS,
}
"""Objective -> the kinds of models that can learn it."""
HEADS: Mapping[str, tuple[HeadKind, ...]] = {
    "masked": ("masked", "next-sentence"),
    "classify": ("classify",),
    "regress": ("classify",),
    "rank": ("classify",),
    "tag": ("tag",),
    "span": ("span",),
}
"""Objective -> the heads that an encoder needs for it."""
_WRITTEN = ("causal", "seq2seq", "chat", "preference")
"""Objectives whose models write text, so that they can be given `samples`."""


class Recipe(Config):
    """One result: text, tokenizer, rows, model, training."""

    name: str = Field(min_length=1, pattern=r"^[\w.-]+$")
    """Name of the run; its folder is runs/NAME unless --out says otherwise."""
    seed: int = Field(default=42, ge=0, lt=2**63)
    """Of the random weights, of the order of the rows, and of dropout."""
    corpus: CorpusConfig = Field(default_factory=CorpusConfig)
    """Where the text comes from and which of it is kept."""
    tokenizer: TokenizerConfig = Field(default_factory=TokenizerConfig)
    """How text becomes token ids."""
    tokenizer_text: Literal["corpus", "examples"] = "corpus"
    """What the tokenizer is learnt from: the documents of [corpus], or the training examples; then there is no [corpus]."""
    data: DataConfig = Field(default_factory=DataConfig)
    """How documents become rows of tokens."""
    model: TrainedConfig | None = None
    """Which model, and how large. With [finetune] it is that of the folder, and there is no such table."""
    objective: ObjectiveConfig = Field(default_factory=CausalConfig)
    """What it is asked to learn."""
    initial_vectors: str = ""
    """Vectors of words (a folder, a file or a published name, see the page on word vectors) that the embedding begins
    with; model.width must be theirs. Empty: random numbers."""
    finetune: FinetuneConfig | None = None
    """Which trained model it begins from. Without this table it begins with random weights."""
    train: TrainConfig | None = None
    """How it learns. An n-gram model is counted, not trained: it has no such table."""
    samples: tuple[str, ...] = ("The ", "中国")
    """Prompts that the finished model continues, or sources whose targets it writes, if it is one that writes."""

    @property
    def network(self) -> TrainedConfig:
        """The model, which a recipe with [finetune] has when its folder was opened (cli/origin.py)."""
        assert self.model is not None, "the folder of [finetune] is opened first"
        return self.model

    @property
    def reads_corpus(self) -> bool:
        """Whether documents are gathered: examples need none where the tokenizer is not learnt from them."""
        is_given = self.finetune is not None and isinstance(self.objective, TaskConfig)
        return self.tokenizer_text == "corpus" and not is_given

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.finetune is not None:
            self._refuse_brought_along()
        if self.model is not None:
            self._refuse_unfit_parts(self.model)
        elif self.finetune is None:
            raise ValueError(
                "there is neither a table [model] nor [finetune]: write how large the model is, or the folder of one "
                "to begin from"
            )
        elif self.train is None:
            raise ValueError("[finetune] needs a table [train] with steps or budget_seconds")
        self._refuse_unused_corpus()
        self._refuse_unused_samples()
        self._refuse_unvalidated()
        self._refuse_unused_pooling()
        return self

    def _refuse_unfit_parts(self, model: TrainedConfig) -> None:
        counts = isinstance(model, NGramConfig)
        if counts and self.train is not None:
            raise ValueError("an n-gram model is counted, not trained: leave the table [train] out")
        if not counts and self.train is None:
            raise ValueError(
                f"a model of kind {model.kind!r} needs a table [train] with steps or budget_seconds"
            )
        if counts and self.initial_vectors:
            raise ValueError("an n-gram model has no embedding: leave initial_vectors out")
        self._refuse_unfit_model(model)
        for name, longest in _longest(model):
            if self.data.time > longest:
                raise ValueError(
                    f"data.time = {self.data.time} is longer than {name}.max_time = {longest}"
                )

    def _refuse_brought_along(self) -> None:
        """What a model to begin from has already; and documents, where examples are all that is read."""
        for name in ("tokenizer", "tokenizer_text", "initial_vectors"):
            if name in self.model_fields_set:
                raise ValueError(
                    f"{name} does nothing with [finetune]: the model to begin from brings its own; leave it out"
                )
        if "corpus" in self.model_fields_set and not self.reads_corpus:
            raise ValueError(
                f"nothing reads [corpus] with [finetune] and the objective {self.objective.kind!r}, which has examples; "
                "leave it out"
            )

    def _refuse_unfit_model(self, model: TrainedConfig) -> None:
        fitting = FITS[self.objective.kind]
        if model.kind not in fitting:
            raise ValueError(
                f"a model of kind {model.kind!r} cannot learn the objective {self.objective.kind!r}; set "
                f"model.kind to {' or '.join(fitting)}, or choose another objective"
            )
        if isinstance(model, EnsembleConfig) and getattr(self.objective, "loss", "") == "hinge":
            raise ValueError(
                "an ensemble answers with the mean of its members' probabilities, and the hinge loss teaches none: set "
                'objective.loss = "cross_entropy"'
            )

    def _refuse_unused_corpus(self) -> None:
        if self.tokenizer_text == "corpus":
            return
        if not isinstance(self.objective, TaskConfig):
            raise ValueError(
                f"the objective {self.objective.kind!r} has no examples: leave tokenizer_text out"
            )
        if "corpus" in self.model_fields_set:
            raise ValueError(
                'nothing reads [corpus] with tokenizer_text = "examples": leave one of them out'
            )

    def _refuse_unused_samples(self) -> None:
        default = type(self).model_fields["samples"].default
        if self.objective.kind not in _WRITTEN and self.samples not in ((), default):
            raise ValueError(
                f"nothing is written by a model that learns {self.objective.kind!r}: set samples = []"
            )

    def _refuse_unused_pooling(self) -> None:
        if self.finetune is None or self.finetune.pooling is None:
            return
        if HEADS.get(self.objective.kind) != ("classify",):
            raise ValueError(
                f"finetune.pooling does nothing with the objective {self.objective.kind!r}, which makes no vector of a whole "
                "text with a head; leave it out"
            )
        if self.model is not None and self.model.kind != "encoder":
            raise ValueError(
                f"finetune.pooling does nothing with a model of kind {self.model.kind!r}, which has no head; leave it out"
            )

    def _refuse_unvalidated(self) -> None:
        """Settings of a validation that there is none of."""
        if self.train is None:  # counting reads a base that trained models have too
            return
        if isinstance(self.objective, TaskConfig):
            examples = self.objective.examples
            is_validated = bool(examples.validation or getattr(examples, "name", ""))
            missing = "objective.examples.validation"
        else:
            is_validated, missing = self.corpus.splits.validation > 0, "corpus.splits.validation"
        usual = DataConfig.model_fields["validate_tokens"].default
        is_set = {
            "train.patience": self.train.patience is not None,
            "data.validate_tokens": self.data.validate_tokens != usual,
        }
        for name, is_given in is_set.items():
            if is_given and not is_validated:
                raise ValueError(
                    f"{name} does nothing without validation: leave it out, or set {missing}"
                )


def _longest(model: TrainedConfig) -> Iterator[tuple[str, int]]:
    """The parts of a model that have a longest input, by name."""
    if isinstance(model, DecoderConfig | EncoderConfig):
        yield "model", model.max_time
    if isinstance(model, EncoderDecoderConfig):
        yield "model.encoder", model.encoder.max_time
        yield "model.decoder", model.decoder.max_time


def prompt_language(prompt: str) -> str:
    """The language of a prompt, which is too short to be detected."""
    return "en" if prompt.isascii() else "zh"


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe by path, or by the name of one that ships with Zhixing."""
    return read_recipe(find_recipe(path), Recipe, overrides)


def find_recipe(path: Path) -> Path:
    """`path` if there is such a file, else the shipped recipe of that name."""
    if path.exists():
        return path
    shipped = shipped_recipes() / path.name
    if shipped.suffix != ".toml":
        shipped = shipped.with_name(f"{shipped.name}.toml")
    if shipped.is_file() and path.parent in (Path("."), Path("recipes")):
        return shipped
    if path.parent.is_dir() and path.parent != Path("."):
        return path  # reading it names the nearest file there
    names = sorted(file.stem for file in shipped_recipes().glob("*.toml"))
    here = sorted(file.name for file in Path().glob("*.toml"))
    close = difflib.get_close_matches(path.name, [*here, *names], n=2)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise ConfigError(f"there is no recipe {path}; {hint}those that ship are: {', '.join(names)}")


def shipped_recipes() -> Path:
    """The folder of the recipes that ship: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parent / "recipes"
