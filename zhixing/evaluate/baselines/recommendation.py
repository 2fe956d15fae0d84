"""What a recommender has to beat, on the same users: what all take, what is taken together, and what reads alike.

popularity          n_j, how many users took item j: the same list for everybody
item-item           Σ_i w_i n_ij / √(n_i n_j) over the items i of a history              Sarwar et al. 2001, §3.1
texts               Σ_i w_i cos(x_i, x_j) of TF-IDF vectors: knows items that nobody took yet
both                item-item + a · texts, each divided by the best of a user

The weight of an item that was taken n items ago is w = f^n. f, the units of TF-IDF and a are chosen on the validation part,
by NDCG. Items of the history are never listed, nor are items about which nothing is known. All items compete, not a sample
of them (Krichene & Rendle 2020).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.corpus.histories import ITEMS, items_of
from zhixing.corpus.rows import find_tables, placed_rows
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    in_parts,
    is_list_of_text,
    rows_of,
    value_of,
)
from zhixing.evaluate.tasks.measure import Judged, mean
from zhixing.evaluate.tasks.retrieval import Gains, judge_retrieval, recall
from zhixing.text.segment import language_of
from zhixing.vectors.bag_of_words import BaselineConfig, make_vectoriser

K = 10
"""Places of a list that count."""
LISTED = 100
"""Items that a system lists for a user."""
FADINGS = (1.0, 0.8, 0.6)
"""Tried for f."""
SHARES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Tried for a."""
PHRASES = {"words": 2, "characters": 3}
"""Units of TF-IDF -> longest run of them."""
TOGETHER = 512
"""Users whose scores for all items are in memory at once."""
DECIDES = f"ndcg@{K}"
Ranking = list[str]
Floats = NDArray[np.float64]
Scorer = Callable[[Any], Floats]
"""Weights of the items of some histories (users, items; sparse) to scores of all items."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryPart:
    """What each user took, in order, and what he took next."""

    users: tuple[str, ...]
    histories: tuple[tuple[str, ...], ...]
    following: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Candidate:
    """A way to score that was learnt; `told` says with which settings."""

    told: str
    fading: float
    scorer: Scorer
    parameters: int


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class RecommendationContest(Contest[Ranking]):
    """Items for each user, the best first."""

    asks: ClassVar[tuple[str, ...]] = ("recommend",)

    items: Mapping[str, str]
    train: HistoryPart
    validation: HistoryPart
    test: HistoryPart
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        return (DECIDES, f"recall@{K}", f"coverage@{K}", f"recall@{K}_new_items")

    def told(self) -> Sequence[str]:
        """See Contest."""
        taken = self._learnt()
        new = sum(each not in taken for each in self.test.following)
        return (
            f"{len(self.train.users):,} users and {len(self.items):,} items, {len(taken):,} of which are learnt from; "
            f"{len(self.validation.users):,} users to choose on, {len(self.test.users):,} to test with",
            f"{new:,} of the test users took an item next that no user is learnt from with (new items)",
        )

    def baselines(self, *, seed: int) -> Sequence[System[Ranking]]:
        """See Contest; nothing here is drawn by chance."""
        taken = _Taken.of(self.train, self.numbers)
        popular = self._chosen("popularity", [_popularity(taken)])
        together = self._chosen("item-item", _item_item(taken))
        alike = self._chosen("texts, TF-IDF", _texts([*self.items.values()]))
        both = self._chosen("item-item and texts", _both(together.candidate, alike.candidate))
        found = (popular, together, alike, both)
        return best_first([(self._system(each), each.value) for each in found])

    def ask(self, model: Any) -> tuple[Sequence[Ranking], str]:
        """See Contest; texts of items are cut as in training."""
        self.check(model)
        found = model.recommend(self.test.histories, self.items, count=LISTED, cut=True)
        return [[each.item for each in one] for one in found], ""

    def judge(self, answers: Sequence[Ranking]) -> Judged:
        """See Contest."""
        wanted = _wanted(self.test)
        judged = judge_retrieval(answers, wanted, k=(K,), catalogue=len(self.items))
        taken = self._learnt()
        new = [
            recall(listed, gains, K)
            for listed, gains in zip(answers, wanted, strict=True)
            if not taken & gains.keys()
        ]
        measures = [each for each in judged.measures if each.name != "mrr"]  # lists are cut
        if new:
            measures.append(mean(f"recall@{K}_new_items", new, f"k:{K}|items of no training user"))
        return Judged(task=judged.task, measures=tuple(measures), notes=judged.notes)

    def _learnt(self) -> set[str]:
        return {item for taken in _whole(self.train) for item in taken}

    def _chosen(self, name: str, candidates: Iterable[_Candidate]) -> "_Chosen":
        """The best of some candidates on the validation part."""
        began = time.perf_counter()
        held, wanted = self.validation, _wanted(self.validation)
        tried = [
            (value_of(judge_retrieval(self._lists(each, held), wanted, k=(K,)), DECIDES), each)
            for each in candidates
        ]
        value, best = max(tried, key=lambda pair: pair[0])
        seconds = time.perf_counter() - began
        return _Chosen(name=name, candidate=best, value=value, seconds=seconds, tried=len(tried))

    def _lists(self, candidate: _Candidate, part: HistoryPart) -> list[Ranking]:
        names = [*self.items]
        found: list[Ranking] = []
        for first in range(0, len(part.histories), TOGETHER):
            histories = part.histories[first : first + TOGETHER]
            weights = _weights(histories, self.numbers, candidate.fading)
            scores = candidate.scorer(weights)
            scores[weights.nonzero()] = 0.0
            found += [[names[place] for place in places] for places in _best(scores)]
        return found

    def _system(self, chosen: "_Chosen") -> System[Ranking]:
        best = f"; the best of {chosen.tried} on the validation part" * (chosen.tried > 1)
        return System(
            name=chosen.name,
            answers=self._lists(chosen.candidate, self.test),
            parameters=chosen.candidate.parameters,
            seconds=chosen.seconds,
            told=f"{chosen.candidate.told}{best}",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chosen:
    name: str
    candidate: _Candidate
    value: float
    seconds: float
    tried: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Taken:
    """Which user took which item (users, items; sparse), and how many took each."""

    matrix: Any
    counts: Floats

    @classmethod
    def of(cls, part: HistoryPart, numbers: Mapping[str, int]) -> "_Taken":
        """Of everything that is learnt from."""
        matrix = _weights(_whole(part), numbers, 1.0)
        return cls(matrix=matrix, counts=np.asarray(matrix.sum(axis=0)).ravel())


def open_recommendation(folder: Path) -> RecommendationContest:
    """The histories of a folder. Raises DataError for one that lacks a part or its items, or a row that is no example."""
    path = folder / ITEMS
    if not path.is_file():
        raise DataError(f"{folder} has no {ITEMS} of {{item, text}}; see: zhixing data histories")
    items = items_of(placed_rows(find_tables(str(path))), origin=str(path))
    train, validation, test = in_parts(folder, lambda path: read_histories(path, items))
    learnt = {user: {*taken} for user, taken in zip(train.users, _whole(train), strict=True)}
    for user, item in zip(test.users, test.following, strict=True):
        if item in learnt.get(user, ()):
            raise DataError(
                f"{folder}: what user {user!r} takes in the test, {item!r}, he has taken in train already"
            )
    numbers = {item: number for number, item in enumerate(items)}
    return RecommendationContest(
        items=items, train=train, validation=validation, test=test, numbers=numbers
    )


def read_histories(path: Path, items: Mapping[str, str]) -> HistoryPart:
    """The rows {user, history, next} of a file. Raises DataError for one that is none, or an item that is not known."""
    users, histories, following = [], [], []
    for where, row in rows_of(path):
        user, history, item = (row.get(key) for key in ("user", "history", "next"))
        if not (is_list_of_text(history) and isinstance(item, str) and isinstance(user, str)):
            raise DataError(f"{where} is no example {{user, history (a list of texts), next}}")
        unknown = [each for each in (*history, item) if each not in items]
        if unknown:
            raise DataError(f"{where} has the item {unknown[0]!r}, which has no text")
        if item in history:
            raise DataError(f"{where}: {item!r} comes next and is in the history")
        users.append(user)
        histories.append(tuple(history))
        following.append(item)
    if not users:
        raise DataError(f"{path} has no examples")
    return HistoryPart(users=tuple(users), histories=tuple(histories), following=tuple(following))


def _wanted(part: HistoryPart) -> list[Gains]:
    """What each user took next, as the one item that counts."""
    return [{item: 1.0} for item in part.following]


def _whole(part: HistoryPart) -> list[tuple[str, ...]]:
    """Everything that each user took."""
    return [(*one, item) for one, item in zip(part.histories, part.following, strict=True)]


def _popularity(taken: _Taken) -> _Candidate:
    def scorer(weights: Any) -> Floats:
        return np.tile(taken.counts, (weights.shape[0], 1))

    known = int((taken.counts > 0).sum())
    return _Candidate(told="the same for all", fading=1.0, scorer=scorer, parameters=known)


def _item_item(taken: _Taken) -> Iterator[_Candidate]:
    from scipy.sparse import diags

    scale = diags(1.0 / np.sqrt(np.maximum(taken.counts, 1.0)))
    cosines = (scale @ (taken.matrix.T @ taken.matrix) @ scale).tocsr()

    def scorer(weights: Any) -> Floats:
        return np.asarray((weights @ cosines).toarray())

    for fading in FADINGS:
        told = f"cosines of co-occurrence, f = {fading:g}"
        yield _Candidate(told=told, fading=fading, scorer=scorer, parameters=int(cosines.nnz))


def _texts(texts: Sequence[str]) -> Iterator[_Candidate]:
    """Words; for Chinese characters as well."""
    for units in PHRASES if language_of(texts) == "zh" else ("words",):
        table = {"units": units, "phrase": PHRASES[units], "min_texts": 1}
        vectors = make_vectoriser(BaselineConfig.model_validate(table)).fit_transform(texts)
        for fading in FADINGS:
            yield _Candidate(
                told=f"{units}, runs of up to {PHRASES[units]}, f = {fading:g}",
                fading=fading,
                scorer=_cosines(vectors),
                parameters=int(vectors.shape[1]),
            )


def _cosines(vectors: Any) -> Scorer:
    return lambda weights: np.asarray((weights @ vectors @ vectors.T).toarray())


def _both(together: _Candidate, alike: _Candidate) -> Iterator[_Candidate]:
    """With the f of item-item."""

    def mixed(share: float) -> Scorer:
        return lambda weights: (
            _of_the_best(together.scorer(weights)) + share * _of_the_best(alike.scorer(weights))
        )

    for share in SHARES:
        yield _Candidate(
            told=f"a = {share:g}, f = {together.fading:g}",
            fading=together.fading,
            scorer=mixed(share),
            parameters=together.parameters + alike.parameters,
        )


def _of_the_best(scores: Floats) -> Floats:
    """Scores as shares of the largest of each user."""
    most = scores.max(axis=1, keepdims=True)
    return np.divide(scores, most, out=np.zeros_like(scores), where=most > 0)


def _weights(histories: Sequence[Sequence[str]], numbers: Mapping[str, int], fading: float) -> Any:
    """(users, items), sparse: the weight of every item of each history, 1 for the last."""
    from scipy.sparse import csr_matrix

    places = [numbers[item] for history in histories for item in history]
    ends = np.cumsum([0, *(len(history) for history in histories)])
    weights = [fading**ago for history in histories for ago in reversed(range(len(history)))]
    return csr_matrix((weights, places, ends), shape=(len(histories), len(numbers)))


def _best(scores: Floats) -> Iterator[list[int]]:
    """Places of the LISTED largest scores above zero of each user, the largest first; equal ones in the order of items."""
    for row in scores:
        order = np.argsort(-row, kind="stable")[:LISTED]
        yield [int(place) for place in order if row[place] > 0.0]
