"""Files to documents: txt, md, html, jsonl, csv, tsv and parquet, each also as .gz or .zst.

Everything is read in pieces, so that neither a file nor a line needs to fit into memory. A text longer than the maximum
is cut at the last paragraph, line or sentence end before it; a line of a table that cannot be read becomes a record
with its reason and number. What is worth knowing about a file ends up in `Reading.notes`.
"""

import csv
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, MissingExtraError
from zhixing.corpus.config import CorpusConfig, SourceConfig
from zhixing.corpus.cut import cut, pieces
from zhixing.corpus.document import Document
from zhixing.corpus.encoding import TextFile
from zhixing.corpus.raw import inner_suffix
from zhixing.corpus.store import Dropped
from zhixing.corpus.tables import MAX_RECORD_CHARACTERS, parquet, separated

Raw = Document | Dropped
"""A document as read, or the record of a line that could not be read."""

_CHECK_AFTER = 100
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.S)


@dataclass(kw_only=True, slots=True)
class Reading:
    """One file being read: `name` is its identity in the corpus, `notes` what a person should know.

    `num_replaced` counts places where bytes were no text; `column_help` says what to do when the text column is missing.
    """

    path: Path
    name: str
    source: SourceConfig
    config: CorpusConfig
    notes: list[str] = field(default_factory=list)
    num_replaced: int = 0
    column_help: str = ""

    def document(self, part: str, text: str) -> Document:
        """A document of this file; `part` names it inside the file and is empty for the whole."""
        name = f"{self.name}{part}"
        return Document(id=name, text=text, source=self.source.name, meta={"file": self.name})

    def row(self, number: int, text: str, value: Mapping[str, Any]) -> Document:
        """The document of row `number`, with what the row says of itself."""
        document = self.document(f":{number}", text)
        named, language = value.get("id"), value.get("language")
        return replace(
            document,
            language=language if isinstance(language, str) else "",
            meta=document.meta if named is None else {**document.meta, "id": str(named)},
        )

    def broken(self, number: int, reason: str, detail: str) -> Dropped:
        """The record of line `number` that cannot be used."""
        return Dropped(
            id=f"{self.name}:{number}",
            source=self.source.name,
            reason=reason,
            score=0.0,
            threshold=0.0,
            bytes=0,
            start=detail,
        )


def read_file(reading: Reading) -> Iterator[Raw]:
    """Yield what is in one file; raises DataError when it cannot be used at all."""
    yield from _READERS[inner_suffix(reading.path)](reading)


def _read_text(reading: Reading) -> Iterator[Raw]:
    file = TextFile(path=reading.path)
    limit = reading.config.max_characters
    if reading.source.documents == "file":
        yield from _read_whole(reading, _without_front_matter(reading, file.pieces()), limit)
    elif reading.source.documents == "line":
        for number, line in _lines(file.pieces(), limit):
            if line.strip():
                yield reading.document(f":{number}", line)
    else:
        for number, block in _paragraphs(_lines(file.pieces(), limit), limit):
            yield reading.document(f":{number}", block)
    _note_damage(reading, file)


def _read_whole(reading: Reading, content: Iterator[str], limit: int) -> Iterator[Document]:
    """The file as one document, or as several when it is too long."""
    buffer = ""
    number = 0
    for piece in content:
        *parts, buffer = cut(buffer + piece, limit)
        for part in parts:
            number += 1
            yield reading.document(f"#{number}", part)
    if number == 0:
        yield reading.document("", buffer)
        return
    if buffer.strip():
        number += 1
        yield reading.document(f"#{number}", buffer)
    reading.notes.append(
        f"{reading.name} was cut into {number} documents of at most {limit} characters"
    )


def _without_front_matter(reading: Reading, content: Iterator[str]) -> Iterator[str]:
    """A Markdown file's head of settings is not text."""
    first = next(content, "")
    is_markdown = inner_suffix(reading.path) in (".md", ".markdown")
    yield _FRONT_MATTER.sub("", first) if is_markdown else first
    yield from content


