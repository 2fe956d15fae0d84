"""Summaries that are a piece of the text itself: its first one, or the one that is most like the whole text.

A piece is a sentence in English; in Chinese what stands between two marks, so that a verse is one.
"""

import re
from collections.abc import Sequence
from typing import final

import numpy as np

from zhixing.text.sentences import sentences
from zhixing.vectors.bag_of_words import BaselineConfig, make_vectoriser

_CLAUSE = re.compile(r"[^，。！？；：、\n]+")


def pieces(text: str, language: str) -> list[str]:
    """The pieces of a text, in order; the text itself where there is none."""
    if language == "zh":
        found = [piece.strip() for piece in _CLAUSE.findall(text)]
    else:
        found = [text[start:end] for start, end in sentences(text, language)]
    return [piece for piece in found if piece] or [text]


@final
class Lead:
    """The first piece of each text."""

    def __init__(self, language: str) -> None:
        self._language = language

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """One piece of each."""
        return [pieces(text, self._language)[0] for text in texts]


@final
class Central:
    """The piece of each text whose TF-IDF words have the largest cosine with those of the whole text.

    How rare a word is was learnt from `sources`, those of training.
    """

    def __init__(self, sources: Sequence[str], language: str) -> None:
        self._language = language
        self._vectoriser = make_vectoriser(BaselineConfig(min_texts=1, phrase=1))
        self._vectoriser.fit(sources)

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """One piece of each; of equals the first."""
        return [self._best(text) for text in texts]

    def _best(self, text: str) -> str:
        found = pieces(text, self._language)
        whole, parts = self._vectoriser.transform([text]), self._vectoriser.transform(found)
        cosines = np.asarray((parts @ whole.T).toarray()).ravel()
        return found[int(cosines.argmax())]
