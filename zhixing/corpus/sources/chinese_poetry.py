"""Classical Chinese poetry: title, author, poem, as a page of an anthology has them.

Tang and Song poems in traditional script as collected, ci and other collections in simplified script. One
document per poem. Left out: rankings, tone patterns, biographies of the authors, and commentaries.

Pairs are poem and title, of Tang and Song poems alone: a ci is called by its tune. All poems of an author are in one part.
A number in a series is no part of the title (其一, 二首); what is left of a lost poem has none (句, 失題).
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.pairs import Pair, part_of_pair, write_pairs
from zhixing.corpus.parts import number_of
from zhixing.text.han import BASIC

_COLLECTIONS: tuple[str, ...] = (
    "quantangshi/poet.*",
    "songci/ci.song.*",
    "wudaishici/*",
    "yuanqu/*",
    "shijing/*",
)
_COLLECTIONS += ("chuci/*", "caocaoshiji/*", "nalanxingde/*", "shuimotangshi/*")
_LINES = ("paragraphs", "content", "para")
_WITH_TITLES = "quantangshi"
MOST_CHARACTERS = 200
"""A longer poem is no pair."""
ONE_IN = 8
"""So many poems of held-out authors stand for one that is measured with: all would take hours to write titles for."""
_NUMBER = r"[一二三四五六七八九十百廿卅\d]+"
_SERIES = re.compile(rf"\s*(?:其\s*{_NUMBER}|{_NUMBER}\s*首|[（(].*[)）])\s*$")
_NO_TITLE = frozenset(("句", "失題", "闕題", "缺題", "無題", "失题", "阙题", "缺题", "无题"))
_CHINESE = re.compile(rf"^[{BASIC}\s]+$")


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per poem; `meta` has title, author and collection."""
    for name, content in archive.members(*(f"*/dist/{each}.json" for each in _COLLECTIONS)):
        inner = name.split("/dist/", 1)[1].removesuffix(".json")
        try:
            poems = json.loads(content)
        except ValueError as error:
            raise DataError(f"{name} in {archive.path} is not JSON: {error}") from error
        for number, poem in enumerate(poems, start=1):
            if not isinstance(poem, dict):  # an index of a collection, not a poem
                continue
            lines: object = next((poem[key] for key in _LINES if poem.get(key)), [])
            if isinstance(lines, list) and lines:
                yield _document(poem, lines, f"{inner}:{number}", inner.split("/")[0])


def write_titles(archives: Sequence[Archive], folder: Path) -> Mapping[str, int]:
    """Write poems and their titles as pairs."""
    (archive,) = archives
    return write_pairs(_titled(archive), folder)


def _titled(archive: Archive) -> Iterator[Pair]:
    for document in read(archive):
        title, author = plain_title(document.meta["title"]), document.meta["author"]
        if document.meta["collection"] != _WITH_TITLES or not title or not author:
            continue
        lines = document.text.split("\n")[2:]  # the first two are title and author
        poem, part = "".join(lines), part_of_pair(author)
        is_measured = part == "train" or number_of(poem) % ONE_IN == 0
        if is_measured and len(poem) <= MOST_CHARACTERS and _CHINESE.match(title):
            yield Pair(part=part, source=poem, target=title)


def plain_title(title: str) -> str:
    """A title without the number of the poem in its series; empty where a poem has no title."""
    while (shorter := _SERIES.sub("", title)) != title:
        title = shorter
    return "" if title in _NO_TITLE else title.strip()


def _document(poem: dict[str, Any], lines: list[str], name: str, collection: str) -> Document:
    title = str(poem.get("title") or poem.get("rhythmic") or "").strip()
    author = str(poem.get("author") or "").strip()
    head = [part for part in (title, author) if part]
    return Document(
        id=name,
        text="\n".join([*head, *(str(line).strip() for line in lines)]),
        source="chinese-poetry",
        language="zh",
        meta={"title": title, "author": author, "collection": collection},
    )
