"""The bytes of a file in pieces, unpacked when it is .gz or .zst, and sure to be the whole file.

A file that ends too early, was cut short, or changed while it was read is an error, not a shorter text.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from zhixing.core.errors import DataError, MissingExtraError

PACKED = (".gz", ".zst")
_PIECE = 1 << 18
_FEED = 1 << 10
"""So much packed data is unpacked at once: of the same letter again and again it is 1 MiB in gzip and 32 MiB in zstd."""


def pieces_of_file(path: Path) -> Iterator[bytes]:
    """Yield the content of `path`, unpacked, a few hundred KiB at a time."""
    try:
        with path.open("rb") as file:
            before = _state(path)
            yield from _unpacked(path, file)
            if _state(path) != before or file.tell() < before[0]:
                raise DataError(f"{path} changed while it was read; leave it alone and run again")
    except (zlib.error, EOFError) as error:
        raise DataError(f"{path} is broken or cut short ({error})") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def inner_suffix(path: Path) -> str:
    """`.jsonl` for both `a.jsonl` and `a.jsonl.gz`; lower case."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() if suffix in PACKED else suffix


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _unpacked(path: Path, file: BinaryIO) -> Iterator[bytes]:
    suffix = path.suffix.lower()
    if suffix not in PACKED:
        while piece := file.read(_PIECE):
            yield piece
        return
    if suffix == ".gz":
        yield from _gathered(_unpack(file, lambda: zlib.decompressobj(wbits=31)))
        return
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError("zstandard", "data", f"reading {path}") from error
    try:
        yield from _gathered(_unpack(file, lambda: zstandard.ZstdDecompressor().decompressobj()))
    except zstandard.ZstdError as error:
        raise DataError(f"{path} is broken or cut short ({error})") from error


def _unpack(file: BinaryIO, new: Any) -> Iterator[bytes]:
    """Unpack one or more compressed streams that follow each other."""
    unpacker = new()
    is_started = False
    while piece := file.read(_FEED):
        while piece:
            is_started = True
            yield unpacker.decompress(piece)
            piece = unpacker.unused_data if unpacker.eof else b""
            if unpacker.eof:
                unpacker, is_started = new(), False
    if is_started:
        raise EOFError("the end of the compressed data is missing")


def _gathered(small: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces, none of them much longer than the longest that came."""
    held: list[bytes] = []
    size = 0
    for piece in small:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
