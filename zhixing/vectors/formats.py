"""The files that word vectors come in, told apart by what is in them, plain or gzipped.

word2vec text and fastText .vec   first line "words width", then "word number number …" on each line
GloVe                             the same without a first line; a word may hold spaces
word2vec binary                   first line "words width", then the word, a space, and width float32 (little endian)

All are read as a stream of blocks. Left out: fastText's own .bin, which holds vectors of letter groups.
"""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import numpy as np

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open
from zhixing.vectors.blocks import BLOCK_ROWS, Block
from zhixing.vectors.table import Floats, Vectors

Format = Literal["word2vec-text", "word2vec-binary"]
"""What can be written."""

_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"
_FASTTEXT = b"\xba\x16\x4f\x2f"  # the magic number 793712314
_PICKLE = b"\x80"


@dataclass(frozen=True, kw_only=True, slots=True)
class Header:
    """What a file says of itself; `count` is None where it does not say (GloVe)."""

    count: int | None
    width: int
    is_binary: bool


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the vectors of a file in blocks. Raises DataError naming the file and the place."""
    try:
        with _opened(path) as file:
            header = _header(file, path)
            blocks = _binary(file, header, path) if header.is_binary else _text(file, header, path)
            yield from blocks
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is truncated or damaged ({error})") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error


def write(vectors: Vectors, path: Path, kind: Format) -> None:
    """Write a word2vec file, gzipped if its name ends in .gz.

    Raises DataError for a word that the format cannot hold (with a space or a line break in it).
    """
    for word in vectors.words:
        if not word or any(character.isspace() for character in word):
            raise DataError(
                f"the word {word!r} has a space in it, which no word2vec file can hold; "
                "keep these vectors as a folder: zhixing vectors convert … --out FOLDER"
            )
    with atomic_open(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed:
                _write(vectors, cast(IO[bytes], packed), kind)
        else:
            _write(vectors, file, kind)


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedReader]:
    with io.BufferedReader(io.FileIO(path), _LONGEST_LINE) as file:
        magic = file.peek(4)[:4]
        if magic.startswith(_PICKLE):
            raise DataError(
                f"{path} is a Python pickle; only gensim's vectors are read, from a file named *.kv"
            )
        if magic == _FASTTEXT:
            raise DataError(f"{path} is a fastText model (.bin); load its .vec file instead")
        if not magic.startswith(_GZIP):
            yield file
            return
        with gzip.open(file) as unpacked:
            yield io.BufferedReader(cast(io.RawIOBase, unpacked), _LONGEST_LINE)


def _header(file: io.BufferedReader, path: Path) -> Header:
    first = file.peek(1)
    line, newline, rest = first.partition(b"\n")
    parts = line.split()
    if newline and len(parts) == 2 and all(part.isdigit() for part in parts):
        count, width = map(int, parts)
        if not count or not width:
            raise DataError(f"{path} says it holds {count} words of {width} numbers")
        file.readline()
        rest = file.peek(1)
        return Header(count=count, width=width, is_binary=not _looks_like_text(rest, width))
    numbers = _trailing_numbers(line)
    if numbers < 2:
        raise DataError(
            f"{path} is neither word2vec (first line: words and width), nor GloVe (a word and its numbers "
            f"on each line): it begins with {line[:60]!r}"
        )
    return Header(count=None, width=min(numbers, len(parts) - 1), is_binary=False)


def _looks_like_text(start: bytes, width: int) -> bool:
    return _trailing_numbers(start.partition(b"\n")[0]) >= width


def _trailing_numbers(line: bytes) -> int:
    """How many of the last parts of a line are numbers."""
    count = 0
    for part in reversed(line.split()):
        try:
            float(part)
        except ValueError:
            break
        count += 1
    return count


def _text(file: IO[bytes], header: Header, path: Path) -> Iterator[Block]:
    words: list[str] = []
    numbers: list[bytes] = []
    total = 0
    first_line = 1 if header.count is None else 2
    for line in iter(lambda: file.readline(_LONGEST_LINE), b""):
        line = line.rstrip()
        parts = line.rsplit(None, header.width)
        if not line:
            continue
        if len(parts) != header.width + 1:
            raise DataError(
                f"{path}:{first_line + total}: a word and {header.width} numbers were expected, "
                f"not {line[:40]!r} with {len(line.split()) - 1}"
            )
        words.append(_decoded(parts[0]))
        numbers.append(b" ".join(parts[1:]))
        total += 1
        if len(words) == BLOCK_ROWS:
            yield _parsed(words, numbers, header, (path, first_line + total - len(words)))
            words, numbers = [], []
    if words:
        yield _parsed(words, numbers, header, (path, first_line + total - len(words)))
    _check_count(total, header, path)


def _parsed(
    words: list[str], numbers: list[bytes], header: Header, place: tuple[Path, int]
) -> Block:
    try:
        flat = np.array(b" ".join(numbers).split(), dtype=np.float32)
    except ValueError as error:
        path, first = place
        bad = next(i for i, row in enumerate(numbers) if _trailing_numbers(row) < header.width)
        raise DataError(
            f"{path}:{first + bad}: {header.width} numbers were expected behind the word "
            f"{words[bad][:40]!r}, not {numbers[bad][:40]!r}"
        ) from error
    return Block(words=words, rows=flat.reshape(len(words), header.width))


def _binary(file: io.BufferedReader, header: Header, path: Path) -> Iterator[Block]:
    assert header.count is not None, "a binary file has a first line"
    size = 4 * header.width
    if size > 1 << 24:
        raise DataError(f"{path} says that a vector has {header.width} numbers; it is damaged")
    for at in range(0, header.count, BLOCK_ROWS):
        words, rows = [], bytearray()
        for index in range(min(BLOCK_ROWS, header.count - at)):
            words.append(_decoded(_word(file, path, at + index)))
            vector = file.read(size)
            if len(vector) != size:
                _check_count(at + index, header, path)
            rows += vector
        yield Block(words=words, rows=_floats(rows, header.width))


def _floats(rows: bytearray, width: int) -> Floats:
    return np.frombuffer(rows, dtype="<f4").astype(np.float32, copy=False).reshape(-1, width)


def _word(file: io.BufferedReader, path: Path, index: int) -> bytes:
    """The bytes before the next space; some writers end a vector with a line break, some do not."""
    parts = bytearray()
    while (byte := file.read(1)) != b" ":
        if not byte:
            raise DataError(f"{path} ends after {index:,} words, in the middle of one")
        parts += byte
        if len(parts) > _LONGEST_LINE:
            raise DataError(f"{path}: word {index + 1} does not end; the file is damaged")
    return bytes(parts.lstrip(b"\r\n"))


def _decoded(word: bytes) -> str:
    """Bytes that are no UTF-8 are spelled out, so that two broken words stay two."""
    return word.decode("utf-8", "backslashreplace")


def _check_count(found: int, header: Header, path: Path) -> None:
    if header.count is not None and found != header.count:
        raise DataError(
            f"{path} says it holds {header.count:,} words and holds {found:,}; it is truncated or damaged"
        )


def _write(vectors: Vectors, file: IO[bytes], kind: Format) -> None:
    file.write(f"{len(vectors)} {vectors.width}\n".encode())
    for word, row in zip(vectors.words, vectors.matrix, strict=True):
        if kind == "word2vec-binary":
            file.write(word.encode() + b" " + row.astype("<f4").tobytes() + b"\n")
        else:
            file.write(f"{word} {' '.join(row.astype(str))}\n".encode())
