"""Cutting a long text where it hurts least."""

import re

_ENDS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[。！？!?；]|\.\s"),
    re.compile(r"\s"),
)


_LOOK_BACK = 25_000
"""A cut is at most so far from the end of what it cuts."""


def pieces(text: str, max_characters: int) -> list[str]:
    """Cut a text into pieces of at most `max_characters`; nothing but white space at the cuts is lost."""
    found = [piece.strip() for piece in cut(text, max_characters)]
    return [piece for piece in found if piece]


def cut(text: str, max_characters: int) -> list[str]:
    """Cut a text into pieces of at most `max_characters`, of which nothing is lost."""
    found = []
    start = 0
    while len(text) - start > max_characters:
        end = start + cut_point(text[start : start + max_characters])
        found.append(text[start:end])
        start = end
    return [*found, text[start:]]


def cut_point(window: str) -> int:
    """Where to cut: after the last paragraph, line, sentence or word in the second half, else at the end."""
    first = max(len(window) // 2, len(window) - _LOOK_BACK)
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(window, first)]
        if ends:
            return ends[-1]
    return len(window)
