"""Rows of tables: jsonl, csv, tsv and parquet files (also .gz, .zst) as one mapping per row, with every column.

Documents need one column of text (readers.py); examples of a task need several, and lists among them. In csv and tsv a
list is written as JSON: ["B-PER", "O"]. A line that cannot be read comes out as the reason why. Which files a place
means, tables or a published format, is rows.py.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError
from zhixing.corpus.encoding import TextFile
from zhixing.corpus.tables import MAX_RECORD_CHARACTERS, parquet, separated

BrokenRow = str
"""Why a line is no row."""
Row = Mapping[str, Any]


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


def _read_jsonl(path: Path) -> Iterator[Row | BrokenRow]:
    for line in lines(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            yield "broken_line"
            continue
        if not isinstance(value, dict):
            yield "broken_line"
        else:
            yield "half_a_character" if _has_lone_surrogate(line) else value


def _has_lone_surrogate(line: str) -> bool:
    r"""Whether JSON writes half of a character beyond U+FFFF, as in "\ud83d" without what follows it: no encoding has it."""
    escaped = re.findall(r"\\\\|\\u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|\\u[dD][89a-fA-F]\w\w", line)
    return any(len(each) == len(r"\ud83d") for each in escaped)


def _read_table(path: Path) -> Iterator[Row | BrokenRow]:
    reader = separated(path, lines(path))
    try:
        names: list[str] = next(reader, [])
        for values in reader:
            if len(values) == len(names):
                yield {
                    name: _list_or_text(value) for name, value in zip(names, values, strict=True)
                }
            elif values:
                yield "broken_line"
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num} cannot be read: {error}") from error


def _list_or_text(value: str) -> Any:
    if not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _read_parquet(path: Path) -> Iterator[Row | BrokenRow]:
    with parquet(path) as file:
        for batch in file.iter_batches(batch_size=256):
            yield from batch.to_pylist()


TABLES: Mapping[str, Callable[[Path], Iterator[Row | BrokenRow]]] = {
    ".jsonl": _read_jsonl,
    ".csv": _read_table,
    ".tsv": _read_table,
    ".parquet": _read_parquet,
}
"""Ending -> what reads a table of it."""
