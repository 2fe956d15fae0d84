"""Changed copies of a text: words of the same meaning, then words that sound alike, then slips of the hand.

    质量很好，喜欢        synonyms        品质很好，喜欢        homophones        品质很好，洗换        noise        品质好很，洗换

Wei & Zou 2019 change words; Xie et al. 2020 show that a label outlives such changes. What is drawn follows from the random
numbers that are given, and from nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from zhixing.corpus.augment.config import AugmentConfig
from zhixing.corpus.augment.noise import noisy
from zhixing.corpus.augment.synonyms import Alternatives
from zhixing.text.segment import language_of, words


@dataclass(frozen=True, kw_only=True, slots=True)
class Tables:
    """What may stand in the place of a word, of both languages."""

    synonyms: Alternatives = field(default_factory=dict)
    homophones: Alternatives = field(default_factory=dict)


def copies(
    text: str, config: AugmentConfig, tables: Tables, *, back: str | None, seed: tuple[int, ...]
) -> Iterator[str]:
    """The changed copies of `text`, without what is equal to it or to a copy before.

    back: what came back of its translation, for the first copy.
    seed: of the random numbers, beside the number of the copy.
    """
    found = {text}
    for number in range(config.copies):
        random = np.random.default_rng([*seed, number])
        begun = back if back is not None and number == 0 else text
        changed = change(begun, config, tables, random)
        if changed.strip() and changed not in found:
            found.add(changed)
            yield changed


def change(text: str, config: AugmentConfig, tables: Tables, random: np.random.Generator) -> str:
    """`text` with a share of its words replaced and of its characters written wrongly."""
    for share, table in (
        (config.synonyms, tables.synonyms),
        (config.homophones, tables.homophones),
    ):
        if share and table:
            text = replaced(text, share, table, random)
    return noisy(text, config.noise, random) if config.noise else text


def replaced(text: str, share: float, table: Alternatives, random: np.random.Generator) -> str:
    """`text` with about `share` of its words and marks replaced: those drawn that have alternatives, spaces as they were.

    So that the share is reached although few words have alternatives, these are drawn the more often.
    """
    spans = words(text, language_of([text]))
    there = [n for n, (a, b) in enumerate(spans) if text[a:b].lower() in table]
    count = min(len(there), int(random.binomial(len(spans), share)))
    chosen = set(random.permutation(there)[:count].tolist()) if count else set()
    written, end = [], 0
    for number, (start, stop) in enumerate(spans):
        word = text[start:stop]
        written += [text[end:start], _other(word, table, random) if number in chosen else word]
        end = stop
    return "".join([*written, text[end:]])


def _other(word: str, table: Alternatives, random: np.random.Generator) -> str:
    """One of the alternatives, with a capital where the word has one."""
    found = table[word.lower()]
    other = found[int(random.integers(len(found)))]
    if word.isupper() and len(word) > 1:
        return other.upper()
    return other[:1].upper() + other[1:] if word[:1].isupper() else other
