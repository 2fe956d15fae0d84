"""Slips of the hand: a character is left out, written twice, exchanged with the next one, or a key beside it is struck.

Belinkov & Bisk 2018, §4. Chinese is typed by sound, so slips there are homophones (homophones.py). Left out: characters
that look alike, as a scanner confuses them.
"""

from collections.abc import Callable, Mapping

import numpy as np

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
"""The letters of an English keyboard; each row stands half a key to the right of the one above it."""


def noisy(text: str, share: float, random: np.random.Generator) -> str:
    """`text` with a slip at this share of its letters and Han characters."""
    written, at = [], 0
    while at < len(text):
        here = text[at]
        if not here.isalpha() or random.random() >= share:
            written.append(here)
            at += 1
            continue
        slip = SLIPS[int(random.integers(len(SLIPS)))]
        said, used = slip(text, at, random)
        written.append(said)
        at += used
    return "".join(written)


def _left_out(text: str, at: int, random: np.random.Generator) -> tuple[str, int]:
    return "", 1


def _doubled(text: str, at: int, random: np.random.Generator) -> tuple[str, int]:
    return text[at] * 2, 1


def _exchanged(text: str, at: int, random: np.random.Generator) -> tuple[str, int]:
    """With the next character, where that is a letter too."""
    both = text[at : at + 2]
    return (both[::-1], 2) if both.isalpha() and len(both) == 2 else (both[:1], 1)


def _mistyped(text: str, at: int, random: np.random.Generator) -> tuple[str, int]:
    """Another letter of the keyboard; what is not on it is exchanged instead."""
    keys = BESIDE.get(text[at].lower())
    if not keys:
        return _exchanged(text, at, random)
    key = keys[int(random.integers(len(keys)))]
    return key.upper() if text[at].isupper() else key, 1


def _beside() -> Mapping[str, str]:
    places = {key: (x + y / 2, y) for y, row in enumerate(ROWS) for x, key in enumerate(row)}
    return {
        key: "".join(
            other
            for other, (x, y) in places.items()
            if other != key and abs(x - places[key][0]) <= 1 and abs(y - places[key][1]) <= 1
        )
        for key in places
    }


BESIDE = _beside()
"""Letter -> the letters whose keys touch its own."""
SLIPS: tuple[Callable[[str, int, np.random.Generator], tuple[str, int]], ...] = (
    _left_out,
    _doubled,
    _exchanged,
    _mistyped,
)
"""What can happen at a place of a text: what is written there, and how many characters it stands for."""
