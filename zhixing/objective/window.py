"""Scoring a text that is longer than a model's context: overlapping windows that share the work exactly.

    tokens   0 1 2 3 4 5 6 7 8 9 ...        time = 8
    window 0 [s s s s s s s s]               s: its prediction counts
    window 1         [c c c c s s s s]       c: context only
    window 2                 [c c c c s ...

Every prediction counts exactly once, and every one outside the first window has at least time / 2 tokens of
context. The last window is moved back to be full: more context costs nothing there. A model without a longest
time (recurrent, n-gram) needs no windows: it carries its state.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Read inputs `start` to `stop` (end excluded); predictions made at inputs `first` to `stop` count."""

    start: int
    stop: int
    first: int


def windows(count: int, time: int) -> Iterator[Window]:
    """The windows that score `count` inputs with a context of at most `time` tokens."""
    if time < 1:
        raise ValueError(f"time = {time} must be at least 1")
    stop = 0
    while stop < count:
        first = stop
        fresh = time if first == 0 else time - time // 2
        stop = min(first + fresh, count)
        yield Window(start=max(0, stop - time), stop=stop, first=first)
