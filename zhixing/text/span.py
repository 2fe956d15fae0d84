"""A half-open range of characters in a text: what segmenters and splitters return instead of copies."""

from typing import NamedTuple


class Span(NamedTuple):
    """Characters `start` up to, not including, `end`; `text[span.start : span.end]` is the piece.

    A tuple rather than a dataclass: a book has a million of them.
    """

    start: int
    end: int
