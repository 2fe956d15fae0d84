"""The help of LibreOffice: a page per file, and the same page in another language, paragraph by paragraph.

    <p id="par_id3150437">If you want …</p>      help/en-US/text/scalc/01/04060102.html
    <p id="par_id3150437">如果需要 …</p>          help/zh-CN/text/scalc/01/04060102.html      the same id: a pair

Two kinds of pairs are read here: a paragraph and its translation, and what stands under a heading with that heading. Both
also become searches: for the translation, and for the text under a heading.
A paragraph with equally many sentences on both sides becomes that many pairs, in their order (a simple case of Gale &
Church 1993, which aligns any numbers of them). Left out: text that was not translated, paths through menus, which the
pages repeat on every page, and what is shown on one operating system only.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.pairs import Pair, part_of_pair, write_pairs
from zhixing.corpus.parts import same
from zhixing.corpus.searches import Match
from zhixing.text.han import HAS_HAN
from zhixing.text.sentences import sentences

LANGUAGES: Mapping[str, str] = {
    "en-US": "en",
    "zh-CN": "zh",
    "zh-TW": "zh-Hant",
    **{tag: tag for tag in ("de", "es", "fr", "ja")},
}
"""Folder of a package -> language."""
MOST_CHARACTERS = 2000
"""A longer text under a heading is left out; so is a shorter one than `LEAST_CHARACTERS`."""
LEAST_CHARACTERS = 40
_BLOCK = re.compile(r'<(p|h[1-6])\s[^>]*?\bid="([^"]+)"[^>]*>(.*?)</\1>', re.S)
_PAGE = re.compile(r"/help/([^/]+)/text/(.+)\.html$")
_TAG = re.compile(r"(<[^>]*>)")
_ENDLESS = ("br", "img", "meta", "input", "hr")
"""Tags that nothing closes."""
_LETTERS = re.compile("[A-Za-z]{2}")
_RATIOS = (0.1, 1.2)
"""Chinese characters per English one between which a sentence can be the translation of another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A paragraph or heading of a page; `level` is 1 to 6 for headings, 0 for paragraphs."""

    id: str
    level: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page in one language; `name` is the same in all languages."""

    name: str
    language: str
    blocks: tuple[Block, ...]


def pages(archive: Archive) -> Iterator[Page]:
    """Every page that has text. Raises DataError for a package in a language that is not known here."""
    for name, language, markup in markups(archive):
        found = tuple(blocks(markup))
        if found:
            yield Page(name=name, language=language, blocks=found)


