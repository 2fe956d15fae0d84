"""What a model costs to run: tokens per second, the most memory held, bytes on disk.

Peak memory is the high-water mark of this process, the whole of it. Where the system allows (Linux), the mark is
reset first, so that one model of a ladder is not charged for the one before it; elsewhere a higher peak before the
block still shows. Left out: memory of a GPU and of child processes.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from zhixing.core.errors import DataError


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """`tokens_per_second` is the median over `runs`; `slowest` and `fastest` show the spread."""

    tokens_per_second: float
    slowest: float
    fastest: float
    runs: int
    tokens: int


def generation_speed(generate: Callable[[], int], *, seconds: float = 2.0) -> Speed:
    """Time a callable that generates once and returns how many tokens it made.

    One call warms up and is not counted; then it runs until `seconds` are over, three times at least.
    Raises DataError when it makes no tokens.
    """
    generate()
    rates: list[float] = []
    total = 0
    deadline = time.perf_counter() + seconds
    while len(rates) < 3 or time.perf_counter() < deadline:
        began = time.perf_counter()
        tokens = generate()
        if tokens < 1:
            raise DataError("generation made no tokens, so it has no speed; try another prompt")
        rates.append(tokens / (time.perf_counter() - began))
        total += tokens
    return Speed(
        tokens_per_second=statistics.median(rates),
        slowest=min(rates),
        fastest=max(rates),
        runs=len(rates),
        tokens=total,
    )


def folder_bytes(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


class PeakMemory:
    """The most memory this process held inside the block, in bytes; `bytes` is valid after it."""

    def __init__(self) -> None:
        self.bytes = 0

    def __enter__(self) -> Self:
        _reset_peak()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.bytes = peak_memory_bytes()


def peak_memory_bytes() -> int:
    """The most resident memory this process has held (since the last reset where one is possible)."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _reset_peak() -> None:
    """Set Linux's high-water mark to what is held now, where that is possible."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
