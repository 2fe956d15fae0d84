"""The text to score: a built corpus, or files of a user.

    folder with card.json     the documents of one split
    .jsonl                    one document per line: {"text": …} and, if known, "id" and "language"
    .txt .md                  one document per file; other folders: all such files below it, in order

The language of a document that names none is detected. Left out: cleaning. A model is scored on text as it is;
to clean it first, build a corpus from it.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import decode_utf8, read_bytes
from zhixing.corpus.document import Document

PLAIN = (".txt", ".md")
SUFFIXES = (*PLAIN, ".jsonl")


def read_texts(path: Path, split: str | None) -> Iterator[Document]:
    """Yield the documents of `path` one by one; `split` is for a built corpus only (None: test).

    Raises UsageError for a path that does not exist or is of another kind, DataError for a broken file.
    """
    for document in _documents(path, split):
        if document.language:
            yield document
        else:
            yield replace(document, language=_detect(document.text))


def is_corpus(path: Path) -> bool:
    """Whether `path` is a folder made by `zhixing data build`."""
    return (path / "card.json").is_file()


def _documents(path: Path, split: str | None) -> Iterator[Document]:
    if not path.exists():
        raise UsageError(
            f"--data {path}: there is no such file or folder; give a corpus folder (zhixing data build), or "
            f"text in {', '.join(SUFFIXES)}"
        )
    if path.is_dir() and is_corpus(path):
        from zhixing.corpus.store import read_documents

        yield from read_documents(path, split or "test")
        return
    if split is not None:
        raise UsageError(
            f"--split {split}: {path} is not a built corpus, so it has no splits; leave --split out"
        )
    files = [path] if path.is_file() else _files_below(path)
    for file in files:
        yield from _lines(file) if file.suffix == ".jsonl" else _whole(file)


def _files_below(folder: Path) -> list[Path]:
    files = sorted(f for f in folder.rglob("*") if f.suffix in SUFFIXES and f.is_file())
    if not files:
        raise UsageError(
            f"--data {folder}: no corpus (card.json) and no text ({', '.join(SUFFIXES)}) in this folder"
        )
    return files


def _whole(file: Path) -> Iterator[Document]:
    if file.suffix not in PLAIN:
        raise UsageError(
            f"--data {file}: {file.suffix or 'a file without a suffix'} is not read here, only "
            f"{', '.join(SUFFIXES)}; build a corpus from it (zhixing data build) and give that folder"
        )
    text = decode_utf8(read_bytes(file), str(file))
    if "\x00" in text:
        raise DataError(f"{file} is a binary file, not text (it contains zero bytes)")
    if text.strip():
        yield Document(id=str(file), text=text, source=file.name)


def _lines(file: Path) -> Iterator[Document]:
    try:
        opened = file.open("rb")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    with opened as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _document(_value(line, file, number), file, number)


def _value(line: bytes, file: Path, number: int) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise DataError(f"{file}:{number} is not a JSON object in UTF-8: {error}") from error


def _document(value: Any, file: Path, number: int) -> Document:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise DataError(f'{file}:{number} has no text; every line must look like {{"text": "…"}}')
    named = value.get("id")
    return Document(
        id=f"{file.name}:{number}" if named is None else str(named),
        text=value["text"],
        source=file.name,
        language=str(value.get("language") or ""),
    )


def _detect(text: str) -> str:
    from zhixing.text.language import detect

    return detect(text).tag
