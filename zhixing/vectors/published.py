"""Vectors and test sets that package registries carry: fetched once, checked, opened by name.

Plain data, as the catalogue of texts is. The vectors become a folder in the cache, so that they open at once the
next time.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zhixing.core.files import cache_folder
from zhixing.core.progress import Progress
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import GENSIM, Entry, Origin
from zhixing.corpus.fetch import fetch
from zhixing.vectors import folder
from zhixing.vectors.blocks import Block, blocks_of, checked
from zhixing.vectors.formats import read_blocks
from zhixing.vectors.pickled import read_gensim
from zhixing.vectors.table import Vectors


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """Vectors in a package: `member` is the file inside it."""

    entry: Entry
    member: str


PUBLISHED = {
    "word2vec-en": Published(
        entry=Entry(
            name="word2vec-en",
            what="13,013 words of the English word2vec vectors of Google News, 300 numbers each",
            languages=("en",),
            license="MIT as packaged",
            megabytes=7.9,
            origins=(
                Origin(
                    kind="pip",
                    locator="wefe==1.0.1",
                    sha256="12654a91109cc2244e772bbdc881f692eec34488fe919fd918a929528f6faa00",
                ),
            ),
        ),
        member="*/data/test_model.kv",
    ),
    "synonyms-zh": Published(
        entry=Entry(
            name="synonyms-zh",
            what="125,796 Chinese words, word2vec, 100 numbers each",
            languages=("zh",),
            license="MIT as packaged",
            megabytes=54.5,
            origins=(
                Origin(
                    kind="pip",
                    locator="synonyms==3.10.2",
                    sha256="d42f4679adcac522bb6b23256a076aeea11c238eeac47d7fd731f49d7ecce094",
                    is_source=True,
                ),
            ),
        ),
        member="*/data/words.vector",
    ),
}
"""Vectors by the name that the commands take."""

TEST_SETS = Entry(
    name="word-tests",
    what="WordSim-353, SimLex-999 and the questions-words analogies, as gensim carries them",
    languages=("en",),
    license="LGPL-2.1 as packaged",
    megabytes=23.3,
    origins=(GENSIM,),
)
"""Where the test sets come from."""

TEST_FILES = {
    "wordsim353": "wordsim353.tsv",
    "simlex999": "simlex999.txt",
    "questions-words": "questions-words.txt",
}
"""File in the package of each test set."""


def open_published(name: str, *, progress: Progress) -> Vectors:
    """Fetch, convert and open the vectors called `name`; the second time they are in the cache."""
    published = PUBLISHED[name]
    place = cache_folder() / "vectors" / f"{name}-{published.entry.origins[0].sha256[:16]}"
    if not folder.is_vectors_folder(place):
        path, origin = fetch(published.entry, progress=progress)
        with tempfile.TemporaryDirectory() as scratch:
            _, content = next(Archive(path=path).members(published.member))
            file = Path(scratch, Path(published.member).name)
            file.write_bytes(content)
            folder.save(checked(_blocks(file), name), place, origin=str(origin))
    return folder.load(place)


def read_test_set(name: str, *, progress: Progress) -> str:
    """The text of one of TEST_FILES, fetched if it is not in the cache."""
    path, _ = fetch(TEST_SETS, progress=progress)
    _, content = next(Archive(path=path).members(f"*/test_data/{TEST_FILES[name]}"))
    return content.decode("utf-8")


def _blocks(file: Path) -> Iterator[Block]:
    return blocks_of(read_gensim(file)) if file.suffix == ".kv" else read_blocks(file)
