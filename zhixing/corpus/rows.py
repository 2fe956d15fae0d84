"""The rows of a user's examples: tables with keys of their own, or a file of a published format, told by its content.

    reviews.jsonl, runs/reviews, "*.csv"     tables: one mapping per row, as it stands (table_rows.py)
    eng.train, dev-v1.1.json, train.tsv      CoNLL, SQuAD, GLUE: the keys that objectives read (formats/)

A format that the content does not show is named once, in `zhixing data convert`, which writes a table.
"""

from collections.abc import Iterator
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.corpus.files import Found, find_files
from zhixing.corpus.formats.published import find_format, placed_stream
from zhixing.corpus.formats.row_formats import ROW_FORMATS
from zhixing.corpus.raw import inner_suffix
from zhixing.corpus.table_rows import TABLES, BrokenRow, PlacedRow, Row, lines, without_places


def find_tables(place: str) -> Found:
    """The files that `place` (a file, a folder or a glob) means. Raises DataError when one of them holds no examples."""
    path = Path(place).expanduser()
    if path.is_file() and inner_suffix(path) not in TABLES:
        _require_format(path)
        return Found(files=[(path.name, path)], notes=())
    found = find_files(place)
    for _, path in found.files:
        if inner_suffix(path) not in TABLES:
            raise DataError(
                f"{path} is not a table of examples; in a folder or a glob these are allowed: {', '.join(TABLES)}, each "
                "also with .gz or .zst"
            )
    return found


def rows(found: Found) -> Iterator[Row | BrokenRow]:
    """Every row of every file, in order."""
    return without_places(placed_rows(found))


def placed_rows(found: Found) -> Iterator[PlacedRow]:
    """The same, each with the place where it stands."""
    for _, path in found.files:
        if kind := _published(path):
            yield from placed_stream(path, kind)
        else:
            yield from TABLES[inner_suffix(path)](path)


def _published(path: Path) -> str:
    """The published format of a file that is not read as it stands; empty for a table.

    A tsv file has one too, where its columns are GLUE's or CoNLL's: these know no quotes.
    """
    if inner_suffix(path) not in TABLES:
        return _require_format(path)
    kind = find_format(path) if inner_suffix(path) == ".tsv" else None
    return "" if kind is None or kind in ROW_FORMATS else kind


def _require_format(path: Path) -> str:
    kind = find_format(path)
    if kind is None:
        if next(lines(path), "").lstrip().startswith("["):
            raise DataError(
                f"{path} is one JSON list in no published format; write each row on a line of its own, in a .jsonl file"
            )
        raise DataError(
            f"{path} is neither a table of examples ({', '.join(TABLES)}) nor in a published format that its content "
            f"shows; to name the format, type: zhixing data convert {path} --out {path}.jsonl --format NAME"
        )
    return kind
