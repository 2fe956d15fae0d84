"""All rows of a published file at once, beside what was left out and why."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zhixing.corpus.formats.published import detect_format, stream, stream_pair
from zhixing.corpus.table_rows import BrokenRow, Row


@dataclass(frozen=True)
class Published:
    format: str
    rows: tuple[Row, ...]
    dropped: dict[str, int]


def read_published(path: Path, kind: str = "") -> Published:
    name = kind or detect_format(path)
    return _apart(name, stream(path, name))


def read_pair(source: Path, target: Path) -> Published:
    return _apart(*stream_pair(source, target))


def _apart(name: str, found: Iterable[Row | BrokenRow]) -> Published:
    listed = [*found]
    dropped = Counter(row for row in listed if isinstance(row, str))
    rows = tuple(row for row in listed if not isinstance(row, str))
    return Published(format=name, rows=rows, dropped=dict(dropped))
