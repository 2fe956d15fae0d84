"""The baselines that every text classifier has to beat: counted words or TF-IDF, and a linear classifier (scikit-learn).

A text becomes a row of counts of its words (Chinese ones by segmentation) and of the phrases they form; TF-IDF makes a
word count more the fewer texts have it (Spärck Jones 1972). Order within the text is lost, apart from the phrases.
A finished baseline is not saved: making it again takes seconds and needs no pickle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhixing.core.config import Config
from zhixing.core.errors import DataError, MissingExtraError, UsageError
from zhixing.text.segment import HAS_HAN
from zhixing.text.stop_words import stop_words
from zhixing.text.terms import terms


class BaselineConfig(Config):
    """A bag of words and the classifier on it."""

    weights: Literal["count", "tfidf"] = "tfidf"
    """count: how often each word occurs; tfidf: its logarithm, times how rare the word is among texts, unit length."""
    classifier: Literal["logistic", "bayes"] = "logistic"
    """logistic regression, or naive Bayes (Rennie et al. 2003, complement)."""
    drop_stop_words: bool = False
    """Leave out words that hold sentences together, of both languages."""
    phrase: int = Field(default=2, ge=1, le=4)
    """Longest phrase that is counted beside the words, in words."""
    min_texts: int = Field(default=2, ge=1)
    """Words and phrases in fewer texts are left out."""
    max_words: int | None = Field(default=None, ge=1)
    """Keep only so many of the most frequent words and phrases. Not set: all."""
    inverse_penalty: float = Field(default=10.0, gt=0.0)
    """Of logistic regression: the larger, the closer it follows the training texts (scikit-learn's C)."""
    seed: int = Field(default=42, ge=0, lt=2**32)
    """Of the classifier, where it draws random numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Analyser:
    """How a text becomes the units that are counted."""

    phrase: int
    drop_stop_words: bool

    def __call__(self, text: str) -> list[str]:
        """Words and phrases, in order; a phrase has a space between its words."""
        language = "zh" if HAS_HAN.search(text) else "en"
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


@final
class LinearBaseline:
    """A classifier of texts: `fit` first, then `predict` and `probabilities`."""

    def __init__(self, config: BaselineConfig | None = None) -> None:
        self.config = config or BaselineConfig()
        self._vectoriser = vectoriser(self.config)
        self._classifier = _classifier(self.config)
        self._labels: list[str] = []

    @property
    def labels(self) -> list[str]:
        """The labels, sorted; empty before `fit`."""
        return self._labels

    def fit(self, texts: Sequence[str], labels: Sequence[str]) -> None:
        """Learn from labelled texts. Raises DataError for fewer than two labels or for texts without words."""
        if len(texts) != len(labels):
            raise UsageError(f"{len(texts)} texts and {len(labels)} labels; each text has one")
        if len(set(labels)) < 2:
            raise DataError(f"a classifier needs two labels or more, not {sorted(set(labels))}")
        try:
            rows = self._vectoriser.fit_transform(texts)
        except ValueError as error:  # nothing left to count
            raise DataError(
                f"no word is in {self.config.min_texts} texts or more; lower min_texts"
            ) from error
        self._classifier.fit(rows, list(labels))
        self._labels = [str(label) for label in self._classifier.classes_]

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The most probable label of each text."""
        best = self.probabilities(texts).argmax(axis=1)
        return [self._labels[column] for column in best]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(texts, labels), in the order of `labels`."""
        if not self._labels:
            raise UsageError("this baseline has learnt nothing yet: call fit first")
        rows: NDArray[np.float64] = self._classifier.predict_proba(
            self._vectoriser.transform(texts)
        )
        return rows

    def strongest(self, label: str, *, count: int = 10) -> list[str]:
        """The words and phrases that speak most for a label."""
        if label not in self._labels:
            raise UsageError(f"there is no label {label!r}; labels: {', '.join(self._labels)}")
        names = self._vectoriser.get_feature_names_out()
        rows = _unit_rows(len(names))
        column = self._labels.index(label)
        scores = self._classifier.predict_log_proba(rows)[:, column]
        return [str(names[row]) for row in np.argsort(-scores, kind="stable")[:count]]


def vectoriser(config: BaselineConfig) -> Any:
    """scikit-learn's CountVectorizer or TfidfVectorizer with words of both languages."""
    try:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "eval", "a bag of words") from error
    analyser = Analyser(phrase=config.phrase, drop_stop_words=config.drop_stop_words)
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
