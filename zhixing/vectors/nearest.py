"""Which rows of one matrix are nearest to each row of another, by their dot product: the cosine where rows have length 1.

Exact: every row is compared with every other, a block at a time. Rows are dense, or sparse ones of scipy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]
CELLS = 2**22
"""Products that are looked at together; bounds the memory that this takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """A row and its product with the one that was asked for."""

    row: int
    score: float


def nearest(
    asked: Any, among: Any, *, count: int, above: float = -np.inf
) -> Iterator[Sequence[Near]]:
    """For each row of `asked` (queries, width) the `count` largest of `among` (rows, width); of equals the first come first.

    Rows whose product is not larger than `above` are left out.
    """
    step = max(1, CELLS // max(1, among.shape[0]))
    for first in range(0, asked.shape[0], step):
        products = asked[first : first + step] @ among.T
        dense = products.toarray() if hasattr(products, "toarray") else np.asarray(products)
        yield from (_largest(scores, count, above) for scores in dense)


def _largest(scores: Floats, count: int, above: float) -> list[Near]:
    count = min(count, len(scores))
    if count < 1:
        return []
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    places = np.flatnonzero((scores >= least) & (scores > above))
    order = np.lexsort((places, -scores[places]))[:count]
    return [Near(row=int(row), score=float(scores[row])) for row in places[order]]
