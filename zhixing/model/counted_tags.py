"""Taggers that are counted, not trained: what every learnt tagger has to beat.

most frequent    argmax_t c(w, t)
hidden Markov    argmax over t₁ … t_n of  Π p(t_i | t_{i-1}) p(w_i | t_i),  found by Viterbi 1967

    p(t | s) = (c(s, t) + k_s p(t)) / (c(s) + k_s)        k_s: different tags seen after s (Witten & Bell 1991)
    p(w | t) = c(w, t) / c(t); of a word never seen it is p(t | its ending) / p(t), up to a factor that all tags share

The ending is learnt from words seen at most RARE times, longer endings leaning on shorter ones, words with a capital letter
apart (Brants 2000, "TnT", §2.3). Left out: trigrams of tags.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol, Self, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError

Sentence = tuple[Sequence[str], Sequence[str]]
"""Words and as many tags."""
Floats = NDArray[np.float64]
RARE = 10
"""Words seen more often than this say nothing of what new words are like."""
LONGEST_ENDING = 5
"""Letters."""


class CountedTagger(Protocol):
    """Tags from counts."""

    def fit(self, sentences: Iterable[Sentence]) -> Self:
        """Count. Raises DataError when there is no word to count."""

    def tag(self, words: Sequence[str]) -> list[str]:
        """A tag for each word."""


@final
class MostFrequentTag:
    """The tag that a word has most often; a new word gets the one that most words have that were seen once."""

    def __init__(self) -> None:
        self._of_word: dict[str, str] = {}
        self._of_new = ""

    def fit(self, sentences: Iterable[Sentence]) -> Self:
        """See CountedTagger."""
        found = _tags_of_words(sentences)
        self._of_word = {word: counts.most_common(1)[0][0] for word, counts in found.items()}
        once = Counter(self._of_word[word] for word, counts in found.items() if counts.total() == 1)
        self._of_new = (once or Counter(self._of_word.values())).most_common(1)[0][0]
        return self

    def tag(self, words: Sequence[str]) -> list[str]:
        """See CountedTagger."""
        return [self._of_word.get(word, self._of_new) for word in words]


@final
class HiddenMarkov:
    """Tags that are likely together: bigrams of tags, words given their tags."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._steps: Floats = np.zeros((1, 1))  # (before, after); the last row and column: no tag
        self._shares: Floats = np.zeros(0)
        self._known: dict[str, tuple[NDArray[np.int64], Floats]] = {}
        self._endings: dict[str, Floats] = {}

    def fit(self, sentences: Iterable[Sentence]) -> Self:
        """See CountedTagger."""
        read = [(words, tags) for words, tags in sentences if words]
        found = _tags_of_words(read)
        self._names = sorted({tag for counts in found.values() for tag in counts})
        numbers = {name: number for number, name in enumerate(self._names)}
        totals = np.zeros(len(self._names))
        for counts in found.values():
            for tag, count in counts.items():
                totals[numbers[tag]] += count
        self._shares = totals / totals.sum()
        self._steps = np.log(_steps(read, numbers))
        self._known = {
            word: _emission([numbers[tag] for tag in counts], [*counts.values()], totals)
            for word, counts in found.items()
        }
        self._endings = self._learn_endings(found, numbers)
        return self

    def tag(self, words: Sequence[str]) -> list[str]:
        """See CountedTagger."""
        if not words:
            return []
        none = len(self._names)
        before, best = np.array([none]), np.zeros(1)
        trail: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        for word in words:
            tags, emission = self._known.get(word) or self._emission_of_new(word)
            reached = best[:, None] + self._steps[np.ix_(before, tags)]  # (before, tags)
            origin = reached.argmax(axis=0)
            trail.append((tags, origin))
            best, before = reached.max(axis=0) + emission, tags
        place = int((best + self._steps[before, none]).argmax())
        chosen = []
        for tags, origin in reversed(trail):
            chosen.append(self._names[tags[place]])
            place = int(origin[place])
        return chosen[::-1]

    def _learn_endings(
        self, found: dict[str, Counter[str]], numbers: dict[str, int]
    ) -> dict[str, Floats]:
        """The logarithm of p(t | ending) / p(t), for every ending of rare words."""
        counts: dict[str, Floats] = defaultdict(lambda: np.zeros(len(numbers)))
        for word, tags in found.items():
            if tags.total() <= RARE:
                for ending in _endings(word):
                    for tag, count in tags.items():
                        counts[ending][numbers[tag]] += count
        chances: dict[str, Floats] = {}
        for ending in sorted(counts, key=len):
            shorter = chances.get(_shorter(ending), self._shares)
            kinds = np.count_nonzero(counts[ending])
            chances[ending] = (counts[ending] + kinds * shorter) / (counts[ending].sum() + kinds)
        return {ending: np.log(chance / self._shares) for ending, chance in chances.items()}

    def _emission_of_new(self, word: str) -> tuple[NDArray[np.int64], Floats]:
        known = (self._endings[each] for each in reversed(_endings(word)) if each in self._endings)
        return np.arange(len(self._names)), next(known, np.zeros(len(self._names)))


def _tags_of_words(sentences: Iterable[Sentence]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for words, tags in sentences:
        for word, tag in zip(words, tags, strict=True):
            found[word][tag] += 1
    if not found:
        raise DataError("there is no word to count tags of")
    return dict(found)


def _steps(sentences: Iterable[Sentence], numbers: dict[str, int]) -> Floats:
    """p(after | before) of tags; one more stands for what is before the first word and behind the last."""
    none = len(numbers)
    counts = np.zeros((none + 1, none + 1))
    for _, tags in sentences:
        path = [none, *(numbers[tag] for tag in tags), none]
        np.add.at(counts, (path[:-1], path[1:]), 1)
    kinds = np.count_nonzero(counts, axis=1)[:, None]
    shares = counts.sum(axis=0) / counts.sum()
    return (counts + kinds * shares) / (counts.sum(axis=1, keepdims=True) + kinds)


def _emission(
    tags: list[int], counts: list[int], totals: Floats
) -> tuple[NDArray[np.int64], Floats]:
    places = np.array(tags)
    return places, np.log(np.array(counts) / totals[places])


def _endings(word: str) -> list[str]:
    """Of every length from none on, the shortest first; a mark at the front keeps words with a capital apart."""
    mark = "A" if word[:1].isupper() else "a"
    longest = min(LONGEST_ENDING, len(word))
    return [f"{mark}{word[len(word) - size :]}" for size in range(longest + 1)]


def _shorter(ending: str) -> str:
    return ending[0] + ending[2:]
