"""Which items come next after a history: by their texts, or by what a model of sequences has learnt of each item.

    texts       s_j = cos(Σ_i f^n x_i, x_j)     x_i the vector of the text of item i, which was taken n items ago
    sequences   s_j = logit of the label j      of the history as words (corpus/histories.py)

The first knows every item that has a text, also new ones; the second those that it learnt. One encoder makes both towers, so
vectors of items are made once and the tower of the user is a sum (Huang et al. 2013 has two networks; Covington et al. 2016
average a history). Items of the history are never given.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from zhixing.api.inputs import check_is_list
from zhixing.api.results import Recommended
from zhixing.core.errors import DataError, UsageError

Floats = NDArray[np.float32]
History = Sequence[str]
Scorer = Callable[[Sequence[History]], Floats]
"""Histories to scores of all items (histories, items); minus infinity for an item that is not known."""
FADING = 0.8
"""f: what an item counts beside the one that was taken after it."""
TOGETHER = 512
"""Histories whose scores for all items are in memory at once."""


def recommended(
    histories: Sequence[History], items: Sequence[str], scorer: Scorer, *, count: int
) -> list[list[Recommended]]:
    """The `count` items with the largest scores for each history, the best first; equal ones in the order of `items`."""
    if count < 1:
        raise UsageError(f"count = {count} items: at least 1")
    places = {item: place for place, item in enumerate(items)}
    found: list[list[Recommended]] = []
    for first in range(0, len(histories), TOGETHER):
        some = histories[first : first + TOGETHER]
        scores = scorer(some)
        for history, row in zip(some, scores, strict=True):
            row[[places[item] for item in history]] = -np.inf
            found.append(_best(row, items, count))
    return found


def check_histories(histories: Sequence[History], items: Mapping[str, str]) -> None:
    """Raise DataError for an empty history, or one with an item that has no text; UsageError for one name in place of a list."""
    check_is_list("histories", histories)
    if not isinstance(items, Mapping):
        raise UsageError(
            f"items is {items!r:.60}; give the text of each item by its name: {{name: text}}"
        )
    for number, history in enumerate(histories):
        check_is_list(f"histories[{number}]", history)
        if not history:
            raise DataError(
                f"histories[{number}]: the history is empty: nothing tells what comes next"
            )
        unknown = [item for item in history if item not in items]
        if unknown:
            raise DataError(
                f"histories[{number}]: {unknown[0]!r} is none of the {len(items):,} items"
            )


def by_texts(items: Sequence[str], vectors: Floats) -> Scorer:
    """Scores by the vectors (items, width) of unit length of the items' texts."""
    places = {item: place for place, item in enumerate(items)}

    def scores(histories: Sequence[History]) -> Floats:
        users = np.stack(
            [
                _faded(len(history)) @ vectors[[places[item] for item in history]]
                for history in histories
            ]
        )
        users /= np.linalg.norm(users, axis=1, keepdims=True).clip(np.finfo(np.float32).tiny)
        return users @ vectors.T

    return scores


def by_labels(
    items: Sequence[str], labels: Sequence[str], logits: Callable[[Sequence[History]], Floats]
) -> Scorer:
    """Scores by logits (histories, labels), whose labels are items. Raises DataError where one of them is no item."""
    places = {item: place for place, item in enumerate(items)}
    unknown = [label for label in labels if label not in places]
    if unknown:
        raise DataError(
            f"this model has learnt the item {unknown[0]!r}, which is none of the {len(items):,} items: give the "
            "items that it was taught with"
        )
    columns = [places[label] for label in labels]

    def scores(histories: Sequence[History]) -> Floats:
        made = np.full((len(histories), len(items)), -np.inf, dtype=np.float32)
        made[:, columns] = logits(histories)
        return made

    return scores


def _faded(count: int) -> Floats:
    """Weights of a history, the last 1."""
    return (FADING ** np.arange(count)[::-1]).astype(np.float32)


def _best(row: Floats, items: Sequence[str], count: int) -> list[Recommended]:
    order = np.argsort(-row, kind="stable")[:count]
    return [
        Recommended(item=items[place], score=float(row[place]))
        for place in order
        if np.isfinite(row[place])
    ]
