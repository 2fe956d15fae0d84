"""The order of texts that each query brings along: what a model has to beat is how many words a text shares with its query.

    {"query": …, "texts": ["a", "b", "c"], "relevance": [0, 2, 1]}     a gain of 0 or more for every text

TF-IDF, words and characters, as for searches (retrieval.py); how rare words are is learnt from the queries and texts of training.
Answers are places in `texts`, the best first. In which order a file has them must tell nothing: equal scores are ordered by a
hash of the text. A model that learnt `rank` orders the texts, any other by the cosines of its vectors.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.corpus.parts import num_copies, number_of
from zhixing.evaluate.baselines.retrieval import PHRASES, vectorisers, vectors_of
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    in_parts,
    is_list_of_text,
    rows_of,
    told_cuts,
    value_of,
    with_leak,
)
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.retrieval import judge_retrieval

Floats = NDArray[Any]
Order = list[int]
MAIN = "ndcg@10"


@dataclass(frozen=True, kw_only=True, slots=True)
class RankedList:
    """A query, its texts, and the gain of each."""

    query: str
    texts: tuple[str, ...]
    gains: tuple[float, ...]


Lists = Sequence[RankedList]


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class RankingContest(Contest[Order]):
    """The places of the texts of each test query, the best first."""

    asks: ClassVar[tuple[str, ...]] = ("rank", "embed")

    train: Lists
    validation: Lists
    test: Lists

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        return (MAIN, "mrr", "recall@1")

    def told(self) -> Sequence[str]:
        """See Contest."""
        texts = sum(len(each.texts) for each in self.test)
        sizes = (
            f"{len(self.train):,} queries to learn from, {len(self.validation):,} to choose on, {len(self.test):,} to test on, "
            f"with {texts / len(self.test):.1f} texts each"
        )
        copies = num_copies(_queries(self.test), _queries(self.train))
        return with_leak(sizes, copies, "queries")

    def baselines(self, *, seed: int) -> Sequence[System[Order]]:
        """See Contest; nothing here is drawn by chance."""
        return best_first([self._shared(units) for units in PHRASES])

    def ask(self, model: Any) -> tuple[Sequence[Order], str]:
        """See Contest. Raises UnsupportedError for a model that neither orders texts nor has vectors."""
        self.check(model)
        if "rank" in model.methods:
            pairs = [(each.query, text) for each in self.test for text in each.texts]
            lengths = (len(model.tokenizer.encode_pair(*pair).ids) for pair in pairs)
            told = told_cuts(lengths, model.limit, "queries with a text")
            found = [model.rank(each.query, each.texts, cut=True) for each in self.test]
            return [[one.index for one in order] for order in found], told
        asked, first = vectors_of(model, _queries(self.test), "queries")
        among, second = vectors_of(model, _texts(self.test), "texts")
        cosines = (asked[_owners(self.test)] * among).sum(axis=1)
        return _ordered(self.test, cosines), "; ".join(filter(None, (first, second)))

    def judge(self, answers: Sequence[Order]) -> Judged:
        """See Contest."""
        return _judge(answers, self.test)

    def _shared(self, units: str) -> tuple[System[Order], float]:
        """The texts with the most TF-IDF in common; the longest phrase is chosen on the validation queries."""
        began = time.perf_counter()
        tried: list[tuple[float, int, Any]] = []
        for phrase, vectoriser in vectorisers(units):
            vectoriser.fit([*_queries(self.train), *_texts(self.train)])
            held = _by_words(vectoriser, self.validation)
            tried.append((value_of(_judge(held, self.validation), MAIN), phrase, vectoriser))
        value, phrase, vectoriser = max(tried, key=lambda each: each[0])
        seconds = time.perf_counter() - began
        system = System(
            name=f"TF-IDF, {units}",
            answers=_by_words(vectoriser, self.test),
            parameters=len(vectoriser.vocabulary_),
            seconds=seconds,
            told=f"runs of up to {phrase}, chosen on the validation queries",
        )
        return system, value


def open_ranking(folder: Path) -> RankingContest:
    """The queries of a folder with their texts. Raises DataError for one that lacks a part, or a row that cannot be ordered."""
    train, validation, test = in_parts(folder, read_lists)
    return RankingContest(train=train, validation=validation, test=test)


def read_lists(path: Path) -> Lists:
    """The rows {query, texts, relevance} of a file. Raises DataError for a row that is none, or where there is nothing to order."""
    found = [_list_of(where, row) for where, row in rows_of(path)]
    if not found:
        raise DataError(f"{path} has no queries")
    return found


def _list_of(where: str, row: Any) -> RankedList:
    query, texts, gains = row.get("query"), row.get("texts"), row.get("relevance")
    if not isinstance(query, str) or not query.strip():
        raise DataError(f"{where}: the query is empty or no text")
    if not is_list_of_text(texts) or not all(text.strip() for text in texts):
        raise DataError(f"{where}: texts must be a list of texts, none of them empty")
    if not isinstance(gains, list) or not all(map(_is_gain, gains)):
        raise DataError(f"{where}: relevance must be a list of numbers of 0 or more")
    if len(gains) != len(texts):
        raise DataError(
            f"{where}: {len(texts)} texts and {len(gains)} numbers in relevance; each text has one"
        )
    if len({*gains}) < 2:
        raise DataError(
            f"{where}: no text answers the query better than another, so there is nothing to order"
        )
    return RankedList(query=query, texts=tuple(texts), gains=tuple(map(float, gains)))


def _is_gain(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value < math.inf


def _queries(lists: Lists) -> list[str]:
    return [each.query for each in lists]


def _texts(lists: Lists) -> list[str]:
    return [text for each in lists for text in each.texts]


def _owners(lists: Lists) -> list[int]:
    """The list of each text."""
    return [place for place, each in enumerate(lists) for _ in each.texts]


def _by_words(vectoriser: Any, lists: Lists) -> list[Order]:
    asked = vectoriser.transform(_queries(lists))[_owners(lists)]
    among = vectoriser.transform(_texts(lists))
    return _ordered(lists, np.asarray(asked.multiply(among).sum(axis=1)).ravel())


def _ordered(lists: Lists, scores: Floats) -> list[Order]:
    """The places of each list by the scores of all texts, the largest first."""
    ends = np.cumsum([len(each.texts) for each in lists])
    found = np.split(scores, ends[:-1])
    return [_order(each.texts, mine) for each, mine in zip(lists, found, strict=True)]


def _order(texts: Sequence[str], scores: Floats) -> Order:
    return sorted(
        range(len(texts)), key=lambda place: (-scores[place], number_of(texts[place]), place)
    )


def _judge(answers: Sequence[Order], lists: Lists) -> Judged:
    return judge_retrieval(answers, [dict(enumerate(each.gains)) for each in lists])
