"""Sentences of English and Chinese text, as character spans.

Every mark that may end a sentence is looked at once, with a few characters on either side: rules rather than a
model, so that a wrong split can be explained (after the lists of Kiss and Strunk, 2006, and of the "golden
rules" that splitters are compared by).

* A full stop ends nothing inside a number or an address, after an initial (J. K. Rowling), after an abbreviation
  that leans on the next word (Dr., e.g.), or before a small letter.
* Chinese marks 。！？ end a sentence together with the quotes and brackets that close after them; ； does not.
* A quoted sentence followed by who said it is one sentence: “你好！”他说。
* A blank line ends a sentence, and so does a line that begins a list item. Any other line break is a space in
  English, where text is wrapped, and the end of a sentence in Chinese unless the line ends with a comma.

Left out: sentences without any mark in chat style, beyond line breaks.
"""

# ruff: noqa: SIM905 - long word lists read better as text than as quoted literals

import re

from zhixing.text.han import COMMON
from zhixing.text.span import Span
from zhixing.text.tags import require_supported

CLOSING = "”’\"'」』）》〉】）)\\]}»*_"
END = re.compile(
    r"(?P<chinese>[。！？｡]+[。！？｡!?…]*|…{2,}|⋯{2,}|[!?][!?！？]*(?=[\u2e80-\u9fff“”「」『』]))"
    r"|(?P<western>[.!?…．]+)"
    r"|(?P<line>(?<![^\S\n])[^\S\n]*+\n\s*+)"
)
OPENING = "\"'“‘([{（《「-"
CLOSERS = re.compile(rf"[{CLOSING}]{{1,8}}")
ITEM = re.compile(
    r"(?:[-*+•·●○▪◦–—]\s|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,5})[.)]\s"
    rf"|\d{{1,3}}(?:[．、]|\.(?=[{COMMON}]))"
    r"|[（(][\d一二三四五六七八九十]{1,3}[)）]|[一二三四五六七八九十]{1,3}、|[①-⑳]"
    r"|第[\d一二三四五六七八九十百]{1,4}[章节条款])"
)
MARKER = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5})")
SAID = re.compile(
    f"[{COMMON}]{{0,6}}?"
    "(?:说|問|问|道|喊|答|叫|嚷|笑道|說|告诉|回答|表示|写道)(?:道|着|着说)?[，。：、！]"
)
SMALL = re.compile(r"[\"'“‘(\[]*[a-z]")
NEXT_WORD = re.compile(r"[\"'“‘(\[]*([A-Za-z']+)")

LEANS_ON_NEXT = frozenset(
    """
    mr mrs ms mx dr prof rev fr sr st gen col maj capt cmdr lt sgt cpl adm hon pres gov sen rep supt det insp
    messrs mmes mme mlle e.g i.e eg ie cf vs v viz al fig figs eq eqs no nos vol vols pp p ch chap sec sect art
    ed eds tr trans ca c approx resp tab ref refs jan feb mar apr jun jul aug sept sep oct nov dec mt ft
    """.split()
)
"""Never the end of a sentence, except `no` (which is also a word, and needs a number after it)."""
MAY_END = frozenset(
    """
    etc inc ltd co corp bros jr sr esq dept univ assn ave blvd rd a.m p.m am pm ph.d m.d b.a m.a b.sc m.sc d.c
    """.split()
)
"""An end only before a word that begins sentences."""
STARTERS = frozenset(
    """
    the a an this that these those it he she we they i you his her its our their my your there here in on at
    for from with by to as of if when while where after before since because although though however but and or
    so yet then thus therefore moreover also no not what who why how which each every some many most all one
    both such let please do does did is are was were can could should would will may might now today yesterday
    """.split()
)


def sentences(text: str, language: str) -> list[Span]:
    """Every non-space character of `text` in exactly one span, in order; spans do not begin or end with space.

    Raises UnsupportedError, naming the language, for anything but English and Chinese.
    """
    primary = require_supported(language, "sentence splitting")
    splitter = _Splitter(text, breaks_lines=primary == "zh")
    return splitter.run()


