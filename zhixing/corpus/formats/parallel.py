"""Translations as WMT publishes them: two plain files of equally many lines, or two SGM files with numbered segments.

    news.en, news.zh                              line n of one is line n of the other
    <srcset …><doc docid="a"><seg id="1">…        segments are joined by document and number

SGM is read as loosely as its files need (tags in either case, an & on its own), with the standard library's parser; entities
such as &amp; become characters. A pair with an empty side is left out and counted.
"""

from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import zip_longest
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.corpus.encoding import TextFile
from zhixing.corpus.formats.place import numbered, wrong
from zhixing.corpus.table_rows import BrokenRow, Row

SegmentName = tuple[str, str]
"""Document and number."""


def read_plain(source: Path, target: Path) -> Iterator[Row | BrokenRow]:
    """{src, tgt} of two files, line by line. Raises DataError when one ends before the other."""
    nothing = (0, None)
    both = zip_longest(numbered(source), numbered(target), fillvalue=nothing)
    for (number, one), (other_number, other) in both:
        if one is None or other is None:
            short, long = (source, target) if one is None else (target, source)
            last = max(number, other_number) - 1
            raise DataError(
                f"{short} ends after line {last} and {long} goes on; parallel files have equally many lines"
            )
        yield _pair(one, other)


def read_sgm(source: Path, target: Path) -> Iterator[Row | BrokenRow]:
    """{src, tgt, id} of two files, in the order of the first. Raises DataError when their segments differ."""
    one, other = segments(source), segments(target)
    missing = [name for name in one if name not in other] or [n for n in other if n not in one]
    if missing:
        document, number = missing[0]
        lacking = target if missing[0] in one else source
        raise DataError(
            f"{lacking} has no segment {number} of document {document!r}, which the other file has; "
            f"{len(missing)} are missing in all"
        )
    for (document, number), text in one.items():
        pair = _pair(text, other[document, number])
        yield pair if isinstance(pair, str) else {**pair, "id": f"{document}:{number}"}


def segments(path: Path) -> dict[SegmentName, str]:
    """Document and number of every segment with its text. Raises DataError, with the line, for what has none."""
    parser = _Segments(path)
    for piece in TextFile(path=path).sound_pieces():
        parser.feed(piece)
    parser.close()
    if parser.is_open:
        line, column = parser.getpos()
        raise wrong(path, line, column + 1, "the file ends inside a <seg>")
    if not parser.found:
        raise DataError(f"{path} has no <seg>; an SGM file has them inside <doc docid=…>")
    return parser.found


class _Segments(HTMLParser):
    """Collects what stands in <seg id> of <doc docid>; everything else is passed over."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[SegmentName, str] = {}
        self.is_open = False
        self._path, self._document, self._number = path, "", ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A document or a segment begins."""
        named = {key: value or "" for key, value in attrs}
        if tag == "doc":
            self._document = named.get("docid", "")
        if tag != "seg":
            return
        if self.is_open or not named.get("id") or not self._document:
            problem = (
                "a <seg> begins inside another one"
                if self.is_open
                else "a <seg> needs an id, and a <doc docid=…> around it"
            )
            raise self._wrong(problem)
        self.is_open, self._number, self._text = True, named["id"], []

    def handle_data(self, data: str) -> None:
        """Text, of which that of segments is kept."""
        if self.is_open:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """A segment ends."""
        if tag != "seg" or not self.is_open:
            return
        name = (self._document, self._number)
        if name in self.found:
            raise self._wrong(f"segment {name[1]} of document {name[0]!r} is there twice")
        self.found[name] = " ".join("".join(self._text).split())
        self.is_open = False

    def _wrong(self, problem: str) -> DataError:
        line, column = self.getpos()
        return wrong(self._path, line, column + 1, problem)


def _pair(source: str, target: str) -> Row | BrokenRow:
    source, target = source.strip(), target.strip()
    return {"src": source, "tgt": target} if source and target else "empty_side"
