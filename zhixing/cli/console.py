"""What commands share: their common options, the one JSON result, and how they tell how far they are.

Progress is a bar on a terminal, plain lines in a pipe, JSON lines on request, all on standard error, so that
standard output carries results alone.
"""

import atexit
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from zhixing.core.errors import UsageError
from zhixing.core.files import check_is_replaceable, json_line, new_folder
from zhixing.core.progress import Progress as ProgressProtocol

Log = Annotated[
    Literal["auto", "plain", "json", "none"],
    Parameter(
        help="How to report progress on standard error: a bar, lines, JSON lines or nothing."
    ),
]
"""How to report progress: a bar on a terminal and plain lines elsewhere (auto), or always one of them."""

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object, last.")]
"""Print the result for machines."""

Switch = Parameter(negative="")
"""A flag that is given or not, without a --no- form."""

Fresh = Annotated[
    bool, Parameter(negative="", help="Replace what is there and has another content.")
]
"""Write into a folder that holds files of the same names and another content."""

Settings = Annotated[
    tuple[str, ...],
    Parameter(name="--set", negative="", help="table.key=value over the recipe; may be repeated."),
]
"""Overrides of a recipe."""

FLAT = Parameter(name="*", negative_iterable=(), negative_bool=())
"""A dataclass whose fields are options of the command itself."""


def print_json(value: Any) -> None:
    """Print a result for machines: one line on standard output."""
    print(json_line(value).decode(), end="")


def reporter(log: Log) -> ProgressProtocol:
    """The Progress for a command."""
    if log == "json":
        return JsonLines()
    if log == "none":
        from zhixing.core.progress import Silent

        return Silent()
    if log == "auto" and sys.stderr.isatty():
        return Bars()
    return PlainLines()


class Bars:
    """One live bar for the current phase; one kept line per finished phase."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._began = 0.0
        atexit.register(self.stop)  # a bar hides the cursor: an error must not leave it hidden

    def start(self, title: str, total: float | None = None, unit: str = "") -> None:
        """Show a bar for a phase."""
        self.stop()
        self._began = time.monotonic()
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task(title, total=total, note="")
        self._bar.start()

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.advance(self._task, amount)
            if note:
                self._bar.tasks[0].fields["note"] = note

    def finish(self, summary: str) -> None:
        """Replace the bar by its summary."""
        self.stop()
        self._console.print(f"[green]✓[/] {time.monotonic() - self._began:6.1f} s  ", end="")
        self._console.print(summary, markup=False)

    def stop(self) -> None:
        """Take the bar away; what is printed goes where it went before."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class PlainLines:
    """One line when a phase begins and one when it ends, for logs and pipes."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def start(self, title: str, total: float | None = None, unit: str = "") -> None:
        """Say what begins."""
        self._began = time.monotonic()
        print(f"… {title}", file=sys.stderr, flush=True)

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Say nothing; a log is not an animation."""

    def finish(self, summary: str) -> None:
        """Say what came out."""
        print(f"✓ {time.monotonic() - self._began:6.1f} s  {summary}", file=sys.stderr, flush=True)

    def stop(self) -> None:
        """Say nothing; the error does."""


class JsonLines:
    """One JSON object per event, for machines."""

    def start(self, title: str, total: float | None = None, unit: str = "") -> None:
        """A phase begins."""
        self._emit(event="start", title=title, total=total, unit=unit)

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Work was done."""
        self._emit(event="advance", amount=amount, note=note)

    def finish(self, summary: str) -> None:
        """A phase ended."""
        self._emit(event="finish", summary=summary)

    def stop(self) -> None:
        """A phase was broken off."""
        self._emit(event="stop")

    def _emit(self, **fields: object) -> None:
        line = json_line({"time": round(time.time(), 3), **fields}).decode()
        print(line, end="", file=sys.stderr, flush=True)


def check_forms(*, markdown: bool, as_json: bool) -> None:
    """Refuse two forms of one output."""
    if markdown and as_json:
        raise UsageError("--markdown and --json print the same in two forms; give one of them")


def check_seed(seed: int) -> None:
    """Refuse a seed that no generator takes."""
    if seed < 0:
        raise UsageError(f"--seed {seed}: a seed is zero or larger")


def check_out(out: Path, read: Iterable[Path] = (), *, fresh: bool, option: str = "--out") -> None:
    """Refuse, before any work, to write a file that is a folder, that is read, or that has no place; `option` named it.

    Unless `fresh`, a file that is there is refused too.
    """
    if out.is_dir():
        raise UsageError(f"{option} {out} is a folder; name the file to write")
    if any(out.exists() and file.exists() and out.samefile(file) for file in read):
        raise UsageError(f"{option} {out} is a file that is read; choose another name")
    if out.is_file() and not fresh:
        raise UsageError(f"{option} {out} exists; choose another name, or replace it with --fresh")
    check_is_replaceable(out)
    with new_folder(out.parent):
        pass
