"""Does a text hold a word of a list? As it is written, or however it is disguised.

    plain    letters as they are, in any case: a word of letters stands alone, one with Han characters anywhere
    folded   text and words alike: full-width and look-alike letters (Greek, Cyrillic), digits inside a word that stand for
             letters, letters with spaces or marks between them, traditional characters as simplified ones

Folding finds more and is wrong more often; how often is to be measured on texts that are known to be clean.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import final

from zhixing.text.han import HAN, HAS_HAN
from zhixing.text.normalise import to_simplified

LOOK_ALIKE = str.maketrans(
    dict(zip("аеорсухіјѕԁвнмткАВЕКМНОРСТХІ", "aeopcyxijsdbhmtkabekmhopctxi", strict=True))
    | dict(zip("αεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aeiknoptuxabezhikmnoptyx", strict=True))
)
"""Cyrillic and Greek letters that look like Latin ones."""
DIGITS = str.maketrans("013457@$", "oieastas")
"""Signs that stand for letters inside a word."""
_HIDDEN = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_MIXED = re.compile(r"(?=\S*[a-z])(?=\S*[013457@$])[a-z0-9@$]{2,}")
_SPACED = re.compile(r"(?<!\w)\w(?:[ .*·_-]\w){2,}(?!\w)")
_BETWEEN_HAN = re.compile(rf"(?<=[{HAN}])[ .*·_-]+(?=[{HAN}])")


@final
class WordList:
    """Words to look for; `folded` sees through disguises. Words of Han characters shorter than `shortest` are left out."""

    def __init__(self, words: Iterable[str], *, folded: bool = False, shortest: int = 1) -> None:
        self._folded = folded
        kept = [word for word in words if not HAS_HAN.search(word) or len(word) >= shortest]
        forms = {fold(word) if folded else word.lower() for word in kept}
        self._found = _any_of(forms - {""})

    def __contains__(self, text: str) -> bool:
        """Whether a word of the list is in `text`."""
        return self._found.search(fold(text) if self._folded else text.lower()) is not None

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where words of the list are, from the left, as the text is written: a folded list is not asked this."""
        assert not self._folded, "places in a folded text are not those in the text"
        return [match.span() for match in self._found.finditer(_lower_in_place(text))]


def _lower_in_place(text: str) -> str:
    """Lower case, but for the few characters (such as İ) that would become several."""
    return "".join(low if len(low := each.lower()) == 1 else each for each in text)


def fold(text: str) -> str:
    """The form in which a folded list compares: lower case, without disguise."""
    plain = unicodedata.normalize("NFKC", _HIDDEN.sub("", text)).translate(LOOK_ALIKE).lower()
    plain = _MIXED.sub(lambda match: match[0].translate(DIGITS), plain)
    plain = _SPACED.sub(lambda match: re.sub(r"[\W_]", "", match[0]), plain)
    return to_simplified(_BETWEEN_HAN.sub("", plain)) if HAS_HAN.search(plain) else plain


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """One of the words, the longest first; where none begins, a look at the first character says so."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    han = [word for word in ordered if HAS_HAN.search(word)]
    letters = [word for word in ordered if not HAS_HAN.search(word)]
    ways = [_beginning(han)] if han else []
    ways += [rf"(?<!\w){_beginning(letters)}(?!\w)"] if letters else []
    return re.compile("|".join(ways) or r"(?!)")


def _beginning(words: Sequence[str]) -> str:
    firsts = "".join(sorted({re.escape(word[0]) for word in words}))
    return f"(?=[{firsts}])(?:{'|'.join(map(re.escape, words))})"
