"""Text that a command is given directly: a built corpus, or files in any format that a corpus is built from.

    folder with card.json     the documents of one split
    other folders, globs      all readable files below, in order
    a file                    txt, md, html: the file; jsonl, csv, tsv, parquet: a document per row, in column "text"

A row may name its own "id" and "language". Nothing is cleaned, and nothing is passed over in silence: a line that cannot
be read, or bytes that are no text, end the work with the name of the place.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.config import CorpusConfig, SourceConfig
from zhixing.corpus.document import Document
from zhixing.corpus.files import find_files
from zhixing.corpus.readers import Reading, read_file
from zhixing.corpus.store import Dropped, read_documents
from zhixing.text.language import detect

MAX_CHARACTERS = 1_000_000
"""A longer text comes in parts, so that memory stays flat whatever its size."""
_COLUMN_HELP = 'rename one of them to "text", or build a corpus with a recipe that names the column: zhixing data build RECIPE'


def read_texts(
    place: Path, *, split: str | None, usual_split: str, max_characters: int = MAX_CHARACTERS
) -> Iterator[Document]:
    """Yield the documents of `place` one by one; `split` is for a built corpus only (None: the usual one).

    Raises DataError for what cannot be found or read, UsageError for a split of something that has none.
    """
    if is_corpus(place):
        yield from read_documents(place, split or usual_split)
        return
    if split is not None:
        raise UsageError(
            f"--split {split}: {place} is not a built corpus, so it has no splits; leave --split out"
        )
    source = SourceConfig(name="text", path=str(place))
    config = CorpusConfig(sources=(source,), max_characters=max_characters)
    for name, path in find_files(str(place)).files:
        reading = Reading(
            path=path, name=name, source=source, config=config, column_help=_COLUMN_HELP
        )
        yield from _strictly(reading)


def is_corpus(place: Path) -> bool:
    """Whether `place` is a folder made by `zhixing data build`."""
    return (place / "card.json").is_file()


def with_languages(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents, with the language of those that name none detected."""
    for document in documents:
        if document.language:
            yield document
        else:
            yield replace(document, language=detect(document.text).tag)


def _strictly(reading: Reading) -> Iterator[Document]:
    for raw in read_file(reading):
        if isinstance(raw, Dropped):
            raise DataError(
                f"{reading.path}:{raw.id.rpartition(':')[2]} cannot be read: {raw.start or raw.reason} "
                "(zhixing data build leaves such lines out and says so)"
            )
        if raw.text.strip():
            yield replace(raw, id=raw.meta.get("id") or raw.id)
    if reading.num_replaced:
        raise DataError(
            f"{reading.path} has {reading.num_replaced} places that are not text in its encoding; "
            "mend it, or let zhixing data build replace them"
        )
