"""Areas under the ROC and the precision-recall curve of one class against the rest.

    ROC   the chance that an item of the class gets a higher probability than one of the rest (ties count half);
          Mann & Whitney 1947
    PR    average precision: Σ (recall_n - recall_n-1) · precision_n over thresholds, without interpolation

Neither is defined where all items are of one class. scikit-learn's `roc_auc_score` and `average_precision_score` are the
definitions that tests compare with.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from zhixing.core.errors import DataError
from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.measure import PairMeasure, divided, require_pairs


def areas(
    probabilities: Sequence[Mapping[str, float]], references: Sequence[str], label: str
) -> list[PairMeasure]:
    """Both areas for `label`. Raises DataError when an item has no probability for it."""
    require_pairs("areas", probabilities, references)
    for number, item in enumerate(probabilities):
        if label not in item:
            raise DataError(
                f"item {number + 1} has no probability of {label!r}; it has {', '.join(item)}"
            )
    guesses = np.array([item[label] for item in probabilities], dtype=np.float64)
    if not np.isfinite(guesses).all():
        raise DataError(f"a probability of {label!r} is no finite number")
    truths = np.array([reference == label for reference in references], dtype=np.float64)
    signature = f"class:{label}|against:rest|ties:half"
    return [
        PairMeasure(
            name=f"{name}:{label}",
            signature=signature,
            guesses=guesses,
            truths=truths,
            statistic=statistic,
        )
        for name, statistic in (("roc_auc", roc_area), ("average_precision", average_precision))
    ]


def roc_area(guesses: Floats, truths: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve for weights (draws, items)."""
    positive, negative = _by_threshold(guesses, truths, weights)
    below = negative.cumsum(axis=1) - negative  # rest with a smaller probability
    won = (positive * (below + negative / 2)).sum(axis=1)
    return divided(won, positive.sum(axis=1) * negative.sum(axis=1))


def average_precision(guesses: Floats, truths: Floats, weights: Floats) -> Floats:
    """Average precision for weights (draws, items)."""
    positive, negative = _by_threshold(-guesses, truths, weights)
    found, taken = positive.cumsum(axis=1), (positive + negative).cumsum(axis=1)
    precision = np.nan_to_num(divided(found, taken))
    area = divided((positive * precision).sum(axis=1), positive.sum(axis=1))
    return np.where(negative.sum(axis=1) > 0, area, np.nan)


def _by_threshold(guesses: Floats, truths: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weight of the class and of the rest at each different guess, ascending: (draws, thresholds)."""
    order = np.argsort(guesses, kind="stable")
    ordered = guesses[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sums = [
        np.add.reduceat(weights[:, order] * side[order], starts, axis=1)
        for side in (truths, 1 - truths)
    ]
    return sums[0], sums[1]
