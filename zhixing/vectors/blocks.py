"""The readers' common currency: some words and their rows, in the order of a file, so that no file must fit in memory."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from zhixing.core.errors import DataError
from zhixing.vectors.table import Floats, Vectors

BLOCK_ROWS = 4096

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Some consecutive words of a file and their vectors (words, width)."""

    words: list[str]
    rows: Floats


def checked(blocks: Iterable[Block], name: str) -> Iterator[Block]:
    """The same blocks with every word once: of a repeated word the first vector counts. Numbers must be finite."""
    seen: set[str] = set()
    repeated = 0
    for block in blocks:
        if not np.isfinite(block.rows).all():
            bad = int(np.flatnonzero(~np.isfinite(block.rows).all(axis=1))[0])
            raise DataError(f"{name}: the vector of {block.words[bad]!r} holds NaN or infinity")
        fresh = []
        for index, word in enumerate(block.words):
            if word not in seen:
                seen.add(word)
                fresh.append(index)
        repeated += len(block.words) - len(fresh)
        if len(fresh) == len(block.words):
            yield block
        elif fresh:
            yield Block(words=[block.words[index] for index in fresh], rows=block.rows[fresh])
    if not seen:
        raise DataError(f"{name} holds no vectors")
    if repeated:
        _log.warning("%s: %d words occur again; their first vectors are used", name, repeated)


def gather(blocks: Iterable[Block], name: str) -> Vectors:
    """All blocks in memory."""
    words: list[str] = []
    parts: list[Floats] = []
    for block in checked(blocks, name):
        words += block.words
        parts.append(block.rows)
    return Vectors(words, np.concatenate(parts), name=name)


def blocks_of(vectors: Vectors) -> Iterator[Block]:
    """Opened vectors as blocks again."""
    for at in range(0, len(vectors), BLOCK_ROWS):
        rows = slice(at, at + BLOCK_ROWS)
        yield Block(words=list(vectors.words[rows]), rows=vectors.matrix[rows])
