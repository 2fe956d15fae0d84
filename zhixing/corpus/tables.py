"""Opening csv, tsv and parquet files, for documents (readers.py) and for rows with every column (rows.py)."""

import csv
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, MissingExtraError
from zhixing.corpus.raw import PACKED, inner_suffix, pieces_of_file

MAX_RECORD_CHARACTERS = 1 << 23
"""A line of a jsonl, csv or tsv file and an HTML page may have so many characters."""


def separated(path: Path, lines: Iterable[str]) -> Any:
    """A csv reader over `lines`, which end in a newline; the name of `path` says what separates the fields."""
    csv.field_size_limit(
        MAX_RECORD_CHARACTERS
    )  # one setting for all readers; Python's own is 128 KiB
    separator = "\t" if inner_suffix(path) == ".tsv" else ","
    return csv.reader(lines, delimiter=separator, strict=True)


@contextmanager
def parquet(path: Path) -> Iterator[Any]:
    """An open pyarrow ParquetFile. Raises DataError, also while it is read, when it is broken."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "data", f"reading {path}") from error
    with tempfile.NamedTemporaryFile(suffix=".parquet") as unpacked:
        readable = path
        if path.suffix.lower() in PACKED:  # the format is read by position, so it is unpacked first
            for piece in pieces_of_file(path):
                unpacked.write(piece)
            unpacked.flush()
            readable = Path(unpacked.name)
        try:
            with pyarrow.parquet.ParquetFile(readable) as file:
                yield file
        except (pyarrow.ArrowException, OSError) as error:
            raise DataError(f"{path} is broken or no parquet file: {error}") from error
