"""From the `[[corpus.sources]]` of a recipe to streams of raw documents, with where each came from."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from zhixing.core.files import sha256_file
from zhixing.core.progress import Progress
from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import Entry, Origin, find
from zhixing.corpus.config import HUB, CorpusConfig, SourceConfig
from zhixing.corpus.fetch import fetch, fetch_address
from zhixing.corpus.files import Found, find_files
from zhixing.corpus.readers import Raw, Reading, read_file
from zhixing.corpus.sources import READERS, python_docs
from zhixing.corpus.store import Dropped


@dataclass(frozen=True, kw_only=True, slots=True)
class Input:
    """One source, ready to be read; `sha256` changes when anything it would yield could change.

    `notes` grows while the source is read.
    """

    name: str
    origin: str
    license: str
    languages: tuple[str, ...]
    sha256: str
    read: Callable[[], Iterator[Raw]]
    notes: list[str] = field(default_factory=list)


def open_source(source: SourceConfig, config: CorpusConfig, *, progress: Progress) -> Input:
    """Find and, if need be, fetch one source.

    Raises UnreachableError when it cannot be fetched, DataError when there is nothing to read.
    """
    if source.is_address:
        opened = _address(source, config, progress)
    elif source.path:
        opened = _local(source, config, find_files(source.path), "local")
    elif source.name == "python-docs":
        opened = _python(find(source.name))
    else:
        opened = _package(find(source.name), progress)
    return replace(opened, read=_named(opened, source))


def _python(entry: Entry) -> Input:
    digest = hashlib.sha256(sys.version.encode())
    for path in python_docs.files():
        digest.update(path.read_bytes())
    return Input(
        name=entry.name,
        origin=f"local: Python {sys.version.split()[0]} and its packages",
        license=entry.license,
        languages=entry.languages,
        sha256=digest.hexdigest(),
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
        read=lambda: READERS[entry.name](Archive(path=path)),
    )


def _address(source: SourceConfig, config: CorpusConfig, progress: Progress) -> Input:
    is_hub = source.path.startswith(HUB)
    locator = source.path.removeprefix(HUB)
    origin = Origin(kind="hub" if is_hub else "url", locator=locator, sha256=source.sha256)
    path = fetch_address(origin, progress=progress)
    opened = _local(source, config, find_files(str(path)), str(origin))
    if not source.sha256:
        opened.notes.append(f"{source.name}: {origin} was not checked against a sha256")
    return opened


def _local(source: SourceConfig, config: CorpusConfig, found: Found, origin: str) -> Input:
    notes = list(found.notes)

    def read() -> Iterator[Raw]:
        for name, path in found.files:
            reading = Reading(path=Path(path), name=name, source=source, config=config)
            yield from read_file(reading)
            notes.extend(reading.notes)

    return Input(
        name=source.name,
        origin=origin,
        license=source.license,
        languages=(source.language,) if source.language else (),
        sha256=found.sha256(),
        read=read,
        notes=notes,
    )


def _named(opened: Input, source: SourceConfig) -> Callable[[], Iterator[Raw]]:
    """Give every document the name, licence and language of its source."""

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
