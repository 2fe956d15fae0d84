"""WordNet 3.0: nouns with their meanings, and questions about them that were made by rule.

    00401783 04 n 02 refreshment 0 recreation 1 005 @ 00401639 … | activity that refreshes and recreates; …
    offset      n    words                        ^ the more general noun   ^ meaning

Synthetic questions: two to four words, most of them of one kind, are told of in a sentence or two each, one way out of
several. What a word means, what it is also called, what it is a kind of, and which word means something is asked. Asked without
an answer: of a word that is not among them, or for what the text does not tell of one that is. Words of one kind are in one
part, so no word is asked about in two (Fellbaum 1998 describes WordNet; the form of its files is in wndb(5)).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.parts import number_of, one_of, part_of
from zhixing.corpus.questions import Passage, Question, filled, joined

GENERAL = ("@", "@i")
"""Pointers from a noun to the more general one, and from an instance to its class."""
LEAST_WORDS, MOST_WORDS = 4, 12
"""Words of a meaning that is told."""
SIZES = (2, 3, 3, 4)
"""Nouns in a context."""
_NOTE = re.compile(r"^\([^)]*\)\s*")
_PLAIN = re.compile(r"[a-z][a-z' -]{2,24}")
_TOLD: Mapping[str, tuple[str, ...]] = {
    "meaning": (
        "{word}: {meaning}.",
        "By {word} people mean {meaning}.",
        "The word {word} stands for {meaning}.",
    ),
    "kind": (
        "{word}, a kind of {kind}: {meaning}.",
        "Among the things called {kind} is {word}, which means {meaning}.",
        "The word {word} stands for {meaning}. It belongs under {kind}.",
    ),
    "other": (
        "{word} (also {other}): {meaning}.",
        "People who say {word} or {other} mean {meaning}.",
        "The word {word} stands for {meaning}. Another word for it is {other}.",
    ),
    "all": (
        "{word} (also {other}), a kind of {kind}: {meaning}.",
        "{other} or {word} belongs under {kind} and means {meaning}.",
        "The word {word} stands for {meaning}. It is a kind of {kind}, and some say {other}.",
    ),
}
"""What is told of a noun beside its meaning -> ways to say it."""
_ASKED: Mapping[str, tuple[str, ...]] = {
    "meaning": ("What does {word} mean?", "What is {word}?", "How is {word} defined?"),
    "other": ("What is {word} also called?", "What is another word for {word}?"),
    "kind": ("What is {word} a kind of?", "What sort of thing is {word}?"),
    "word": ("Which word means {part}?", "What is the word for {part}?"),
}
"""What is asked -> ways to ask."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Noun:
    """A meaning, the words that have it, the more general meaning (by offset; empty for the most general), and its offset."""

    offset: str
    words: tuple[str, ...]
    meaning: str
    general: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """A noun as it is told of in a context: its facts by name, and those that are told."""

    noun: Noun
    facts: Mapping[str, str]
    passage: Passage


