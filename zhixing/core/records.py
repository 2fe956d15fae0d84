"""One shape for everything we measure, one JSON object per line.

A number without its unit, count, interval and seed is not a result, so every record has a place for them. The curves
of training and the speeds of `zhixing bench` are kept this way.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from zhixing.core.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One measured value. `low` and `high` bound a 95 % interval; `step` is the training step, if any."""

    kind: str
    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    count: int = 1
    step: int | None = None
    seed: int | None = None
    run: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


class RecordWriter:
    """Append records to a JSONL file; every line is flushed, so a crash loses at most one line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _drop_partial_line(path)
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, record: Record) -> None:
        """Append one record."""
        self._file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_records(path: Path) -> Iterator[Record]:
    """Yield the records of a file in order; a broken line is an error that names its number.

    A last line without its newline is being written, or was when the power went: it is left out.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith("\n"):
                return
            try:
                yield Record(**json.loads(line))
            except (json.JSONDecodeError, TypeError) as error:
                raise DataError(f"{path}:{number} is not a record: {error}") from error


def _drop_partial_line(path: Path) -> None:
    """Cut a last line that a crash left without its newline."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        content = file.read()
        keep = content.rfind(b"\n") + 1
        if keep != len(content):
            file.truncate(keep)
            os.fsync(file.fileno())
