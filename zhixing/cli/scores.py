"""Scores on a terminal: a dash where there is none, never a zero."""

from collections.abc import Mapping

MISSING = "–"
NONE: Mapping[str, None] = {"value": None, "low": None, "high": None}
"""The score that was not measured, such as bits per byte under a tokenizer that drops text."""


def figure(value: float | None, digits: int) -> str:
    """A number with its thousands apart."""
    return MISSING if value is None else f"{value:,.{digits}f}"


def interval(low: float | None, high: float | None, digits: int) -> str:
    """A 95 % interval; a single document allows none."""
    if low is None or high is None:
        return MISSING
    return f"{low:,.{digits}f} – {high:,.{digits}f}"
