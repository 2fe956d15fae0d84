"""Words of English, Chinese and their mixtures, as character spans.

One pattern finds what stays whole in either language: addresses, numbers, words with inner apostrophes and
hyphens, runs of one punctuation mark, emoji. Runs of Han characters are then cut by jieba's algorithm (a graph of
dictionary words, its most probable path, and a hidden Markov model for unknown words; rjieba). Traditional
Chinese is looked up in its simplified form, because the dictionary is simplified.

English contractions stay whole (don't is one word). Left out: parts of speech, and other languages, which are
refused by name.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from zhixing.core.errors import MissingExtraError
from zhixing.text.han import HAN, HAS_HAN
from zhixing.text.normalise import to_simplified
from zhixing.text.span import Span
from zhixing.text.tags import require_supported

KANA = "\u3040-\u30ff\u31f0-\u31ff"
LETTERS = rf"[^\W{HAN}{KANA}]++(?:[\u0300-\u036f]++[^\W{HAN}{KANA}]*+)*"
MORE_DIGITS = r"(?:[,，]\d{3}(?!\d)|[.．:：/-]\d)"
"""How a number goes on behind its first digits. Where it could, it does not end: that is said by a look ahead and not by a
possessive group, which Python before 3.11.5 matches wrongly (CPython 106052)."""
PICTURE = "[\u2190-\u2bff\u3030\u303d\U0001f000-\U0001faff]"
TOKEN = re.compile(
    "|".join(
        (
            rf"(?P<address>(?:https?|ftp)://[^\s<>\"“”‘’，。；！？、（）《》【】{HAN}]*[A-Za-z0-9/#=&_~-]"
            r"|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24})",
            rf"(?P<number>\d++(?:{MORE_DIGITS}\d*+)*(?!{MORE_DIGITS})[%％‰]?(?![^\W{HAN}]))",
            r"(?P<abbreviation>(?:[A-Za-z]\.){2,})",
            rf"(?P<word>{LETTERS}(?:['’-]{LETTERS})*)",
            rf"(?P<han>[{HAN}]+)",
            rf"(?P<kana>[{KANA}]+)",
            r"(?P<marks>(?P<mark>[—…。.!！?？~～=*#·-])(?P=mark)+)",
            "(?P<emoji>[\U0001f1e6-\U0001f1ff]{2}"
            f"|{PICTURE}(?:[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]|\u200d{PICTURE})*)",
            r"(?P<other>\S)",
        )
    )
)
SURROGATE = re.compile("[\ud800-\udfff]")
JOINABLE = ("han", "word")


def language_of(texts: Sequence[str]) -> str:
    """The code zh where more than half of the texts have a Chinese character, else en; of one text: where it has one."""
    return "zh" if 2 * sum(bool(HAS_HAN.search(text)) for text in texts) > len(texts) else "en"


def words(text: str, language: str, *, custom: Iterable[str] = ()) -> list[Span]:
    """Every non-space character of `text` in exactly one span, in order; `custom` words are kept whole.

    English and Chinese may be mixed freely. Raises UnsupportedError, naming the language, for any other.
    """
    require_supported(language, "word segmentation")
    if not HAS_HAN.search(text):
        return [Span(*match.span()) for match in TOKEN.finditer(text)]
    cuts = _han_cuts(text, tuple(custom))
    spans: list[Span] = []
    last_kind, at = "", 0
    for match in TOKEN.finditer(text):
        start, end = match.span()
        kind = match.lastgroup or ""
        first_cut = at
        while at < len(cuts) and cuts[at] < end:
            at += 1
        within = cuts[first_cut:at]
        is_cut_at_start = bool(within) and within[0] == start
        if kind in JOINABLE and last_kind in JOINABLE and not is_cut_at_start:
            start = _take_back(spans, start)
        inner = [cut for cut in within if cut > start] if kind == "han" else []
        spans += map(Span, [start, *inner], [*inner, end])
        last_kind = kind
    return spans


def classes_of_words(text: str) -> list[tuple[str, str]]:
    """The words of a Chinese text as jieba cuts it, spaces too, each with its class (nr: a person, ns: a place, …)."""
    return _segmenter(()).tag(SURROGATE.sub("\ufffd", text))


def _take_back(spans: list[Span], start: int) -> int:
    """Where the last span starts, which is removed, if it touches `start`: a dictionary word may cross
    scripts (T恤, A股).
    """
    if not spans or spans[-1].end != start:
        return start
    return spans.pop().start


def _han_cuts(text: str, custom: tuple[str, ...]) -> list[int]:
    """Ends of the dictionary's words in `text`, ascending."""
    text = SURROGATE.sub("\ufffd", text)
    simplified = to_simplified(text)
    if len(simplified) == len(
        text
    ):  # true unless a phrase changes length; then the text is cut as it is
        text = simplified
    return list(accumulate(map(len, _segmenter(custom).cut(text))))


@lru_cache(maxsize=8)
def _segmenter(custom: tuple[str, ...]) -> Any:
    try:
        from rjieba import Jieba
    except ImportError as error:
        raise MissingExtraError("rjieba", "data", "Chinese word segmentation") from error
    segmenter = Jieba()
    for word in custom:
        segmenter.add_word(to_simplified(word), 1_000_000, "n")
    return segmenter
