"""Classical Chinese poetry: title, author, poem, as a page of an anthology has them.

Tang and Song poems in traditional script as collected, ci and other collections in simplified script. One
document per poem. Left out: rankings, tone patterns, biographies of the authors, and commentaries.
"""

import json
from collections.abc import Iterator
from typing import Any

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document

_COLLECTIONS: tuple[str, ...] = (
    "quantangshi/poet.*",
    "songci/ci.song.*",
    "wudaishici/*",
    "yuanqu/*",
    "shijing/*",
)
_COLLECTIONS += ("chuci/*", "caocaoshiji/*", "nalanxingde/*", "shuimotangshi/*")
_LINES = ("paragraphs", "content", "para")


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
