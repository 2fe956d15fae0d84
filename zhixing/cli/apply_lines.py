"""Lines in, lines out, in order: read in groups, answered together, written at once, continued where they stopped.

    group 0   rows 0 … 255      answered together, written, flushed
    group 1   rows 256 … 511    Ctrl-C: the group at work is finished and written, then the command ends

What is answered together never depends on where a run was stopped: a continued run answers the group in which it stopped
once more and writes only what is missing, so the file has the bytes of a run that was never stopped.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, UnsupportedError, UsageError, ZhixingError
from zhixing.core.files import check_is_replaceable, read_json, write_json
from zhixing.corpus.raw import pieces_of_file
from zhixing.corpus.table_rows import lines

ERROR = b'{"error": '
"""What the line of a row without an answer begins with."""
MANY_UNKNOWN = 0.1
"""Share of unknown tokens above which a note says so."""
ABOUT_A_ROW = (DataError, UnsupportedError, UsageError)
"""Errors that another row need not have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A row and the number of its line, from 1; `problem` says why it is none."""

    number: int
    row: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """How much there is to read, and the SHA-256 of it, unpacked."""

    lines: int
    sha256: str


@dataclass(slots=True)
class Told:
    """How many rows were written, and how many of them are errors; tokens of what was read, and how many are unknown."""

    rows: int = 0
    errors: int = 0
    tokens: int = 0
    unknown: int = 0

    def __str__(self) -> str:
        errors = f", {self.errors:,} of them errors" if self.errors else ""
        if self.unknown <= MANY_UNKNOWN * self.tokens:
            return f"{self.rows:,} rows{errors}"
        return (
            f"{self.rows:,} rows{errors}; note: {self.unknown:,} of {self.tokens:,} tokens are unknown to the tokenizer, so "
            "this model has not learnt such text and its answers mean little"
        )


def measure(path: Path) -> Amount:
    """Lines and hash of a file."""
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    for piece in pieces_of_file(path):
        digest.update(piece)
        lines += piece.count(b"\n")
        last = piece[-1:] or last
    return Amount(lines=lines + (last != b"\n"), sha256=digest.hexdigest())


def read_lines(path: Path, *, is_text: bool) -> Iterator[Line]:
    """The rows of a jsonl file, or of a text file as {"text": …}. Raises DataError for bytes that are no text."""
    for number, line in enumerate(lines(path), start=1):
        yield from parse(line.rstrip("\r\n"), number, is_text=is_text)


def parse(line: str, number: int, *, is_text: bool) -> Iterator[Line]:
    """The row of a line; an empty line of a jsonl file is none."""
    if is_text:
        yield Line(number=number, row={"text": line})
        return
    if not line.strip():
        return
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        yield Line(number=number, row={}, problem=f"this is no JSON ({error})")
        return
    if isinstance(value, dict):
        yield Line(number=number, row=value)
    else:
        yield Line(number=number, row={}, problem="this is no JSON object: {…}")


def groups(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    """Lines in groups, which begin at the same rows in every run."""
    source = iter(lines)
    while group := list(islice(source, size)):
        yield group


def answered(
    given: Sequence[Any], answer: Callable[[Sequence[Any]], Sequence[Any]]
) -> list[Any | ZhixingError]:
    """An answer for each, or the error that it has by itself: a group with an error is halved until the row is found."""
    try:
        return list(answer(given)) if given else []
    except ABOUT_A_ROW as error:
        if len(given) == 1:
            return [error]
    middle = len(given) // 2
    return [*answered(given[:middle], answer), *answered(given[middle:], answer)]


def of_the_row(error: ZhixingError) -> str:
    """What is wrong with a row: its line says where, so the place among those answered together is left out."""
    return re.sub(r"^(texts|pairs|histories)\[\d+\]: ", "", str(error))


class Output:
    """The file of answers, and beside it the stamp of what they were made from."""

    def __init__(self, path: Path, stamp: Mapping[str, Any]) -> None:
        self.path, self._stamp = path, dict(stamp)
        self._place = path.with_name(f"{path.name}.made_from.json")

    def begin(self, *, resume: bool, fresh: bool) -> Told:
        """Make ready; what is written already. Raises UsageError for a file of something else.

        A file without a byte, as a run leaves it that was refused at its first row, is begun again: nothing is lost.
        """
        check_is_replaceable(self.path)
        if not self.path.exists() or fresh or (not resume and self.path.stat().st_size == 0):
            if self.path.exists():
                self.path.write_bytes(b"")  # before: no old answers under a new stamp
            write_json(self._place, self._stamp)
            self.path.write_bytes(
                b""
            )  # behind: no new file without a stamp, where the disk is full
            return Told()
        if not resume:
            raise UsageError(
                f"{self.path} exists; --resume continues it, --fresh begins again, --out chooses another name"
            )
        self._check_stamp()
        return self._drop_half_line()

    def _check_stamp(self) -> None:
        if not self._place.is_file():
            raise UsageError(
                f"{self.path} cannot be continued: {self._place.name}, which says what it was made from, is missing; "
                "begin again with --fresh"
            )
        before = read_json(self._place)
        changed = [name for name, now in self._stamp.items() if before.get(name) != now]
        if changed:
            raise UsageError(
                f"{self.path} was made from another {' and another '.join(changed)}; continue with the same, or begin again "
                "with --fresh"
            )

    def _drop_half_line(self) -> Told:
        """Cut what stands behind the last whole line, and count the whole ones."""
        found, whole = Told(), 0
        with self.path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    found.rows += 1
                    found.errors += line.startswith(ERROR)
                    whole += len(line)
        os.truncate(self.path, whole)
        return found
