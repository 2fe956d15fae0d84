"""Joules spent on a piece of work, and how they were known.

Intel and AMD processors count the energy of each package (RAPL; David et al. 2010, "RAPL: memory power
estimation and capping"); Linux shows the counters under /sys/class/powercap, to the administrator only on many
systems and never in most virtual machines. Where they cannot be read, the energy is the processor time of this
process and its finished children times a stated power per core, and is labelled an estimate: good for comparing
models on one machine, not for an electricity bill. Left out: the energy of a GPU, of memory outside the package, and of
the rest of the computer.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

POWERCAP = Path("/sys/class/powercap")
WATTS_PER_CORE = 10.0
"""A busy core of a recent server or desktop with its share of the package: a round figure, hence the label."""
MOST_WATTS = 1000.0
"""More than any package draws: tells how long a counter surely runs before it wraps twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Counter:
    """One processor package: where its counter is and the microjoules at which it starts again from zero."""

    path: Path
    wraps_at: int


class EnergyMeter:
    """Measures the block it encloses: `joules`, `is_measured`, and `method` in words, all valid after the block."""

    def __init__(
        self, *, watts_per_core: float = WATTS_PER_CORE, powercap: Path = POWERCAP
    ) -> None:
        self._watts = watts_per_core
        self._powercap = powercap
        self.joules = 0.0
        self.is_measured = False
        self.method = ""

    def __enter__(self) -> Self:
        self._counters = _package_counters(self._powercap)
        self._before = _read_all(self._counters)
        self._cpu = _cpu_seconds()
        self._began = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        elapsed = time.monotonic() - self._began
        after = _read_all(self._counters)
        may_wrap_twice = any(elapsed * MOST_WATTS > c.wraps_at / 1e6 for c in self._counters)
        if self._before and len(after) == len(self._before) and not may_wrap_twice:
            self.joules = _spent(self._counters, self._before, after)
            self.is_measured = True
            self.method = "measured: RAPL, whole processor packages"
            return
        self.joules = (_cpu_seconds() - self._cpu) * self._watts
        self.method = f"estimated: processor seconds x {self._watts:g} W per core"


def _package_counters(powercap: Path) -> list[_Counter]:
    """The readable packages; `intel-rapl:0:1` and the like are parts of one and would count twice."""
    counters = []
    for folder in sorted(powercap.glob("*-rapl:*")):
        if folder.name.count(":") != 1:
            continue
        try:
            wraps_at = int((folder / "max_energy_range_uj").read_text())
            int((folder / "energy_uj").read_text())
        except (OSError, ValueError):
            return []  # one unreadable package makes the sum wrong
        counters.append(_Counter(path=folder / "energy_uj", wraps_at=wraps_at))
    return counters


def _read_all(counters: list[_Counter]) -> list[int]:
    try:
        return [int(counter.path.read_text()) for counter in counters]
    except (OSError, ValueError):
        return []


def _spent(counters: list[_Counter], before: list[int], after: list[int]) -> float:
    """Joules between two readings; a counter that is lower than before has wrapped once."""
    micro = 0
    for counter, first, last in zip(counters, before, after, strict=True):
        micro += last - first if last >= first else last - first + counter.wraps_at
    return micro / 1e6


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
