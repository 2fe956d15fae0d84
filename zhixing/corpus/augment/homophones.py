"""Words that sound the same: what is written by one who hears the right word, or types the right pinyin.

English    the customary pronunciation of cmudict: their and there, by and buy.
Chinese    the syllables of CC-CEDICT's pinyin without their tones, which nobody types: 权利 and 权力, 在 and 再. A word that
           is said in two ways, such as 长, has none.
"""

import re
from collections.abc import Iterable

from zhixing.corpus.augment.synonyms import Alternatives, alike
from zhixing.corpus.sources.cc_cedict import Entry
from zhixing.corpus.sources.cmudict import Pronounced
from zhixing.text.han import HAN

_ALL_HAN = re.compile(f"[{HAN}]+")
_TONE = re.compile(r"[1-5]")


def english(entries: Iterable[Pronounced], seen: Iterable[str]) -> Alternatives:
    """Homophones among the words of `seen`, which are in lower case."""
    known = set(seen)
    return alike(
        (entry.word, " ".join(entry.phonemes[0])) for entry in entries if entry.word in known
    )


def chinese(entries: Iterable[Entry], seen: Iterable[str]) -> Alternatives:
    """Homophones that are written with the characters of `seen` alone, in simplified characters."""
    known, said = set(seen), dict[str, set[str]]()
    for entry in entries:
        word = entry.simplified
        if _ALL_HAN.fullmatch(word) and known.issuperset(word):
            said.setdefault(word, set()).add(_TONE.sub("", entry.pinyin).lower())
    return alike((word, ways.pop()) for word, ways in said.items() if len(ways) == 1)
