"""One way to open word vectors, whatever they are kept in: a folder of ours, a file of others, a published name."""

import difflib
import logging
from collections.abc import Iterator
from pathlib import Path

from zhixing.core.errors import DataError, UsageError
from zhixing.core.progress import Progress, Silent
from zhixing.vectors import folder
from zhixing.vectors.blocks import Block, blocks_of, checked, gather
from zhixing.vectors.formats import read_blocks
from zhixing.vectors.pickled import read_gensim
from zhixing.vectors.published import PUBLISHED, open_published
from zhixing.vectors.table import Vectors

_log = logging.getLogger(__name__)


def open_vectors(
    source: str | Path, *, limit: int | None = None, progress: Progress | None = None
) -> Vectors:
    """Open a folder, a word2vec, GloVe, fastText (.vec) or gensim (.kv) file, or a name of PUBLISHED.

    `limit`: only the first words, which in most files are the most frequent. Raises DataError for what is none of them.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit = {limit}: a number of words, at least 1")
    path = Path(source).expanduser()
    if path.is_dir():
        return _cut(folder.load(path), limit)
    if not path.exists() and str(source) in PUBLISHED:
        return _cut(open_published(str(source), progress=progress or Silent()), limit)
    _check_file(path)
    if path.suffix == ".kv":
        _log.warning(
            "%s is a pickle, a format that can run code; only arrays and gensim's tables are taken from it. "
            "Keep a safe copy: zhixing vectors convert %s --out FOLDER",
            path,
            path,
        )
        return _cut(read_gensim(path), limit)
    return gather(_first(read_blocks(path), limit), str(path))


def convert_to_folder(source: str | Path, out: Path, *, progress: Progress) -> folder.Saved:
    """Copy vectors into a folder of ours; a text or binary file goes through in little memory."""
    path = Path(source).expanduser()
    if path.is_file() and path.suffix != ".kv":
        blocks, origin = read_blocks(path), path.name
    else:
        vectors = open_vectors(source, progress=progress)
        blocks, origin = blocks_of(vectors), _origin(path, str(source))
    return folder.save(checked(blocks, str(source)), out, origin=origin)


def _origin(path: Path, source: str) -> str:
    return str(folder.read_manifest(path)["origin"]) if path.is_dir() else Path(source).name


def _check_file(path: Path) -> None:
    if path.is_file():
        return
    close = difflib.get_close_matches(str(path), PUBLISHED, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}? " if close else ""
    raise DataError(
        f"there are no vectors {path}; {hint}give a folder or a file of vectors, or one of the names "
        f"{', '.join(PUBLISHED)}"
    )


def _cut(vectors: Vectors, limit: int | None) -> Vectors:
    if limit is None or limit >= len(vectors):
        return vectors
    return Vectors(vectors.words[:limit], vectors.matrix[:limit], name=vectors.name)


def _first(blocks: Iterator[Block], limit: int | None) -> Iterator[Block]:
    """The blocks up to `limit` words; the rest of the file is not read."""
    if limit is None:
        yield from blocks
        return
    left = limit
    for block in blocks:
        yield Block(words=block.words[:left], rows=block.rows[:left])
        left -= len(block.words)
        if left <= 0:
            return
