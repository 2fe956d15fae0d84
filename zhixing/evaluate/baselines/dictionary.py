"""Translation word for word, between English and Chinese, with the entries of CC-CEDICT.

    source    打开文件夹        打开 | 文件夹         the longest headword at each place, from the left (maximum matching)
    target    open folder      open | folder        the meaning that the training targets have most often

From English the dictionary is read backwards: a meaning is the headword, and of all words that have it the one most
frequent in the training targets is written. What has no entry is copied; English articles are dropped. Left out: grammar.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import final

from zhixing.core.errors import UnsupportedError
from zhixing.corpus.sources.cc_cedict import Entry, plain_meanings
from zhixing.text.han import HAN
from zhixing.text.segment import words
from zhixing.text.terms import terms

_ARTICLES = frozenset(("a", "an", "the"))
_MOST_WORDS = 4
"""Words of the longest English phrase that is looked up."""
_CHINESE_MARKS = str.maketrans(dict(zip(",.:;?!()", "，。：；？！（）", strict=True)))
_ENGLISH_MARKS = str.maketrans(dict(zip("。、“”‘’", ".,\"\"''", strict=True)))
_SPACE_BEFORE_MARK = re.compile(r"\s+(?=[.,:;?!)])|(?<=[(])\s+")
_HAN_RUN = re.compile(f"[{HAN}]+|[^{HAN}]+")
_BETWEEN_HAN = re.compile(rf"(?<=[{HAN}，。：；？！（）]) | (?=[{HAN}，。：；？！（）])")


@final
class WordForWord:
    """A translator between en and zh; `targets` are the training targets that decide between meanings."""

    def __init__(
        self, entries: Iterable[Entry], targets: Iterable[str], *, source: str, target: str
    ) -> None:
        """Raises UnsupportedError for other languages."""
        if {source, target} != {"en", "zh"}:
            raise UnsupportedError(
                f"the dictionary is between en and zh; it cannot go from {source!r} to {target!r}"
            )
        self._target = target
        self._counts = Counter(chain.from_iterable(terms(text, target) for text in targets))
        self._table = _from_chinese(entries) if source == "zh" else _from_english(entries)
        self._longest = max(map(len, self._table), default=1)
        self._best = cache(self._choose)

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """The translation of each text."""
        translate = self._to_english if self._target == "en" else self._to_chinese
        return [translate(text) for text in texts]

    def _to_english(self, text: str) -> str:
        found: list[str] = []
        for run in _HAN_RUN.findall(unicodedata.normalize("NFKC", text)):
            found += self._matched(run) if _is_han(run) else [run.strip()]
        joined = " ".join(filter(None, found)).translate(_ENGLISH_MARKS)
        return _SPACE_BEFORE_MARK.sub("", joined)

    def _to_chinese(self, text: str) -> str:
        units = [text[start:end] for start, end in words(text, "en")]
        found, at = [], 0
        while at < len(units):
            size, word = self._phrase(units, at)
            found.append(word)
            at += size
        return _BETWEEN_HAN.sub("", " ".join(filter(None, found)))

    def _matched(self, run: str) -> Iterator[str]:
        at = 0
        while at < len(run):
            sizes = range(min(self._longest, len(run) - at), 0, -1)
            size = next((n for n in sizes if run[at : at + n] in self._table), 1)
            yield self._best(run[at : at + size])
            at += size

    def _phrase(self, units: Sequence[str], at: int) -> tuple[int, str]:
        """How many words are translated together, and by what."""
        for size in range(min(_MOST_WORDS, len(units) - at), 0, -1):
            phrase = " ".join(units[at : at + size]).lower()
            for form in _forms(phrase):
                if form in self._table:
                    return size, self._best(form)
        unit = units[at]
        return 1, "" if unit.lower() in _ARTICLES else unit.translate(_CHINESE_MARKS)

    def _choose(self, headword: str) -> str:
        """The candidate whose rarest word is most frequent in the training targets; the first of equals."""
        if headword not in self._table:
            return headword
        return max(self._table[headword], key=self._frequency)

    def _frequency(self, candidate: str) -> int:
        return min((self._counts[term] for term in terms(candidate, self._target)), default=0)


def _from_chinese(entries: Iterable[Entry]) -> Mapping[str, Sequence[str]]:
    table: dict[str, dict[str, None]] = {}
    for entry in entries:
        for meaning in plain_meanings(entry):
            for word in (entry.simplified, entry.traditional):
                table.setdefault(word, {})[meaning] = None
    return {word: tuple(meanings) for word, meanings in table.items()}


def _from_english(entries: Iterable[Entry]) -> Mapping[str, Sequence[str]]:
    table: dict[str, dict[str, None]] = {}
    for entry in entries:
        for meaning in plain_meanings(entry):
            if len(meaning.split()) <= _MOST_WORDS:
                table.setdefault(meaning.lower(), {})[entry.simplified] = None
    return {meaning: tuple(found) for meaning, found in table.items()}


def _forms(phrase: str) -> Iterator[str]:
    """A phrase as it stands and without common endings of its last word."""
    yield phrase
    for ending, instead in (("ies", "y"), ("es", ""), ("s", ""), ("ing", ""), ("ing", "e"), ("ed", ""), ("ed", "e")):  # fmt: skip
        if phrase.endswith(ending) and len(phrase) > len(ending) + 2:
            yield phrase[: -len(ending)] + instead


def _is_han(run: str) -> bool:
    return re.match(f"[{HAN}]", run) is not None
