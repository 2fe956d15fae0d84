"""The documentation of the Linux kernel: reStructuredText as its authors wrote it, machine directives removed.

One document per file. Left out: the HTML build of the same text, the translations, tables of contents.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document

_SKIPPED = ("*/html/*", "*/translations/*")
_TEXT = ("*.rst", "*.txt", "*.rst.gz", "*.txt.gz")
_COMMENT = re.compile(
    r"^\.\. (?:SPDX|include::|_|\|[^|]+\| |index::|highlight::|contents::).*\n?", re.M
)
_CONTENTS = re.compile(r"^( *)\.\. toctree::.*\n(?:(?:\1[ \t]+.*)?\n)*", re.M)


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per .rst or .txt file, in the archive's order."""
    for name, content in archive.members(*(f"*/Documentation/{pattern}" for pattern in _TEXT)):
        if any(fnmatchcase(name, pattern) for pattern in _SKIPPED):
            continue
        inner = name.split("/Documentation/", 1)[1].removesuffix(".gz")
        text = _unpacked(name, content).decode("utf-8", "replace")
        text = _COMMENT.sub("", _CONTENTS.sub("", text)).strip()
        if text:
            yield Document(id=inner, text=text, source="linux-doc", language="en")


def _unpacked(name: str, content: bytes) -> bytes:
    if not name.endswith(".gz"):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{name} is broken inside its package ({error})") from error
