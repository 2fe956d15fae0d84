"""Tokenised documents in one memory-mapped file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenShard:
    """Token ids of many documents, end to end.

    `ids` is memory-mapped (uint16 or uint32); `ends[i]` (int64) is where document i stops, so document i is
    `ids[ends[i-1]:ends[i]]`. Every document carries its begin and end tokens.
    """

    path: Path
    ids: NDArray[np.unsignedinteger]
    ends: NDArray[np.int64]
    tokenizer_hash: str
    source_hash: str
