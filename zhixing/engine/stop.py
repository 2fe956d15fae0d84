"""Ending a text before a stop string, without ever showing the beginning of one.

Tokens and stop strings do not share boundaries: a stop string may begin in one token and end three tokens later.
So text that may still turn into a stop string is held back until it is decided. What is shown does not depend
on how the text was cut into pieces: the stop string that is complete first ends the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """Text that may be shown now, and whether a stop string has ended it."""

    text: str
    is_stopped: bool


class StopStrings:
    """Watches one text for its stop strings."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._pending = ""

    def push(self, text: str) -> Shown:
        """Add text. After `is_stopped` nothing more may be pushed."""
        if not self._stops:
            return Shown(text=text, is_stopped=False)
        pending = self._pending + text
        if found := self._first(pending):
            self._pending = ""
            return Shown(text=pending[: found[1]], is_stopped=True)
        safe = len(pending) - self._held(pending)
        self._pending = pending[safe:]
        return Shown(text=pending[:safe], is_stopped=False)

    def finish(self) -> str:
        """The text held back, when there will be no more: it was not a stop string after all."""
        rest, self._pending = self._pending, ""
        return rest

    def _first(self, text: str) -> tuple[int, int] | None:
        """(end, start) of the stop string that is complete first; of several, the one that began first."""
        found = [(text.find(stop) + len(stop), text.find(stop)) for stop in self._stops]
        return min((place for place in found if place[1] >= 0), default=None)

    def _held(self, text: str) -> int:
        """Length of the longest end of `text` that begins some stop string."""
        longest = max(len(stop) for stop in self._stops) - 1
        for length in range(min(longest, len(text)), 0, -1):
            end = text[-length:]
            if any(stop.startswith(end) for stop in self._stops):
                return length
        return 0
