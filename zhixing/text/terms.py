"""The words of a text as plain strings, for counting and for word vectors: no punctuation, one case."""

import re

from zhixing.text.segment import words

_POSSESSIVE = re.compile(r"['’][sS]$")


def terms(text: str, language: str, *, lowercase: bool = True) -> list[str]:
    """Every word that has a letter or a digit, in order, without an English 's at its end.

    Raises UnsupportedError for other languages than en and zh.
    """
    found = (_POSSESSIVE.sub("", text[start:end]) for start, end in words(text, language))
    kept = (word for word in found if any(map(str.isalnum, word)))
    return [word.lower() for word in kept] if lowercase else list(kept)