def markups(archive: Archive) -> Iterator[tuple[str, str, str]]:
    """Name, language and HTML of every page; raises DataError as `pages` does."""
    for name, content in archive.members("*/help/*/text/*.html"):
        match = _PAGE.search(name)
        if match is None or match[1] not in LANGUAGES:
            raise DataError(
                f"{archive.path} holds {name}, which is in none of the languages {', '.join(LANGUAGES)}"
            )
        yield match[2], LANGUAGES[match[1]], content.decode("utf-8", "replace")


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per page."""
    for page in pages(archive):
        yield Document(
            id=page.name,
            text="\n\n".join(block.text for block in page.blocks),
            source=f"libreoffice-help-{page.language}",
            language=page.language,
        )


def write_translations(archives: Sequence[Archive], folder: Path) -> Mapping[str, int]:
    """Write English to Chinese as pairs; the first archive is the English one. Pages are not divided between parts."""
    english, chinese = archives
    return write_pairs((pair for _, pair in _translated(english, chinese)), folder)


def search_translations(english: Archive, chinese: Archive, *, to: str) -> Iterator[Match]:
    """A sentence or paragraph asks for its translation into the language `to`, en or zh."""
    for name, pair in _translated(english, chinese):
        query, text = (pair.source, pair.target) if to == "zh" else (pair.target, pair.source)
        yield Match(query=query, text=text, group=name)


def search_headings(archive: Archive) -> Iterator[Match]:
    """A heading asks for the text under it; one above several texts, or not translated, asks for none of them."""
    found = [
        Match(query=heading, text=text, group=page.name)
        for page in pages(archive)
        for heading, text in sections(page)
        if LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS
        and (page.language != "zh" or HAS_HAN.search(text))
    ]
    texts = defaultdict[str, set[str]](set)
    for each in found:
        texts[same(each.query)].add(same(each.text))
    for each in found:
        is_clear = len(texts[same(each.query)]) == 1 and (
            HAS_HAN.search(each.query) or not HAS_HAN.search(each.text)
        )
        yield each if is_clear else Match(query="", text=each.text, group=each.group)


def write_headings(archives: Sequence[Archive], folder: Path) -> Mapping[str, int]:
    """Write the text under each heading and the heading as pairs."""
    (archive,) = archives
    found = (
        Pair(part=part_of_pair(page.name), source=text, target=heading)
        for page in pages(archive)
        for heading, text in sections(page)
        if LEAST_CHARACTERS <= len(text) <= MOST_CHARACTERS
        and is_written_in(page.language, text, heading)
    )
    return write_pairs(found, folder)


def _translated(english: Archive, chinese: Archive) -> Iterator[tuple[str, Pair]]:
    """The pairs of every page that is there in both languages, with its name."""
    translated = {page.name: page for page in pages(chinese)}
    for page in pages(english):
        if page.name in translated:
            yield from ((page.name, pair) for pair in translations(page, translated[page.name]))


def translations(english: Page, chinese: Page) -> Iterator[Pair]:
    """Paragraphs and sentences of a page that were translated."""
    other = {block.id: block.text for block in chinese.blocks}
    part = part_of_pair(english.name)
    for block in english.blocks:
        translated = other.get(block.id, "")
        if not HAS_HAN.search(translated) or not _LETTERS.search(block.text):
            continue
        for source, target in aligned(block.text, translated):
            if HAS_HAN.search(target) and _LETTERS.search(source):
                yield Pair(part=part, source=source, target=target)


def aligned(english: str, chinese: str) -> list[tuple[str, str]]:
    """A paragraph sentence by sentence; as a whole where the sentences of both sides do not belong to each other."""
    first, second = (
        [text[start:end] for start, end in sentences(text, language)]
        for text, language in ((english, "en"), (chinese, "zh"))
    )
    pairs = list(zip(first, second, strict=False))
    least, most = _RATIOS
    fits = all(least * len(one) <= len(other) <= most * len(one) + 2 for one, other in pairs)
    return pairs if len(first) == len(second) and fits else [(english, chinese)]


def is_written_in(language: str, *texts: str) -> bool:
    """Whether all of them have letters of the language; what was not translated into Chinese stands there in English."""
    letters = HAS_HAN if language == "zh" else _LETTERS
    return all(letters.search(text) for text in texts)


def sections(page: Page) -> Iterator[tuple[str, str]]:
    """Every heading with the paragraphs up to the next heading, joined by line ends."""
    heading, found = "", list[str]()
    for block in (*page.blocks, Block(id="", level=1, text="")):
        if not block.level:
            found.append(block.text)
            continue
        if heading and found:
            yield heading, "\n".join(found)
        heading, found = block.text, []


def blocks(markup: str) -> Iterator[Block]:
    """The paragraphs and headings of a page that have text, in order."""
    for tag, identity, inner in _BLOCK.findall(markup):
        text = " ".join(unescape(_shown(inner)).split())
        if text:
            yield Block(id=identity, level=0 if tag == "p" else int(tag[1]), text=text)


def _shown(markup: str) -> str:
    """Text between tags. Of the variants of a key or a name, all hidden until a page knows its reader's system, the usual
    one is shown, which has no class.
    """
    shown, open_tags, hidden_inside = [], 0, 0
    for piece in _TAG.split(markup):
        if not piece.startswith("<"):
            shown += [] if hidden_inside else [piece]
        elif piece.startswith("</"):
            hidden_inside = 0 if open_tags == hidden_inside else hidden_inside
            open_tags -= 1
        elif piece[1:].split(maxsplit=1)[0].strip("/>") in _ENDLESS:
            shown.append(" ")
        else:
            open_tags += 1
            if 'hidden="true"' in piece and "class=" in piece and not hidden_inside:
                hidden_inside = open_tags
    return "".join(shown)