def _lines(content: Iterator[str], limit: int) -> Iterator[tuple[int, str]]:
    """Numbered lines; one longer than `limit` comes in parts under the same number."""
    number, begun, size = 1, [""], 0
    for piece in content:
        *complete, rest = piece.split("\n")
        for line in complete:
            begun.append(line)
            whole = "".join(begun).removesuffix("\r")
            parts = [whole] if len(whole) <= limit else pieces(whole, limit)
            yield from ((number, part) for part in parts)
            number, begun, size = number + 1, [], 0
        begun.append(rest)
        size += len(rest)
        if size > limit:
            *parts, rest = cut("".join(begun), limit)
            yield from ((number, part) for part in parts)
            begun, size = [rest], len(rest)
    if size:
        yield number, "".join(begun)


def _paragraphs(lines: Iterator[tuple[int, str]], limit: int) -> Iterator[tuple[int, str]]:
    """Blocks of lines without an empty one between, under the number of their first line."""
    block: list[str] = []
    begin, size = 1, 0
    for number, line in lines:
        if block and (not line.strip() or size + len(line) > limit):
            yield begin, "\n".join(block)
            block, size = [], 0
        if line.strip():
            begin = number if not block else begin
            block.append(line)
            size += len(line) + 1
    if block:
        yield begin, "\n".join(block)


def _read_html(reading: Reading) -> Iterator[Raw]:
    try:
        import trafilatura
    except ImportError as error:
        raise MissingExtraError("trafilatura", "data", "reading the text of HTML pages") from error
    file = TextFile(path=reading.path)
    page = ""
    for piece in file.pieces():
        page += piece
        if len(page) > MAX_RECORD_CHARACTERS:
            yield reading.broken(
                1, "page_too_long", f"more than {MAX_RECORD_CHARACTERS} characters"
            )
            return
    text = trafilatura.extract(page, include_comments=False, include_tables=True) or ""
    if text.strip():
        yield reading.document("", text)
    else:
        yield reading.broken(1, "no_main_text", "the page has no main text")
    _note_damage(reading, file)


def _read_jsonl(reading: Reading) -> Iterator[Raw]:
    file = TextFile(path=reading.path)
    counted = _Counted(reading)
    skipped = 0
    for number, line in _lines(file.pieces(), 2 * MAX_RECORD_CHARACTERS):
        if number == skipped or not line.strip():
            continue
        if len(line) > MAX_RECORD_CHARACTERS:
            skipped = number
            detail = f"longer than {MAX_RECORD_CHARACTERS} characters"
            yield counted.broken(number, "line_too_long", detail)
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield counted.broken(number, "broken_line", str(error))
            continue
        if not isinstance(value, dict):
            yield counted.broken(number, "broken_line", "not a JSON object")
            continue
        yield counted.record(number, value)
    counted.check()
    _note_damage(reading, file)


