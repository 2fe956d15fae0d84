"""Ordered lists: recall@k, mean reciprocal rank, NDCG@k, and how much of the catalogue is ever shown.

    recall@k = |relevant among the first k| / |relevant|
    MRR      = mean of 1 / (place of the first relevant), 0 where none is listed
    NDCG@k   = DCG / DCG of the best order, DCG = Σ gain_i / log2(i + 1)      Järvelin & Kekäläinen 2002, with linear gains

Places count from 1. Where the group of each query is known (its page), groups are drawn for intervals and swapped for tests,
each with all its queries. A query without anything relevant cannot be answered rightly: it is left out and counted. Coverage
(Ge et al. 2010) counts different items over all lists, so drawing queries twice would bias it: it has no interval.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.tasks.measure import (
    Judged,
    Measure,
    SumMeasure,
    drawn_together,
    mean,
    quotient,
    require_pairs,
)

TASK = "retrieval"
Listed = Sequence[Hashable]
Gains = Mapping[Any, float]


def judge_retrieval(
    lists: Sequence[Listed],
    relevance: Sequence[Gains],
    *,
    k: Sequence[int] = (1, 10),
    catalogue: int = 0,
    groups: Sequence[str] = (),
) -> Judged:
    """One ordered list and the gains of what is relevant (above 0) per query; `catalogue` is how many items there are.

    `groups` says which queries are drawn together, one for each query; none where each stands for itself.
    """
    require_pairs(TASK, lists, relevance)
    if len(groups) not in (0, len(lists)):
        raise DataError(f"{len(lists)} queries and {len(groups)} groups; each query is of one")
    if not k or min(k) < 1:
        raise UsageError(f"k = {list(k)}: places count from 1, such as k = 1, 10")
    for number, listed in enumerate(lists):
        if len(set(listed)) != len(listed):
            raise DataError(f"query {number + 1} lists an item twice; each may count once")
    kept = [
        (listed, {item: gain for item, gain in gains.items() if gain > 0})
        for listed, gains in zip(lists, relevance, strict=True)
        if any(gain > 0 for gain in gains.values())
    ]
    if not kept:
        raise DataError("no query has anything relevant; there is nothing to score")
    measures: list[SumMeasure] = []
    for size in k:
        signature = f"k:{size}|gains:linear"
        recalls = [recall(listed, gains, size) for listed, gains in kept]
        gained = [ndcg(listed, gains, size) for listed, gains in kept]
        measures += [
            mean(f"recall@{size}", recalls, signature),
            mean(f"ndcg@{size}", gained, signature),
        ]
    ranks = [reciprocal_rank(listed, gains) for listed, gains in kept]
    measures.append(mean("mrr", ranks, "k:all"))
    homes = _of_kept(groups, relevance)
    found: list[Measure] = [drawn_together(each, homes, "groups") for each in measures]
    if catalogue:
        found += [coverage(lists, size, catalogue) for size in k]
    left_out = len(lists) - len(kept)
    notes = (f"{left_out} queries have nothing relevant and are left out",) * bool(left_out)
    return Judged(task=TASK, measures=tuple(found), notes=notes)


def recall(listed: Listed, gains: Gains, k: int) -> float:
    """Share of what is relevant among the first k."""
    return sum(item in gains for item in listed[:k]) / len(gains)


def reciprocal_rank(listed: Listed, gains: Gains) -> float:
    """1 over the place of the first relevant item; 0 where there is none."""
    return next((1 / place for place, item in enumerate(listed, start=1) if item in gains), 0.0)


def ndcg(listed: Listed, gains: Gains, k: int) -> float:
    """Discounted gain over that of the best order."""
    best = sorted(gains.values(), reverse=True)
    return _discounted([gains.get(item, 0.0) for item in listed[:k]]) / _discounted(best[:k])


def coverage(lists: Sequence[Listed], k: int, catalogue: int) -> Measure:
    """Different items among the first k of all lists, over the size of the catalogue."""
    seen: set[Hashable] = set()
    counts = []
    for listed in lists:
        new = set(listed[:k]) - seen
        seen |= new
        counts.append((len(new), catalogue / len(lists)))
    if len(seen) > catalogue:
        raise DataError(f"{len(seen)} different items are listed, of a catalogue of {catalogue}")
    return SumMeasure(
        name=f"coverage@{k}",
        signature=f"k:{k}|catalogue:{catalogue}",
        table=np.array(counts, dtype=np.float64),
        formula=quotient,
        can_resample=False,
    )


def _of_kept(groups: Sequence[str], relevance: Sequence[Gains]) -> list[str]:
    """The groups of the queries that have something relevant."""
    pairs = zip(groups, relevance, strict=bool(groups))
    return [group for group, gains in pairs if any(gain > 0 for gain in gains.values())]


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))
