"""Words given as a list, as the running text that they stand in.

    Angela | Merkel | visited | Paris      ->  Angela Merkel visited Paris
    我 | 喜欢 | 北京 | 。                    ->  我喜欢北京。
    1 | 9 | 9 | 8 | 年                      ->  1998年             words of one character each are no words: a text cut up

A space stands between two words unless either has a wide character there: Chinese, its marks, full-width letters
(Unicode Standard Annex 11).
"""

import unicodedata
from collections.abc import Sequence

from zhixing.text.span import Span

_WIDE = ("W", "F")


def running_text(words: Sequence[str]) -> tuple[str, list[Span]]:
    """The text, and where each word stands in it."""
    is_cut_up = all(len(word) <= 1 for word in words)
    pieces: list[str] = []
    spans: list[Span] = []
    end, last = 0, ""
    for word in words:
        if last and word and not is_cut_up and not (is_wide(last) or is_wide(word[0])):
            pieces.append(" ")
            end += 1
        pieces.append(word)
        spans.append(Span(end, end + len(word)))
        end += len(word)
        last = word[-1:]
    return "".join(pieces), spans


def is_wide(character: str) -> bool:
    """Whether a character takes the room of two in a line of Chinese."""
    return unicodedata.east_asian_width(character) in _WIDE


def aligned(text: str, width: int) -> str:
    """A text with spaces behind it up to `width` places of a line, of which a wide character takes two."""
    return text + " " * (width - places(text))


def places(text: str) -> int:
    """The places of a line that a text takes, of which a wide character takes two."""
    return len(text) + sum(map(is_wide, text))