class _Counted:
    """Good and broken records of one file, and the rule that too many broken ones refuse it."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._first = ""
        self.num_good = self.num_broken = 0

    def record(self, number: int, value: Mapping[str, Any]) -> Raw:
        """The document of one record; the first one decides whether the text column exists."""
        column = self._reading.source.text
        text = value.get(column)
        if isinstance(text, str):
            self.num_good += 1
            return self._reading.row(number, text, value)
        if column not in value and self.num_good == 0:
            raise _missing_column(self._reading, value)
        return self.broken(number, "no_text", f"{column} is {type(text).__name__}")

    def broken(self, number: int, reason: str, detail: str) -> Dropped:
        """Count and describe a record that cannot be read."""
        self.num_broken += 1
        self._first = self._first or f"line {number}: {detail}"
        if self.num_broken == _CHECK_AFTER:
            self.check()
        return self._reading.broken(number, reason, detail)

    def check(self) -> None:
        """Raise DataError when too much of the file is broken."""
        total = self.num_good + self.num_broken
        limit = self._reading.config.max_broken_ratio
        if total and self.num_broken / total > limit:
            raise DataError(
                f"{self._reading.path}: {self.num_broken} of {total} lines cannot be read, more than "
                f"max_broken_ratio = {limit}; the first is {self._first}"
            )


def _missing_column(reading: Reading, first: Mapping[str, Any]) -> DataError:
    """What to type when the text has another name; `first` is the first record."""
    texts = {name: value for name, value in first.items() if isinstance(value, str)}
    names = ", ".join(map(repr, first)) or "none"
    told = f"{reading.path} has no column or key {reading.source.text!r}; it has {names}"
    if reading.column_help:
        return DataError(f"{told}; {reading.column_help}")
    if not texts:
        return DataError(f"{told}; none of them holds text")
    column = max(texts, key=lambda name: len(texts[name]))
    return DataError(
        f"{told}; name the one that holds the text, {column!r} it seems: text = {json.dumps(column, ensure_ascii=False)} "
        f"in source {reading.source.name!r} of the recipe, or on the command line "
        f"--set {shlex.quote(_sources_with(reading, column))}"
    )


def _sources_with(reading: Reading, column: str) -> str:
    """The sources of the recipe as an override, the one that is read with its text in `column`."""
    tables = []
    for source in reading.config.sources:
        table = source.model_dump(mode="json", exclude_defaults=True)
        if source.name == reading.source.name:
            table["text"] = column
        pairs = (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items())
        tables.append(f"{{ {', '.join(pairs)} }}")
    return f"corpus.sources=[{', '.join(tables)}]"


def _read_table(reading: Reading) -> Iterator[Raw]:
    file = TextFile(path=reading.path)
    rows = separated(reading.path, _newlines_kept(file.pieces()))
    counted = _Counted(reading)
    try:
        names: list[str] = next(rows, [])
        if reading.source.text not in names:
            first: list[str] = next(rows, [])
            raise _missing_column(
                reading, dict(zip_longest(names, first[: len(names)], fillvalue=""))
            )
        for row in rows:
            if len(row) == len(names):
                yield counted.record(rows.line_num, dict(zip(names, row, strict=True)))
            elif row:
                detail = f"{len(row)} columns instead of {len(names)}"
                yield counted.broken(rows.line_num, "broken_line", detail)
    except csv.Error as error:
        raise DataError(f"{reading.path}:{rows.line_num} cannot be read: {error}") from error
    counted.check()
    _note_damage(reading, file)


def _newlines_kept(content: Iterator[str]) -> Iterator[str]:
    for _, line in _lines(content, MAX_RECORD_CHARACTERS):
        yield line + "\n"


def _read_parquet(reading: Reading) -> Iterator[Raw]:
    column = reading.source.text
    counted = _Counted(reading)
    with parquet(reading.path) as file:
        if column not in file.schema_arrow.names:
            rows = next(file.iter_batches(batch_size=1), None)
            first = rows.to_pylist()[0] if rows else dict.fromkeys(file.schema_arrow.names)
            raise _missing_column(reading, first)
        number = 0
        for batch in file.iter_batches(batch_size=256, columns=[column]):
            for text in batch.column(0).to_pylist():
                number += 1
                yield counted.record(number, {column: text})
    counted.check()


def _note_damage(reading: Reading, file: TextFile) -> None:
    reading.num_replaced += file.num_replaced
    if file.num_replaced:
        reading.notes.append(
            f"{reading.name}: {file.num_replaced} places that are not {file.encoding} became U+FFFD"
        )


_READERS: Mapping[str, Callable[[Reading], Iterator[Raw]]] = {
    ".txt": _read_text,
    ".text": _read_text,
    ".md": _read_text,
    ".markdown": _read_text,
    ".html": _read_html,
    ".htm": _read_html,
    ".jsonl": _read_jsonl,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".parquet": _read_parquet,
}

SUFFIXES = tuple(_READERS)
"""Endings of the files that can be read, each also followed by .gz or .zst."""