class _Splitter:
    """One walk over the marks of one text."""

    def __init__(self, text: str, *, breaks_lines: bool) -> None:
        self.text = text
        self.breaks_lines = breaks_lines
        self.has_capitals = re.search("[A-Z]", text) is not None
        self.spans: list[Span] = []
        self.start = 0
        self.quotes_until = 0
        self.quotes = 0

    def run(self) -> list[Span]:
        for mark in END.finditer(self.text):
            if mark.start() < self.start:
                continue
            if mark.lastgroup == "line":
                if self._line_ends(mark):
                    self._close(mark.start())
                    self.quotes = 0
                continue
            end = self._with_closers(mark.end())
            ends = self._chinese_ends if mark.lastgroup == "chinese" else self._western_ends
            if ends(mark, end):
                self._close(end)
        self._close(len(self.text))
        return self.spans

    def _close(self, end: int) -> None:
        """Add the sentence up to `end`, without the space around it."""
        piece = self.text[self.start : end]
        stripped = piece.strip()
        if stripped:
            begin = self.start + len(piece) - len(piece.lstrip())
            self.spans.append(Span(begin, begin + len(stripped)))
        self.start = end

    def _with_closers(self, end: int) -> int:
        """The end of the quotes and brackets that close right after a mark."""
        closers = CLOSERS.match(self.text, end)
        if closers is None:
            return end
        for at in range(closers.start(), closers.end()):
            if self.text[at] == '"' and not self._is_open_quote(at):
                return at
        return closers.end()

    def _is_open_quote(self, at: int) -> bool:
        """Whether a straight quote at `at` closes one: an odd number came before it in this paragraph."""
        self.quotes += self.text.count('"', self.quotes_until, at)
        self.quotes_until = max(self.quotes_until, at)
        return self.quotes % 2 == 1

    def _chinese_ends(self, mark: re.Match[str], end: int) -> bool:
        after = self.text[end : end + 12]
        if after and after[0] in "，、；：,;:":
            return False
        if mark[0][0] in "…⋯":  # a stammer or a trailing off, unless something new begins
            before = self.text[mark.start() - 1 : mark.start()]
            return not (before and after.startswith(before))
        is_quoted = end > mark.end() and self.text[end - 1] in '”’」』"'
        return not (is_quoted and SAID.match(after))

    def _western_ends(self, mark: re.Match[str], end: int) -> bool:
        after = self.text[end : end + 40]
        following = after.lstrip()
        if following and following == after and not "\u2e80" <= after[0] <= "\u9fff":
            return False  # inside a number, an address or a name: 3.14, example.org, os.path
        if not following:
            return True
        if "\n" in after[: len(after) - len(following)] and ITEM.match(following):
            return True
        if SMALL.match(following) and (self.has_capitals or mark[0].startswith("..")):
            return False
        if mark[0] not in ".．":
            return True
        return not self._is_abbreviation(mark.start(), following)

    def _is_abbreviation(self, stop: int, following: str) -> bool:
        """Whether the word before the full stop at `stop` is an abbreviation that goes on."""
        if stop - self.start < 80 and MARKER.fullmatch(self.text[self.start : stop].strip()):
            return True  # "1. First": the number of a list item
        last = self.text[max(self.start, stop - 24) : stop].split()[-1:]
        word = last[0].lstrip(OPENING) if last else ""
        if not word.isascii() or not word:
            return False
        name = word.lower()
        if name == "no":
            return following[:1].isdigit()
        if name in LEANS_ON_NEXT and not (name in ("v", "c", "p") and word.isupper()):
            return True
        next_word = NEXT_WORD.match(following)
        starts = next_word is not None and next_word[1].lower() in STARTERS
        is_initial = len(name) == 1 and word.isupper()
        is_acronym = re.fullmatch(r"[A-Za-z](?:\.[A-Za-z])+", word) is not None
        return (is_initial or is_acronym or name in MAY_END) and not starts

    def _line_ends(self, mark: re.Match[str]) -> bool:
        if mark[0].count("\n") > 1:
            return True
        if ITEM.match(self.text, mark.end()):
            return True
        if not self.breaks_lines:
            return False
        return self.text[mark.start() - 1 : mark.start()] not in "，、：；,（“‘《"
