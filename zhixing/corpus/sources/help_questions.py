"""Questions about the help of LibreOffice, made by rule from its headings and what stands under them.

    页脚                                          「页脚」有什么作用？              ->  添加或删除页脚。
    添加或删除页脚。所有使用该样式的页面 …        哪一项可以“删除页脚”？            ->  页脚

Synthetic questions: consecutive sections of a page, each a heading and its first sentences, are a context. What a heading
does is asked, and which heading does something. Asked without an answer: of a heading of another page, and of one whose
text was taken out of the context. A page is in one part; a sentence that several pages have is told of where it comes first.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from zhixing.corpus.archive import Archive
from zhixing.corpus.parts import PARTS, number_of, one_of, part_of, same
from zhixing.corpus.questions import Passage, Question, filled, joined
from zhixing.corpus.sources.libreoffice_help import Page, pages, sections
from zhixing.text.han import COMMON, HAS_HAN
from zhixing.text.sentences import sentences

BARE_OF = 4
"""Of so many contexts one has a heading whose text was taken out."""
MOST_PAGES = 4
"""A heading of more pages (Syntax, Examples) is the name of nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """How questions are asked in a language, and sizes in characters: of headings, of answers, of whole contexts.

    beginning: what a sentence begins with that can be asked for.
    """

    asked: Mapping[str, tuple[str, ...]]
    heading: tuple[int, int]
    sentence: tuple[int, int]
    context: int
    beginning: re.Pattern[str]


STYLES: Mapping[str, Style] = {
    "en": Style(
        asked={
            "sentence": ("What does {heading} do?", "What is {heading} for?"),
            "heading": ("Which option {part}?", "What is the name of what {part}?"),
        },
        heading=(3, 50),
        sentence=(25, 170),
        context=360,
        beginning=re.compile("[A-Z][a-z]+s (?!the following)"),
    ),
    "zh": Style(
        asked={
            "sentence": ("“{heading}”有什么作用？", "{heading}是做什么的？"),
            "heading": ("哪一项{part}？", "“{part}”的是什么？"),
        },
        heading=(2, 20),
        sentence=(8, 70),
        context=130,
        beginning=re.compile(f"[{COMMON}]"),
    ),
}
"""Language -> how it asks."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading of a page, the first sentence under it, and what of the rest fits."""

    page: str
    heading: str
    sentence: str
    more: str

    @property
    def facts(self) -> Mapping[str, str]:
        """By name."""
        return {"heading": self.heading, "sentence": self.sentence, "more": self.more}


def questions(archive: Archive) -> Iterator[Question]:
    """Questions about every page that has two sections or more."""
    every = [(page, [*_sections(page)]) for page in pages(archive)]
    common = Counter(name for _, listed in every for name in {each.heading for each in listed})
    found: list[tuple[Page, list[Section]]] = []
    told = set[str]()
    for page, listed in every:
        own = Counter(each.heading for each in listed)
        fit = [
            each
            for each in listed
            if own[each.heading] == 1
            and common[each.heading] <= MOST_PAGES
            and same(each.sentence) not in told
        ]
        told |= {same(each.sentence) for each in fit}
        if len(fit) > 1:
            found.append((page, fit))
    for part in PARTS:
        here = [each for each in found if part_of(each[0].name) == part]
        here.sort(key=lambda each: number_of(each[0].name))
        for (page, fit), (_, other) in pairwise([*here, *here[:1]]):
            for context in _contexts(fit, STYLES[page.language]):
                yield from _of_a_context(context, other, STYLES[page.language])


def _sections(page: Page) -> Iterator[Section]:
    """Those with a heading and a sentence of the usual sizes, in the language of the page."""
    style = STYLES[page.language]
    for heading, text in sections(page):
        cut = [text[start:end].strip() for start, end in sentences(text, page.language)]
        if not cut or "\n" in cut[0]:
            continue
        fits = all(
            least <= len(value) <= most
            for value, (least, most) in ((heading, style.heading), (cut[0], style.sentence))
        )
        is_told = page.language == "en" or (HAS_HAN.search(heading) and HAS_HAN.search(cut[0]))
        if fits and is_told and any(map(str.isalpha, heading)):
            more = cut[1] if len(cut) > 1 and len(cut[1]) <= style.sentence[1] else ""
            yield Section(page=page.name, heading=heading, sentence=cut[0], more=more)


def _contexts(fit: Sequence[Section], style: Style) -> Iterator[list[Section]]:
    """Consecutive sections up to the size of a context, two at least."""
    context: list[Section] = []
    size = 0
    for each in fit:
        length = sum(map(len, each.facts.values())) + len(each.facts)
        if len(context) > 1 and size + length > style.context:
            yield context
            context, size = [], 0
        context.append(each)
        size += length
    if len(context) > 1:
        yield context


def _of_a_context(
    context: Sequence[Section], other: Sequence[Section], style: Style
) -> Iterator[Question]:
    """Every question about each section, and those about a section of another page."""
    key = f"{context[0].page}#{context[0].heading}"
    bare = number_of(f"bare {key}") % (BARE_OF * len(context))  # a place, or none of them
    passages = [_told(each, is_bare=place == bare) for place, each in enumerate(context)]
    text, starts = joined(passages, "\n")
    absent = one_of(other, f"absent {key}")
    asked = [
        (each, start, said.starts)
        for each, start, said in zip(context, starts, passages, strict=True)
    ]
    asked += [] if absent.heading in text or absent.sentence in text else [(absent, 0, {})]
    for place, (each, start, told) in enumerate(asked):
        for kind in _kinds(each, style):
            if kind == "heading" and told.keys() == {"heading"}:
                continue  # what it does was taken out, so nothing can be known of it
            yield Question(
                id=f"{key}#{place}-{kind}",
                document=context[0].page,
                question=_question(each, kind, style, key),
                context=text,
                answer=each.facts[kind] if kind in told else "",
                start=start + told[kind] if kind in told else 0,
            )


def _told(section: Section, *, is_bare: bool) -> Passage:
    if is_bare:
        return filled("{heading}", section.facts)
    return filled(
        "{heading}\n{sentence} {more}" if section.more else "{heading}\n{sentence}", section.facts
    )


def _kinds(section: Section, style: Style) -> tuple[str, ...]:
    """What a heading does, and the heading of what does something, where a sentence says that in a form to ask for."""
    return ("sentence", "heading") if style.beginning.match(section.sentence) else ("sentence",)


def _question(section: Section, asked: str, style: Style, key: str) -> str:
    words = re.findall(rf"\s*(?:[{COMMON}]|[^\s{COMMON}]+)", section.sentence.rstrip(".。"))
    part = "".join(words[: max(5, 2 * len(words) // 3)])
    facts = {"heading": section.heading, "part": part[:1].lower() + part[1:]}
    return filled(one_of(style.asked[asked], f"way {key} {section.heading}"), facts).text
