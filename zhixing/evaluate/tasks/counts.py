"""Precision, recall and F1 of three counts: what is right, what was found, and what is true (is there).

    precision = right / found        recall = right / true        F1 = 2 · right / (found + true)

As in scikit-learn, precision is 0 where nothing was found though something is there, and recall is 0 where something was
found though nothing is there; where neither is, none of the three is defined.
"""

import numpy as np

from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.measure import divided


def precision(right: Floats, found: Floats, true: Floats) -> Floats:
    """Share of what was found that is right."""
    value = divided(right, found)
    return np.where(true > 0, np.nan_to_num(value), value)


def recall(right: Floats, found: Floats, true: Floats) -> Floats:
    """Share of what is there that was found."""
    value = divided(right, true)
    return np.where(found > 0, np.nan_to_num(value), value)


def f1(right: Floats, found: Floats, true: Floats) -> Floats:
    """The harmonic mean of precision and recall."""
    return divided(2 * right, found + true)


def mean_of_defined(values: Floats) -> Floats:
    """The mean of each row over the columns that are defined: (draws, classes) to (draws,)."""
    occurs = ~np.isnan(values)
    return divided(np.nan_to_num(values).sum(axis=1), occurs.sum(axis=1).astype(np.float64))
