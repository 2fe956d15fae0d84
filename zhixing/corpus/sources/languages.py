"""Texts whose language is to be told: the help of LibreOffice in seven languages, and Brown and the People's Daily to test on.

    a page, all its translations ── part_of its name ──▶ one part        so no test paragraph was learnt in another language

Chinese is in two scripts, which are two labels: zh-Hans (mainland) and zh-Hant (Taiwan). A paragraph that reads as in English
was not translated, and is left out in other languages. In the test only, the first words of each paragraph are a text of their
own (`size`: short), as are the beginnings of other texts than the help (`source`).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from zhixing.corpus.archive import Archive
from zhixing.corpus.composed import Piece, WrittenPieces, write_composed
from zhixing.corpus.cut import pieces
from zhixing.corpus.document import Document
from zhixing.corpus.parts import Part, number_of, part_of
from zhixing.corpus.sources import brown, libreoffice_help, peoples_daily

LABELS: Mapping[str, str] = {"zh": "zh-Hans"}
"""Language of a page -> label, where it is another."""
TAKEN = 8
"""One of so many paragraphs is taken, the same one in every language."""
SHORT = {"ja": 6, "zh-Hans": 4, "zh-Hant": 4}
"""Characters of a short text where words have no spaces between them; elsewhere it has SHORT_WORDS words."""
SHORT_WORDS = 2
LONGEST = 300
BEGINNINGS = 500
"""Documents of each other source whose beginning is tested."""


def write(archives: Mapping[str, Archive], folder: Path) -> WrittenPieces:
    """Write the examples; `archives` by their names in the catalogue, those of the help beginning with libreoffice-help."""
    helps = [archive for name, archive in archives.items() if name.startswith("libreoffice-help")]
    others = {
        "en": brown.read(archives["brown"]),
        "zh-Hans": peoples_daily.read(archives["peoples-daily"]),
    }
    found = [*_paragraphs(helps)]
    found += [each for label, documents in others.items() for each in _starts(label, documents)]
    return write_composed(found, folder)


def _paragraphs(archives: Iterable[Archive]) -> Iterator[Piece]:
    english: dict[tuple[str, str], str] = {}
    for archive in archives:
        for page in libreoffice_help.pages(archive):
            part = part_of(page.name)
            label = LABELS.get(page.language, page.language)
            for block in page.blocks:
                key = (page.name, block.id)
                if number_of("/".join(key)) % TAKEN:
                    continue
                if label == "en":
                    english[key] = block.text
                elif block.text == english.get(key):
                    continue
                yield from _sizes(block.text, label, part, page.name)


def _sizes(text: str, label: str, part: Part, document: str) -> Iterator[Piece]:
    """The text, at most LONGEST characters of it; in the test its first words too."""
    told = {"source": "libreoffice-help", "size": "whole"}
    if _has_letters(text):
        start = pieces(text, LONGEST)[0]
        yield Piece(part=part, text=start, label=label, document=document, fields=told)
    short = text[: SHORT[label]] if label in SHORT else " ".join(text.split()[:SHORT_WORDS])
    if part == "test" and short != text and _has_letters(short):
        yield Piece(
            part=part, text=short, label=label, document=document, fields={**told, "size": "short"}
        )


def _starts(label: str, documents: Iterable[Document]) -> Iterator[Piece]:
    """The beginning of each of the first documents."""
    for document, _ in zip(documents, range(BEGINNINGS), strict=False):
        yield Piece(
            part="test",
            text=pieces(document.text, LONGEST)[0],
            label=label,
            document=f"{document.source}:{document.id}",
            fields={"source": document.source, "size": "whole"},
        )


def _has_letters(text: str) -> bool:
    return any(character.isalpha() for character in text)
