"""Which published format is this file in, and what are its rows?

The content decides, not the name: JSON by its keys, tables by their header, columns by their marks. What cannot be told is
refused with the list of formats to choose from. Two files of one set (WMT's) are named together.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.encoding import TextFile
from zhixing.corpus.formats.conll import (
    columns_of,
    is_conll2005,
    read_conll2003,
    read_conll2005,
    read_conll2012,
    read_conllu,
)
from zhixing.corpus.formats.glue import TASKS, detect_glue, read_glue
from zhixing.corpus.formats.movielens import ITEMS, RATINGS, detect_movielens, read_ratings
from zhixing.corpus.formats.parallel import read_plain, read_sgm
from zhixing.corpus.formats.row_formats import ROW_FORMATS, detect_row_format, read_row_format
from zhixing.corpus.formats.squad import is_squad, read_json_file, read_squad
from zhixing.corpus.raw import inner_suffix
from zhixing.corpus.table_rows import (
    TABLES,
    BrokenRow,
    PlacedRow,
    Row,
    numbered_rows,
    without_places,
)

Rows = Iterator[Row | BrokenRow]
_SAMPLE_LINES = 400


def formats() -> tuple[str, ...]:
    """Names of the formats of one file."""
    return tuple(_READERS)


def find_format(path: Path) -> str | None:
    """The name of a file's format; None when its content shows none."""
    if inner_suffix(path) in (".parquet", ".csv"):
        return _of_rows(_table(path))
    lines = _first_lines(path)
    opening = next((line.lstrip("\ufeff \t") for line in lines if line.strip()), "")
    return _of_json(path) if opening.startswith(("{", "[")) else _of_lines(path, lines)


def detect_format(path: Path) -> str:
    """The name of a file's format. Raises DataError when the content shows none."""
    found = find_format(path)
    if found is None:
        raise DataError(
            f"{path} is in no format that is known by its content; name one of: {', '.join(_READERS)}; WMT's files "
            "come in pairs: give both"
        )
    return found


def stream(path: Path, kind: str = "") -> Rows:
    """The rows of a file one by one, a reason where a row cannot be used; `kind` names the format when it is known."""
    name = kind or detect_format(path)
    if name not in _READERS:
        raise UsageError(f"there is no format {name!r}; there are: {', '.join(_READERS)}")
    return _READERS[name](path)


def placed_stream(path: Path, kind: str = "") -> Iterator[PlacedRow]:
    """The same, each with the place where it stands: a line where every row has one, else the number of the row."""
    name = kind or detect_format(path)
    if name not in ROW_FORMATS or inner_suffix(path) not in TABLES:
        yield from numbered_rows(path, stream(path, name))
        return
    for where, row in TABLES[inner_suffix(path)](path):
        (made,) = read_row_format([row], name)
        yield where, made


def stream_pair(source: Path, target: Path) -> tuple[str, Rows]:
    """The name of the format of two files, and their rows one by one."""
    is_sgm = [_is_sgm(path) for path in (source, target)]
    if is_sgm[0] != is_sgm[1]:
        sgm, plain = (source, target) if is_sgm[0] else (target, source)
        raise DataError(f"{sgm} is SGM and {plain} is not; both must be of one kind")
    if is_sgm[0]:
        return "wmt-sgm", read_sgm(source, target)
    return "wmt-plain", read_plain(source, target)


def _first_lines(path: Path) -> list[str]:
    text = ""
    for piece in TextFile(path=path).pieces():
        text += piece
        if text.count("\n") >= _SAMPLE_LINES:
            break
    return text.split("\n")[:_SAMPLE_LINES]


def _is_sgm(path: Path) -> bool:
    return "".join(_first_lines(path)).lstrip("\ufeff \t\r").startswith("<")


