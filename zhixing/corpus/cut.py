"""Cutting a long text where it hurts least."""

import re

_ENDS = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"[。！？!?；]|\.\s"),
    re.compile(r"\s"),
)


def pieces(text: str, max_characters: int) -> list[str]:
    """Cut a text into pieces of at most `max_characters`; nothing but white space at the cuts is lost."""
    found = []
    start = 0
    while len(text) - start > max_characters:
        end = start + cut_point(text[start : start + max_characters])
        found.append(text[start:end].strip())
        start = end
    found.append(text[start:].strip())
    return [piece for piece in found if piece]


def cut_point(window: str) -> int:
    """Where to cut: after the last paragraph, line, sentence or word in the second half, else at the end."""
    half = len(window) // 2
    for pattern in _ENDS:
        ends = [match.end() for match in pattern.finditer(window, half)]
        if ends:
            return ends[-1]
    return len(window)
