"""Numbers: Pearson's r (1895), Spearman's rho (1904: r of ranks, ties share theirs), mean absolute and squared error.

A constant column has no correlation: the score is left out and told. scipy's `pearsonr` and `spearmanr` are the definitions
that tests compare with.
"""

from collections.abc import Sequence

import numpy as np

from zhixing.core.errors import DataError
from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.measure import (
    Judged,
    Measure,
    PairMeasure,
    SumMeasure,
    divided,
    quotient,
    require_pairs,
)

TASK = "numbers"


def judge_numbers(predictions: Sequence[float], references: Sequence[float]) -> Judged:
    """Correlations and errors. Raises DataError for a number that is not finite."""
    require_pairs(TASK, predictions, references)
    guesses, truths = (np.array(one, dtype=np.float64) for one in (predictions, references))
    for name, column in (("prediction", guesses), ("reference", truths)):
        if not np.isfinite(column).all():
            place = int(np.flatnonzero(~np.isfinite(column))[0])
            raise DataError(f"{name} {place + 1} is {column[place]}, which is no finite number")
    off, ones = guesses - truths, np.ones(len(guesses))
    correlations: list[Measure] = [
        PairMeasure(
            name=name,
            signature=signature,
            guesses=guesses,
            truths=truths,
            statistic=statistic,
            unit="-1 to 1",
        )
        for name, signature, statistic in (
            ("pearson", "raw", pearson),
            ("spearman", "ranks|ties:mean", spearman),
        )
    ]
    errors: list[Measure] = [
        SumMeasure(
            name=name,
            signature="mean",
            table=np.stack([values, ones], axis=1),
            formula=quotient,
            unit=unit,
            better="lower",
        )
        for name, values, unit in (
            ("absolute_error", np.abs(off), "as given"),
            ("squared_error", off**2, "squared"),
        )
    ]
    return Judged(task=TASK, measures=(*correlations, *errors))


def pearson(guesses: Floats, truths: Floats, weights: Floats) -> Floats:
    """R for weights (draws, items)."""
    return _correlation(guesses[None, :], truths[None, :], weights)


def spearman(guesses: Floats, truths: Floats, weights: Floats) -> Floats:
    """R of the ranks that each draw of items has."""
    return _correlation(_ranks(guesses, weights), _ranks(truths, weights), weights)


def _ranks(values: Floats, weights: Floats) -> Floats:
    """Mean rank of each item within every draw (draws, items); equal values share a rank."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_new = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    sizes = np.add.reduceat(weights[:, order], np.flatnonzero(is_new), axis=1)
    middle = sizes.cumsum(axis=1) - sizes + (sizes + 1) / 2
    ranks = np.empty_like(weights)
    ranks[:, order] = middle[:, is_new.cumsum() - 1]
    return ranks


def _correlation(one: Floats, other: Floats, weights: Floats) -> Floats:
    count = weights.sum(axis=1, keepdims=True)
    a = one - (weights * one).sum(axis=1, keepdims=True) / count
    b = other - (weights * other).sum(axis=1, keepdims=True) / count
    spread = (weights * a * a).sum(axis=1) * (weights * b * b).sum(axis=1)
    tiny = 1e-24 * np.abs(one).max() ** 2 * np.abs(other).max() ** 2
    together = (weights * a * b).sum(axis=1)
    return np.clip(divided(together, np.sqrt(np.where(spread > tiny, spread, 0.0))), -1.0, 1.0)
