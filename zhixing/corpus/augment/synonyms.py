"""Words of the same meaning, by two dictionaries; never words that hold sentences together, such as `not` and 不.

English    WordNet lists the meanings of a word by how often they were met in text: two words are alike when the first one
           is the same, of the part of speech that was met in most meanings. Only words as they stand there, so no plurals
           and no past tenses.
Chinese    CC-CEDICT gives meanings in English. One in common says little (质量 and 弥撒 are both `mass`), so words of two
           characters or more are alike when they share two meanings, or when the only one of both is the same.

Fellbaum 1998 describes WordNet; the form of its files is in wndb(5).
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.sources.cc_cedict import Entry, plain_meanings
from zhixing.text.stop_words import stop_words

Alternatives = Mapping[str, tuple[str, ...]]
"""Word -> words that may stand in its place; words without any are not there."""
MOST_ALIKE = 12
"""Words that share a meaning at most; a meaning of more is one that says little, such as the name of an unknown plant."""


def english(archive: Archive) -> Alternatives:
    """Synonyms by WordNet, in lower case. Raises DataError for an index in another form."""
    best: dict[str, tuple[int, str]] = {}
    left_out = stop_words("en")
    for name, content in archive.members("*/wordnet/index.*"):
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if line.startswith(" "):  # the licence
                continue
            try:
                word, met, meaning = _first_meaning(line)
            except (ValueError, IndexError) as error:
                raise DataError(
                    f"{name}, line {number}: no entry of WordNet: {line:.60}"
                ) from error
            is_word = len(word) > 2 and word.isalpha() and word not in left_out
            if is_word and met > best.get(word, (-1, ""))[0]:
                best[word] = (met, meaning)
    return alike((word, meaning) for word, (_, meaning) in best.items())


def chinese(entries: Iterable[Entry], seen: Iterable[str]) -> Alternatives:
    """Synonyms by the first entry of a word that has a meaning, written with the characters of `seen` alone."""
    known, meanings = set(seen), dict[str, tuple[str, ...]]()
    left_out = stop_words("zh")
    for entry in entries:
        word = entry.simplified
        if len(word) > 1 and known.issuperset(word) and word not in left_out:
            found = tuple(dict.fromkeys(each.lower() for each in plain_meanings(entry)))
            if found:
                meanings.setdefault(word, found)
    return alike((word, key) for word, found in meanings.items() for key in _pairs(found))


def alike(keyed: Iterable[tuple[str, Hashable]]) -> Alternatives:
    """For every word those that share a key with it, in their order; keys of more than MOST_ALIKE words do not count."""
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for word, key in keyed:
        groups[key].append(word)
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for group in groups.values():
        if 1 < len(group) <= MOST_ALIKE:
            for word in group:
                found[word].update(dict.fromkeys(other for other in group if other != word))
    return {word: tuple(others) for word, others in found.items()}


def _pairs(meanings: tuple[str, ...]) -> Iterable[Hashable]:
    """Every two of them; a single one stands for itself."""
    return combinations(sorted(meanings), 2) if len(meanings) > 1 else meanings


def _first_meaning(line: str) -> tuple[str, int, str]:
    """A word, how many of its meanings were met in text, and the commonest: its part of speech and offset.

    `happy a 4 5 ! & ^ = + 4 2 01148283 …`: four meanings, five kinds of pointers, four meanings again, two met, offsets.
    """
    word, part, _, num_pointers, *rest = line.split()
    _, met, offset, *_ = rest[int(num_pointers) :]
    return word, int(met), f"{part}{int(offset)}"
