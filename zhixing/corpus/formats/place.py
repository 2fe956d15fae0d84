"""Where in a file something is wrong: file, line and column, counted from 1."""

from collections.abc import Iterator
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.corpus.table_rows import lines


def numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Every line with its number, without its end."""
    for number, line in enumerate(lines(path), start=1):
        yield number, line.rstrip("\r\n")


def wrong(path: Path, line: int, column: int | str, problem: str) -> DataError:
    """The error to raise; `column` is a number or a name."""
    return DataError(f"{path}:{line}, column {column}: {problem}")
