"""The baselines that every text classifier has to beat: counted words or TF-IDF, and a linear classifier (scikit-learn).

A text becomes a row of counts of its words (Chinese ones by segmentation) and of the phrases they form, or of its characters
and their runs; TF-IDF makes a word count more the fewer texts have it (Spärck Jones 1972). Order within the text is lost, apart
from the phrases. A finished baseline is not saved: making it again takes seconds and needs no pickle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from zhixing.core.config import Config
from zhixing.core.errors import DataError, MissingExtraError, UsageError
from zhixing.text.segment import language_of
from zhixing.text.stop_words import stop_words
from zhixing.text.terms import terms

PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
"""Inverse penalties that `chosen` tries."""


class BaselineConfig(Config):
    """A bag of words and the classifier on it."""

    units: Literal["words", "characters"] = "words"
    """What is counted: words, or characters as they are written, marks among them."""
    weights: Literal["count", "tfidf"] = "tfidf"
    """count: how often each word occurs; tfidf: its logarithm, times how rare the word is among texts, unit length."""
    classifier: Literal["logistic", "bayes"] = "logistic"
    """logistic regression, or naive Bayes (Rennie et al. 2003, complement)."""
    drop_stop_words: bool = False
    """Leave out words that hold sentences together, of both languages."""
    phrase: int = Field(default=2, ge=1, le=4)
    """Longest phrase that is counted beside the words, in words; or longest run of characters."""
    min_texts: int = Field(default=2, ge=1)
    """Words and phrases in fewer texts are left out."""
    max_words: int | None = Field(default=None, ge=1)
    """Keep only so many of the most frequent words and phrases. Not set: all."""
    inverse_penalty: float = Field(default=10.0, gt=0.0)
    """Of logistic regression: the larger, the closer it follows the training texts (scikit-learn's C)."""
    seed: int = Field(default=42, ge=0, lt=2**32)
    """Of the classifier, where it draws random numbers."""

    @model_validator(mode="after")
    def _is_read(self) -> Self:
        self._refuse_unused("drop_stop_words", self.units == "words", f"units = {self.units}")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Analyser:
    """How a text becomes the units that are counted."""

    phrase: int
    drop_stop_words: bool

    def __call__(self, text: str) -> list[str]:
        """Words and phrases, in order; a phrase has a space between its words."""
        language = language_of([text])
        found = [word for line in text.splitlines() for word in terms(line, language)]
        if self.drop_stop_words:
            dropped = stop_words("en") | stop_words("zh")
            found = [word for word in found if word not in dropped]
        phrases = [
            " ".join(found[at : at + size])
            for size in range(2, self.phrase + 1)
            for at in range(len(found) - size + 1)
        ]
        return found + phrases


@dataclass(frozen=True, kw_only=True, slots=True)
class CharacterAnalyser:
    """How a text becomes runs of characters: in one case, spaces left out between Chinese, one of several elsewhere."""

    phrase: int

    def __call__(self, text: str) -> list[str]:
        """Characters and their runs, in order."""
        between = "" if language_of([text]) == "zh" else " "
        found = between.join(text.lower().split())
        return [
            found[at : at + size]
            for size in range(1, self.phrase + 1)
            for at in range(len(found) - size + 1)
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The baseline that was best on held-out texts, with its labels of them and their macro F1, and how many were tried."""

    baseline: "LinearBaseline"
    guesses: list[str]
    held_out: float
    tried: int


Texts = tuple[Sequence[str], Sequence[str]]
"""Texts, and the label of each."""


def chosen(train: Texts, held: Texts, configs: Iterable[BaselineConfig]) -> Chosen:
    """Learn from `train` as each of `configs` says, with each of PENALTIES; keep the best by macro F1 on `held`.

    Of equal ones the first is kept. Raises DataError as `LinearBaseline.fit` does.
    """
    from sklearn.metrics import f1_score

    best, tried = None, 0
    for config in configs:
        first = LinearBaseline(config)
        rows, held_rows = first.learn_words(*train), first.vectoriser.transform(held[0])
        for penalty in PENALTIES:
            tried += 1
            made = LinearBaseline(
                config.model_copy(update={"inverse_penalty": penalty}), first.vectoriser
            )
            made.learn_weights(rows, train[1])
            guesses = made.labels_of(held_rows)
            value = float(f1_score(held[1], guesses, average="macro", zero_division=0.0))
            if best is None or value > best.held_out:
                best = Chosen(baseline=made, guesses=guesses, held_out=value, tried=tried)
    if best is None:
        raise UsageError("there is no setting to choose from")
    return replace(best, tried=tried)


@final
class LinearBaseline:
    """A classifier of texts: `fit` first, then `predict` and `probabilities`.

    `vectoriser`: one that has learnt its words already, to share it between classifiers.
    """

    def __init__(self, config: BaselineConfig | None = None, vectoriser: Any = None) -> None:
        self.config = config or BaselineConfig()
        self.vectoriser = vectoriser or make_vectoriser(self.config)
        self._classifier = _classifier(self.config)
        self._labels: list[str] = []

    @property
    def labels(self) -> list[str]:
        """The labels, sorted; empty before `fit`."""
        return self._labels

    @property
    def num_parameters(self) -> int:
        """Numbers that the classifier has learnt."""
        if self.config.classifier == "bayes":
            return int(self._classifier.feature_log_prob_.size)
        return int(self._classifier.coef_.size + self._classifier.intercept_.size)

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> None:
        """Learn from labelled texts. Raises DataError for fewer than two labels or for texts without words."""
        self.learn_weights(self.learn_words(texts, labels), labels)

    def learn_words(self, texts: Sequence[str], labels: Sequence[str]) -> Any:
        """The first half of `fit`: which words there are; the rows of the texts."""
        if len(texts) != len(labels):
            raise UsageError(f"{len(texts)} texts and {len(labels)} labels; each text has one")
        if len(set(labels)) < 2:
            raise DataError(f"a classifier needs two labels or more, not {sorted(set(labels))}")
        try:
            return self.vectoriser.fit_transform(texts)
        except ValueError as error:  # nothing left to count
            raise DataError(
                f"TF-IDF counts what is in {self.config.min_texts} texts or more, and nothing is in as many of these "
                f"{len(texts)}; give more texts, or set min_texts = 1 where there is such a setting"
            ) from error

    def learn_weights(self, rows: Any, labels: Sequence[str]) -> None:
        """The second half: how much each speaks for each label."""
        self._classifier.fit(rows, list(labels))
        self._labels = [str(label) for label in self._classifier.classes_]

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The most probable label of each text."""
        best = self.probabilities(texts).argmax(axis=1)
        return [self._labels[column] for column in best]

    def labels_of(self, rows: Any) -> list[str]:
        """The most probable label of each row of the vectoriser."""
        return [self._labels[column] for column in self._classifier.predict_proba(rows).argmax(1)]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(texts, labels), in the order of `labels`."""
        if not self._labels:
            raise UsageError("this baseline has learnt nothing yet: call fit first")
        rows: NDArray[np.float64] = self._classifier.predict_proba(self.vectoriser.transform(texts))
        return rows

    def strongest(self, label: str, *, count: int = 10) -> list[str]:
        """The words and phrases that speak most for a label."""
        if label not in self._labels:
            raise UsageError(f"there is no label {label!r}; labels: {', '.join(self._labels)}")
        names = self.vectoriser.get_feature_names_out()
        rows = _unit_rows(len(names))
        column = self._labels.index(label)
        scores = self._classifier.predict_log_proba(rows)[:, column]
        return [str(names[row]) for row in np.argsort(-scores, kind="stable")[:count]]


def make_vectoriser(config: BaselineConfig) -> Any:
    """scikit-learn's CountVectorizer or TfidfVectorizer with words of both languages."""
    try:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "eval", "a bag of words") from error
    kinds: Mapping[str, Any] = {
        "words": Analyser(phrase=config.phrase, drop_stop_words=config.drop_stop_words),
        "characters": CharacterAnalyser(phrase=config.phrase),
    }
    analyser = kinds[config.units]
    if config.weights == "count":
        return CountVectorizer(
            analyzer=analyser, min_df=config.min_texts, max_features=config.max_words
        )
    return TfidfVectorizer(
        analyzer=analyser,
        min_df=config.min_texts,
        max_features=config.max_words,
        sublinear_tf=True,
    )


def _classifier(config: BaselineConfig) -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.naive_bayes import ComplementNB
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "eval", "a linear classifier") from error
    if config.classifier == "bayes":
        return ComplementNB()
    return LogisticRegression(C=config.inverse_penalty, max_iter=1000, random_state=config.seed)


def _unit_rows(count: int) -> Any:
    """One text per word, which holds that word alone."""
    from scipy.sparse import identity

    return identity(count, format="csr")
