"""Rows of tables: jsonl, csv, tsv and parquet files (also .gz, .zst) as one mapping per row, with every column.

Documents need one column of text (readers.py); examples of a task need several, and lists among them. In csv and tsv a
list is written as JSON: ["B-PER", "O"]. A line that cannot be read comes out as the reason why. Which files a place
means, tables or a published format, is rows.py.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError
from zhixing.corpus.encoding import TextFile
from zhixing.corpus.tables import MAX_RECORD_CHARACTERS, parquet, separated

_CARRIAGE_RETURNS = "its lines end with a carriage return alone; save it with line feeds"
BrokenRow = str
"""Why a line is no row."""
Row = Mapping[str, Any]
PlacedRow = tuple[str, Row | BrokenRow]
"""Where a row stands, such as reviews.jsonl:41, and the row."""


def lines(path: Path) -> Iterator[str]:
    """Lines of a text file with their end. Raises DataError for one that is too long, or that has bytes that are no text."""
    buffer = ""
    for piece in TextFile(path=path).sound_pieces():
        buffer += piece
        *complete, buffer = buffer.split("\n")
        yield from (f"{line}\n" for line in complete)
        if len(buffer) > MAX_RECORD_CHARACTERS:
            raise DataError(f"{path} has a line of more than {MAX_RECORD_CHARACTERS} characters")
    if buffer:
        yield buffer


def without_places(placed: Iterable[PlacedRow]) -> Iterator[Row | BrokenRow]:
    """The rows alone."""
    return (row for _, row in placed)


def _read_jsonl(path: Path) -> Iterator[PlacedRow]:
    for number, line in enumerate(lines(path), start=1):
        if line.strip():
            yield f"{path}:{number}", _row_of(line)


def _row_of(line: str) -> Row | BrokenRow:
    """What a line of a jsonl file holds."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return "broken_line"
    if not isinstance(value, dict):
        return "broken_line"
    return "half_a_character" if _has_lone_surrogate(line) else value


def _has_lone_surrogate(line: str) -> bool:
    r"""Whether JSON writes half of a character beyond U+FFFF, as in "\ud83d" without what follows it: no encoding has it."""
    escaped = re.findall(r"\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\u[dD][89a-fA-F]\w\w", line)
    return any(len(each) == len(r"\ud83d") for each in escaped)


def _read_table(path: Path) -> Iterator[PlacedRow]:
    """The place of a row of several lines is its first line."""
    reader = separated(path, lines(path))
    try:
        names: list[str] = next(reader, [])
        _check_different(names, path)
        before = reader.line_num
        for values in reader:
            where, before = f"{path}:{before + 1}", reader.line_num
            if len(values) == len(names):
                yield where, dict(zip(names, map(_list_or_text, values), strict=True))
            elif values:
                yield where, "broken_line"
    except csv.Error as error:
        told = _CARRIAGE_RETURNS if "new-line" in str(error) else error
        raise DataError(f"{path}:{reader.line_num} cannot be read: {told}") from error


def _check_different(names: list[str], path: Path) -> None:
    """Raise DataError where two columns have one name: only one of them could be read. Columns without a name are not read."""
    twice = sorted(name for name, count in Counter(names).items() if name and count > 1)
    if twice:
        raise DataError(f"{path}:1: two columns are called {twice[0]!r}; rename one of them")


def _list_or_text(value: str) -> Any:
    if not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _read_parquet(path: Path) -> Iterator[PlacedRow]:
    with parquet(path) as file:
        batches = (batch.to_pylist() for batch in file.iter_batches(batch_size=256))
        yield from numbered_rows(path, chain.from_iterable(batches))


def numbered_rows(path: Path, found: Iterable[Row | BrokenRow]) -> Iterator[PlacedRow]:
    """The rows of a file whose lines say nothing: their places are their numbers, from 1."""
    return ((f"{path}: row {number}", row) for number, row in enumerate(found, start=1))


TABLES: Mapping[str, Callable[[Path], Iterator[PlacedRow]]] = {
    ".jsonl": _read_jsonl,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".parquet": _read_parquet,
}
"""Ending -> what reads a table of it."""
