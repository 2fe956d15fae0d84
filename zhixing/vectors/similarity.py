"""Do vectors put words together that people put together? Spearman's rank correlation with people's judgements.

WordSim-353 (Finkelstein et al. 2002) asks how related two words are, SimLex-999 (Hill, Reichart & Korhonen 2015) how
alike. A pair with a word that has no vector is left out and counted: a score without its coverage says nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import MissingExtraError
from zhixing.corpus.sources.judgements import Judgement
from zhixing.vectors.table import Vectors

RESAMPLES = 1000
LEAST_PAIRS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Spearman's ρ over `known` of `pairs` pairs, with a 95 % bootstrap interval over pairs."""

    value: float
    low: float
    high: float
    known: int
    pairs: int
    seed: int


def agreement(vectors: Vectors, judgements: Sequence[Judgement], *, seed: int = 42) -> Agreement:
    """How well the cosines rank the pairs; NaN where fewer than three pairs are known."""
    known = [each for each in judgements if each.one in vectors and each.other in vectors]
    if len(known) < LEAST_PAIRS:
        nan = math.nan
        return Agreement(
            value=nan, low=nan, high=nan, known=len(known), pairs=len(judgements), seed=seed
        )
    people = np.array([each.score for each in known])
    cosines = np.array([vectors.similarity(each.one, each.other) for each in known])
    low, high = _interval(people, cosines, seed)
    return Agreement(
        value=_spearman(people, cosines),
        low=low,
        high=high,
        known=len(known),
        pairs=len(judgements),
        seed=seed,
    )


def random_vectors(words: Sequence[str], width: int, *, seed: int) -> Vectors:
    """What knows nothing: normal random numbers for the same words, the baseline of every score."""
    matrix = np.random.default_rng(seed).standard_normal((len(words), width), dtype=np.float32)
    return Vectors(words, matrix, name="random vectors")


def _spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    try:
        from scipy.stats import ConstantInputWarning, spearmanr
    except ImportError as error:
        raise MissingExtraError("scipy", "eval", "Spearman's correlation") from error
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)  # the result is NaN, which is said
        return float(spearmanr(one, other).statistic)


def _interval(
    one: NDArray[np.float64], other: NDArray[np.float64], seed: int
) -> tuple[float, float]:
    drawing = np.random.default_rng(seed)
    values = []
    for _ in range(RESAMPLES):
        rows = drawing.integers(0, len(one), len(one))
        values.append(_spearman(one[rows], other[rows]))
    if all(map(math.isnan, values)):  # all pairs have the same score
        return math.nan, math.nan
    low, high = np.nanquantile(values, (0.025, 0.975))
    return float(low), float(high)
