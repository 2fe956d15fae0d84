"""The `[objective]` table of a recipe: what the model is asked to learn."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config
from zhixing.corpus.augment.config import AugmentConfig


class CausalConfig(Config):
    """Predict each next token. For decoders and recurrent language models."""

    kind: Literal["causal"] = "causal"
    """Picks the objective."""


class MaskedConfig(Config):
    """Predict hidden tokens from both sides, and whether a text follows another (BERT). For encoders."""

    kind: Literal["masked"]
    """Picks the objective."""
    share: float = Field(default=0.15, gt=0.0, lt=1.0)
    """Share of tokens to predict."""
    mask: float = Field(default=0.8, ge=0.0, le=1.0)
    """Share of those that the model sees as the mask token."""
    random: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of those that the model sees as another token; the rest it sees as they are."""
    whole_words: bool = True
    """Hide all tokens of a word together; words of Chinese are found by segmentation."""
    next_sentence: bool = True
    """Read two texts, and predict whether the second follows the first or comes from another document."""
    short: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of inputs that are shorter than data.time, by a random amount."""

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.mask + self.random > 1.0 + 1e-9:  # for what adding rounds
            raise ValueError(
                f"mask = {self.mask} and random = {self.random} are more than 1 together"
            )
        return self


class TwoWayLanguageConfig(Config):
    """Predict each next token from the past and each previous one from the future. For models of kind two-way."""

    kind: Literal["two-way"]
    """Picks the objective."""


class DenoiseConfig(Config):
    """Write the spans that were taken out of a text (T5's span corruption). For encoder-decoders."""

    kind: Literal["denoise"]
    """Picks the objective."""
    share: float = Field(default=0.15, gt=0.0, lt=1.0)
    """Share of tokens taken out."""
    span: float = Field(default=3.0, ge=1.0)
    """Mean length of a span that is taken out, in tokens."""
    sentinels: int = Field(default=100, ge=1, le=1000)
    """Tokens that mark where a span is missing, one for each span of a text."""
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of probability that the target gives to all tokens alike."""


class ExamplesConfig(Config):
    """Files of examples, and how many may be lost on the way."""

    train: str = Field(min_length=1)
    """A jsonl, csv, tsv or parquet file (also .gz, .zst), a folder of them or a glob; or a file of CoNLL, SQuAD or GLUE."""
    validation: str = ""
    """The same, held out; empty: nothing is validated."""
    max_truncated: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of examples cut to data.time above which training is refused."""
    max_dropped: float = Field(default=0.1, ge=0.0, le=1.0)
    """Share of examples that cannot be used above which training is refused."""


class PairFilesConfig(ExamplesConfig):
    """Pairs of the catalogue by their name, or your own files of them."""

    name: str = ""
    """Pairs of `zhixing data list`, which have parts of their own for train, validation and test; empty: own files."""
    train: str = ""
    """A jsonl, csv, tsv or parquet file (also .gz, .zst), a folder of them or a glob."""
    test: str = ""
    """The same, on which the finished model is scored; empty: it is not."""
    reversed: bool = False
    """Learn the other way round: write what the pairs call the source, given their target."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.name) == bool(self.train):
            raise ValueError("set exactly one of name and train")
        if self.name and (self.validation or self.test):
            raise ValueError(
                f"the pairs called {self.name!r} have their own validation and test: leave these out"
            )
        return self


class TaskConfig(Config):
    """What all objectives with files of examples share."""

    examples: ExamplesConfig
    """Where the examples are."""


class Seq2SeqConfig(TaskConfig):
    """From a source to a target: {src, tgt}. For encoder-decoders."""

    kind: Literal["seq2seq"]
    """Picks the objective."""
    examples: PairFilesConfig
    """Where the examples are."""
    measure: Literal["symbols", "translation", "summary"] = "symbols"
    """How targets that were written for the test are judged. symbols: error rate and the share that is right; translation:
    BLEU, chrF, TER and length ratio; summary: ROUGE and length ratio."""
    language: str = ""
    """Language of the targets of your own files, such as en or zh, for the measures of translation and summary; pairs of
    the catalogue know theirs."""
    beams: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(1, 5), min_length=1)
    """Widths of the search with which the finished model writes the targets of the test; 1 is greedy."""
    length_penalty: float = Field(default=1.0, ge=0.0, le=4.0)
    """A search ranks what it finds by its log-probability divided by its length to this power: the larger, the longer what
    is written. The finished model keeps it; choose it on validation pairs."""
    label_smoothing: float = Field(default=0.1, ge=0.0, lt=1.0)
    """Share of probability that the target gives to all tokens alike."""

    @model_validator(mode="after")
    def _language_is_said_once(self) -> Self:
        is_own, judged = not self.examples.name, self.measure != "symbols"
        if self.language and not (is_own and judged):
            reason = f'measure = "{self.measure}"' if is_own else f"pairs of {self.examples.name!r}"
            raise ValueError(f"language does nothing with {reason}; leave it out")
        if judged and is_own and not self.language:
            raise ValueError(
                f'measure = "{self.measure}" needs the language of the targets, such as language = "zh"'
            )
        return self


class ClassifyConfig(TaskConfig):
    """One label of a text or of two texts: {text, label} or {text1, text2, label}. For encoders and classifiers."""

    kind: Literal["classify"]
    """Picks the objective."""
    labels: tuple[str, ...] = ()
    """The labels, in the order of the model's outputs; empty: those of the training examples, sorted."""
    loss: Literal["cross_entropy", "hinge"] = "cross_entropy"
    """cross_entropy: probabilities; hinge: the right label ahead of every other by 1 (a support vector machine)."""
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of probability that the target gives to all labels alike (cross_entropy only)."""
    weights: Literal["equal", "balanced"] | tuple[Annotated[float, Field(gt=0.0)], ...] = "equal"
    """What an example counts, by its label. equal: 1; balanced: the less the more examples its label has, so that all
    labels count the same together; or a number for each label, in their order."""
    augment: AugmentConfig | None = None
    """Learn from changed copies of the training texts as well. Not set: from the texts alone."""

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        self._refuse_unused("label_smoothing", self.loss == "cross_entropy", f"loss = {self.loss}")
        return self


class RegressConfig(TaskConfig):
    """A number for a text or for two texts: {text, label} or {text1, text2, label}. For encoders and classifiers."""

    kind: Literal["regress"]
    """Picks the objective; the loss is the squared error."""


class TagConfig(TaskConfig):
    """A label of each word: {tokens, tags}. For encoders and taggers; a tagger with chain = true learns a CRF.

    With {predicate}, the place of a word from 0, tags are about that word: the roles of other words around a verb.
    """

    kind: Literal["tag"]
    """Picks the objective."""
    labels: tuple[str, ...] = ()
    """The labels, in the order of the model's outputs; empty: those of the training examples, sorted."""


class SpanConfig(TaskConfig):
    """Where the answer stands in a text: {question, context, answers}. For encoders and recurrent readers."""

    kind: Literal["span"]
    """Picks the objective."""
    mark_shared: bool = False
    """Tell the model which words of the text the question has too, as a third segment: [model] segments = 3. A model that
    [finetune] begins from gets that segment."""


class SimilarConfig(TaskConfig):
    """Texts that belong together get vectors that point the same way: {text1, text2, label}, or {query, relevance} beside
    documents.jsonl. For all that give vectors.
    """

    kind: Literal["similar"]
    """Picks the objective."""
    loss: Literal["contrastive", "cosine"] = "contrastive"
    """contrastive: each first text finds its second among those of the micro-batch, labels are not read; cosine: the
    cosine of the two vectors is the label."""
    temperature: float = Field(default=0.05, gt=0.0)
    """Cosines are divided by it before they are compared (contrastive only)."""
    both_ways: bool = False
    """Each second text finds its first too, and each way counts half (contrastive only)."""

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        for name in ("temperature", "both_ways"):
            self._refuse_unused(name, self.loss == "contrastive", f"loss = {self.loss}")
        return self


class RankConfig(TaskConfig):
    """Order texts by how well they answer a query: {query, texts, relevance}. For encoders and classifiers."""

    kind: Literal["rank"]
    """Picks the objective."""
    loss: Literal["pairwise", "listwise"] = "pairwise"
    """pairwise: each better text above each worse one (RankNet); listwise: the whole order at once (ListNet)."""


class ChatConfig(TaskConfig):
    """Answer in a conversation: {messages}, or the keys of sharegpt, alpaca or MMLU; the loss is on answers. For language models.

    A model without a chat template is given ChatML, and two tokens for it.
    """

    kind: Literal["chat"]
    """Picks the objective."""


class PreferenceConfig(TaskConfig):
    """Answers that people prefer become more probable: {prompt, chosen, rejected} (DPO). For language models."""

    kind: Literal["preference"]
    """Picks the objective."""
    beta: float = Field(default=0.1, gt=0.0)
    """How strongly the model is held to what it was before training; more holds it stronger."""


ObjectiveConfig = Annotated[
    CausalConfig
    | MaskedConfig
    | TwoWayLanguageConfig
    | DenoiseConfig
    | Seq2SeqConfig
    | ClassifyConfig
    | RegressConfig
    | TagConfig
    | SpanConfig
    | SimilarConfig
    | RankConfig
    | ChatConfig
    | PreferenceConfig,
    Field(discriminator="kind"),
]
"""Any objective, told apart by `kind`."""