def _of_json(path: Path) -> str | None:
    """SQuAD, one list of rows, or a row a line."""
    if inner_suffix(path) == ".jsonl":
        return _of_rows(_table(path))
    try:
        value = read_json_file(path)
    except DataError:
        if not _has_a_row_a_line(path):
            raise
        return _of_rows(_table(path))
    if is_squad(value):
        return "squad"
    listed = value if isinstance(value, list) else [value]
    return _of_rows(row for row in listed if isinstance(row, Mapping))


def _has_a_row_a_line(path: Path) -> bool:
    """Whether the first line is a whole JSON object: then the file is rows, whatever its ending."""
    first = next((line for line in _first_lines(path) if line.strip()), "")
    try:
        return isinstance(json.loads(first), dict)
    except ValueError:
        return False


def _of_rows(found: Iterable[Row | BrokenRow]) -> str | None:
    first = next((row for row in found if not isinstance(row, str)), None)
    return None if first is None else detect_row_format(first)


def _of_lines(path: Path, lines: list[str]) -> str | None:
    if lines[0].startswith("#begin document"):
        return "conll-2012"
    if found := detect_movielens(lines):
        return found
    cut = [line.split("\t") for line in lines if line.strip() and not line.startswith("#")]
    if cut and all(len(columns) == 10 for columns in cut[:-1] or cut) and cut[0][0].startswith("1"):
        return "conll-u"
    task = detect_glue(path)
    if task is not None:
        return f"glue-{task}"
    if is_conll2005(lines):
        return "conll-2005"
    if _is_tagged(lines):
        return "conll-2003"
    return _of_rows(_table(path)) if inner_suffix(path) == ".tsv" else None


def _is_tagged(lines: list[str]) -> bool:
    """Two or more columns, as many in every line, and in the last one BIO tags."""
    cut = [columns_of(line.rstrip("\r")) for line in lines[:-1] if line.strip()]
    tags = {columns[-1] for columns in cut if columns[0] != "-DOCSTART-"}
    return (
        bool(tags - {"O"})
        and len({len(columns) for columns in cut}) == 1
        and len(cut[0]) > 1
        and all(tag == "O" or tag[:2] in ("B-", "I-", "M-", "E-", "S-") for tag in tags)
    )


def _table(path: Path) -> Rows:
    """Rows of jsonl, csv, tsv and parquet, and of a .json file that is one list or has a row a line."""
    read = TABLES.get(inner_suffix(path))
    return _json_rows(path) if read is None else without_places(read(path))


def _json_rows(path: Path) -> Rows:
    """A row a line where the first line is one; else the file is one list, or one row. Raises DataError for broken JSON."""
    if _has_a_row_a_line(path):
        yield from without_places(TABLES[".jsonl"](path))
        return
    value = read_json_file(path)
    for row in value if isinstance(value, list) else [value]:
        yield row if isinstance(row, Mapping) else "broken_line"


def _glue(task: str) -> Callable[[Path], Rows]:
    return lambda path: read_glue(path, task)


def _row_format(kind: str) -> Callable[[Path], Rows]:
    return lambda path: read_row_format(_table(path), kind)


_READERS: Mapping[str, Callable[[Path], Rows]] = {
    **{f"glue-{task}": _glue(task) for task in TASKS},
    "squad": read_squad,
    "conll-2003": read_conll2003,
    "conll-2003-pos": partial(read_conll2003, layer="pos"),
    "conll-2003-chunks": partial(read_conll2003, layer="chunks"),
    "conll-2005": read_conll2005,
    "conll-2012": read_conll2012,
    "conll-2012-names": partial(read_conll2012, layer="names"),
    "conll-u": read_conllu,
    "conll-u-xpos": partial(read_conllu, column="xpos"),
    "conll-u-deprel": partial(read_conllu, column="deprel"),
    **{kind: _row_format(kind) for kind in ROW_FORMATS},
    **{kind: partial(read_ratings, separator=between) for kind, between in RATINGS.items()},
    **ITEMS,
}
