"""Reading members of a package archive without unpacking it to disk and without running any of it.

A wheel and a zip, an npm or PyPI tar, and a Debian package (an `ar` holding a tar). Because nothing is
written under a member's name, a name such as `../../etc/passwd` cannot escape anywhere.
"""

import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, Literal

from zhixing.core.errors import DataError, MissingExtraError

MAX_MEMBER_BYTES = 1 << 30
_AR_MAGIC = b"!<arch>\n"
BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,  # a header of a Debian package that holds no number
)
"""What the libraries raise for damaged archives."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Archive:
    """A package file, or the folder of an unpacked one, whose members are read by name."""

    path: Path

    def members(self, *patterns: str) -> Iterator[tuple[str, bytes]]:
        """Yield (name, content) of the regular files that match a pattern, in the archive's order.

        `*` matches any characters, `/` too. Raises DataError when the archive is broken or nothing matches.
        """
        num_found = 0
        try:
            for name, content in _all_members(self.path, patterns):
                num_found += 1
                yield name, content
        except BROKEN as error:
            raise DataError(f"{self.path} is broken ({error}); delete it and try again") from error
        if num_found == 0:
            raise DataError(f"{self.path} holds nothing named {' or '.join(patterns)}")


def _all_members(path: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        yield from _folder_members(path, patterns)
        return
    if zipfile.is_zipfile(path):
        yield from _zip_members(path, patterns)
        return
    with _tar(path) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if member.isfile() and _matches(name, patterns):
                file = tar.extractfile(member)
                assert file is not None, "a regular file has content"
                yield name, _limited(file, name, member.size)


def _folder_members(path: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Names begin with that of the folder, as in an archive of it."""
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path.parent).as_posix()
        if file.is_file() and _matches(name, patterns):
            with file.open("rb") as opened:
                yield name, _limited(opened, name, file.stat().st_size)


def _zip_members(path: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for information in archive.infolist():
            if not information.is_dir() and _matches(information.filename, patterns):
                with archive.open(information) as file:
                    yield (
                        information.filename,
                        _limited(file, information.filename, information.file_size),
                    )


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _limited(file: IO[bytes], name: str, size: int) -> bytes:
    if size > MAX_MEMBER_BYTES:
        raise DataError(f"{name} would unpack to {size} bytes; at most {MAX_MEMBER_BYTES}")
    return file.read(size)


@contextmanager
def _tar(path: Path) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as file:
        if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
            with tarfile.open(path, "r:*") as tar:
                yield tar
            return
        name, data = _debian_data(file, path)
        with (
            _decompressed(name, data) as stream,
            tarfile.open(fileobj=stream, mode=_mode(name)) as tar,
        ):
            yield tar


def _debian_data(file: IO[bytes], path: Path) -> tuple[str, IO[bytes]]:
    """The `data.tar.*` member of a Debian package: headers of 60 bytes, contents padded to even length."""
    while header := file.read(60):
        name, size = header[:16].decode("ascii").strip().rstrip("/"), int(header[48:58])
        if name.startswith("data.tar"):
            return name, io.BytesIO(file.read(size))
        file.seek(size + size % 2, io.SEEK_CUR)
    raise DataError(f"{path} is not a Debian package: it has no data.tar")


def _mode(name: str) -> Literal["r|", "r:*"]:
    """Only a zstandard stream cannot go back; for the others tarfile notices a missing end."""
    return "r|" if name.endswith(".zst") else "r:*"


@contextmanager
def _decompressed(name: str, data: IO[bytes]) -> Iterator[IO[bytes]]:
    if not name.endswith(".zst"):
        yield data
        return
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError("zstandard", "data", "reading this Debian package") from error
    with zstandard.ZstdDecompressor().stream_reader(data) as stream:
        yield stream
