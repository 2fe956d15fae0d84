"""Documents packed into rows of equal length."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row of `time` places: tokens, the token after each (-100: no loss), positions, document numbers."""

    tokens: NDArray[np.int64]
    targets: NDArray[np.int64]
    positions: NDArray[np.int64]
    documents: NDArray[np.int64]