def nouns(archive: Archive) -> Iterator[Noun]:
    """Yield every noun in the order of the file. Raises DataError for a line in another form."""
    for name, content in archive.members("*/wordnet/data.noun"):
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if line.startswith(" "):  # the licence
                continue
            try:
                yield _noun(line)
            except (ValueError, IndexError) as error:
                raise DataError(f"{name}, line {number}: no noun of WordNet: {line:.60}") from error


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per meaning: its words, and what they mean."""
    for noun in nouns(archive):
        text = f"{', '.join(noun.words)}: {noun.meaning}"
        yield Document(id=noun.offset, text=text, source="wordnet", language="en")


def questions(archive: Archive) -> Iterator[Question]:
    """Questions about nouns of whose kind there are others, with and without an answer."""
    every = {noun.offset: noun for noun in nouns(archive)}
    groups: dict[str, list[Noun]] = {}
    for noun in every.values():
        if _is_plain(noun):
            groups.setdefault(noun.general, []).append(noun)
    by_part: dict[str, list[Noun]] = {}
    for general in sorted(groups, key=number_of):
        of_a_kind = sorted(groups[general], key=lambda noun: number_of(noun.offset))
        by_part.setdefault(part_of(general), []).extend(of_a_kind)
    for found in by_part.values():
        texts = [_entries(part, every) for part in _cut(found)]
        for here, other in pairwise([*texts, texts[0]]):
            yield from _of_a_text(here, other[0])


def _noun(line: str) -> Noun:
    fields, _, gloss = line.partition(" | ")
    columns = fields.split()
    count = int(columns[3], 16)
    words = tuple(word.replace("_", " ") for word in columns[4 : 4 + 2 * count : 2])
    pointers = columns[5 + 2 * count :]
    general = [
        at for sign, at in zip(pointers[::4], pointers[1::4], strict=False) if sign in GENERAL
    ]
    meaning = _NOTE.sub("", gloss.split('; "')[0].split(";")[0].strip())
    return Noun(
        offset=columns[0], words=words, meaning=meaning, general=general[0] if general else ""
    )


def _is_plain(noun: Noun) -> bool:
    """Whether it is a common word with a meaning of a usual length and in one clause."""
    fits = LEAST_WORDS <= len(noun.meaning.split()) <= MOST_WORDS
    return fits and bool(_PLAIN.fullmatch(noun.words[0])) and not re.search(r'[:"()]', noun.meaning)


def _cut(found: Sequence[Noun]) -> Iterator[Sequence[Noun]]:
    place = 0
    while len(found) - place >= SIZES[0]:
        size = one_of(SIZES, f"size {found[place].offset}")
        yield found[place : place + size]
        place += size


def _entries(found: Sequence[Noun], every: Mapping[str, Noun]) -> list[_Entry]:
    return [_entry(noun, every) for noun in found]


def _entry(noun: Noun, every: Mapping[str, Noun]) -> _Entry:
    facts = {"word": noun.words[0], "meaning": noun.meaning}
    others = [word for word in noun.words[1:] if word.lower() != noun.words[0]]
    if others:
        facts["other"] = others[0]
    if noun.general:
        facts["kind"] = every[noun.general].words[0]
    told = "all" if {"other", "kind"} <= set(facts) else "other" if others else "kind"
    told = one_of((told, told, "meaning"), f"told {noun.offset}") if len(facts) > 2 else "meaning"
    template = one_of(_TOLD[told], f"template {noun.offset}")
    return _Entry(noun=noun, facts=facts, passage=filled(template, facts))


def _of_a_text(here: Sequence[_Entry], other: _Entry) -> Iterator[Question]:
    """A question about each noun of a text, and one about a noun that is not there."""
    context, starts = joined([each.passage for each in here], " ")
    for start, each in zip([*starts, None], [*here, other], strict=True):
        key = f"{here[0].noun.offset}-{each.noun.offset}"
        asked = _asked(each, key)
        facts = {**each.facts, "part": _part(each.noun, key)}
        place = each.passage.starts.get(asked)
        is_there = start is not None and place is not None
        if start is None and any(facts[name] in context for name in ("word", "part")):
            continue  # it is told of after all
        yield Question(
            id=key,
            document=here[0].noun.general,
            question=filled(one_of(_ASKED[asked], f"way {key}"), facts).text,
            context=context,
            answer=each.facts[asked] if is_there else "",
            start=start + place if start is not None and place is not None else 0,
        )


def _asked(each: _Entry, key: str) -> str:
    """What is asked of a noun. Its kind only where it is told: else the meaning names it all the same."""
    asked = one_of(tuple(_ASKED), f"asked {key}")
    return "meaning" if asked == "kind" and "kind" not in each.passage.starts else asked


def _part(noun: Noun, key: str) -> str:
    """A half of a meaning: its begin, its middle or its end."""
    words = noun.meaning.split()
    half = (len(words) + 1) // 2
    start = one_of((0, half // 2, len(words) - half), f"part {key}")
    return " ".join(words[start : start + half])
