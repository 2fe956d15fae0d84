"""How long work tells a person how far it is, without knowing whether there is a terminal.

Packages take a `Progress` and call it; the command line decides whether that is a bar, JSON lines or nothing.
"""

from typing import Protocol


class Progress(Protocol):
    """A place to report to."""

    def start(self, title: str, total: float | None = None, unit: str = "") -> None:
        """Begin a phase of `total` units (None: not known)."""

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Report `amount` more units of the current phase, with a short note such as the loss."""

    def finish(self, summary: str) -> None:
        """End the current phase with the one line that is kept on screen."""

    def stop(self) -> None:
        """End a phase that was broken off: nothing of it is kept on screen."""


class Silent:
    """A Progress that says nothing (library use, tests)."""

    def start(self, title: str, total: float | None = None, unit: str = "") -> None:
        """Ignore."""

    def advance(self, amount: float = 1.0, note: str = "") -> None:
        """Ignore."""

    def finish(self, summary: str) -> None:
        """Ignore."""

    def stop(self) -> None:
        """Ignore."""
