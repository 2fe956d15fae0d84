"""Files that are either whole or not there: temporary name, flush to disk, rename.

A reader never sees half a file and an interrupted writer never harms the last good one. The same holds for
a folder: `atomic_folder` builds it beside its final name and exchanges the two names in one step.
"""

import ctypes
import errno
import fcntl
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from zhixing.core.errors import DataError, UsageError, ZhixingError

LOCK = ".lock"
"""The file in a run's folder that its run holds."""
_DEVICES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))


@contextmanager
def atomic_open(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes; it appears, complete and synced, only when the block ends well."""
    check_is_replaceable(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path)
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        if not _is_about(error, path, temporary):
            raise
        raise explained(error, path) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a scratch folder that becomes `path` when the block ends well; an older `path` is replaced."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    made: list[Path] = []
    try:
        made = _make_folder(path.parent)
        _remove_abandoned(path)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            _sync_file(file)
        _sync_folder(temporary)
        _swap(temporary, path)
    except OSError as error:
        if not _is_about(error, path, temporary):
            raise
        raise explained(error, path) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(made)


@contextmanager
def added_to(folder: Path, *, fresh: bool) -> Iterator[Path]:
    """Yield a scratch folder whose files go into `folder` when the block ends well.

    Raises UsageError, and moves nothing, where `folder` has one of these files with another content, unless `fresh`.
    """
    with new_folder(folder), TemporaryDirectory(dir=folder, prefix=".partial-") as made:
        yield Path(made)
        places = {
            each: folder / each.relative_to(made)
            for each in sorted(Path(made).rglob("*"))
            if each.is_file()
        }
        for file, place in places.items():
            if not fresh and place.exists() and sha256_file(place) != sha256_file(file):
                raise UsageError(
                    f"{place} exists and holds something else; choose another name, or replace it with --fresh"
                )
        for file, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, place)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_open(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write readable UTF-8 JSON atomically; NaN and infinity are refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def json_line(value: Any) -> bytes:
    """A value as a line of jsonl; NaN and infinity, which JSON does not have, are null.

    Where half a surrogate is in it, which UTF-8 cannot hold, all but ASCII is escaped.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        value = _without_nan(value)
        text = json.dumps(value, ensure_ascii=False)
    try:
        return text.encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(value).encode() + b"\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write each row as a line of jsonl, atomically."""
    with atomic_open(path) as file:
        file.writelines(map(json_line, rows))


def read_json(path: Path) -> Any:
    """Read a JSON file, or say which file is missing or where it is broken."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid JSON ({error}); it may be truncated") from error


def read_bytes(path: Path) -> bytes:
    """The content of a file. Raises DataError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def decode_utf8(content: bytes, origin: str) -> str:
    """UTF-8 text, without the mark that some editors begin with; DataError says what to do with another encoding."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{origin} is not UTF-8 text (byte {error.start}); {_cure(content)}"
        ) from error


def _cure(content: bytes) -> str:
    """What to do with bytes that are not UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "it is UTF-16, so convert it first: iconv -f UTF-16 -t UTF-8"
    if b"\0" in content:
        return "it is binary: give a text file"
    return "convert it first: iconv -f GB18030 -t UTF-8, or from whatever it is in"


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces. Raises DataError when it may not be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except PermissionError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def sha256_text(text: str) -> str:
    """Hexadecimal SHA-256 of a string's UTF-8 bytes (lone surrogates are kept, not refused)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_json(value: Any) -> str:
    """Hash of a JSON value that does not depend on key order."""
    return sha256_text(json.dumps(value, sort_keys=True, ensure_ascii=False))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for one run; a second run in the same folder is refused, not interleaved."""
    path = folder / LOCK
    with new_folder(folder) as is_new:
        try:
            lock = path.open("w")
        except OSError as error:
            raise explained(error, folder) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ZhixingError(
                    f"another run is working in {folder}; wait for it or choose another folder with --out"
                ) from error
            try:
                yield
            finally:
                if is_new and [*folder.iterdir()] == [path]:
                    path.unlink()


@contextmanager
def new_folder(folder: Path) -> Iterator[bool]:
    """Make sure that `folder` is there, and give whether it was made; what was made and is empty after the block goes again.

    Raises ZhixingError when it cannot be made or written, before any work and not after it.
    """
    try:
        made = _make_folder(folder)
    except OSError as error:
        raise explained(error, folder) from error
    if not os.access(folder, os.W_OK):
        raise ZhixingError(f"{folder} cannot be written (Permission denied); choose another folder")
    try:
        yield bool(made)
    finally:
        _remove_empty(made)


def _make_folder(folder: Path) -> list[Path]:
    """Make `folder` and what is missing above it; gives what was made, the deepest first."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(made: list[Path]) -> None:
    """Remove folders that `_make_folder` made, from the deepest on, up to the first in which something lies."""
    with suppress(OSError):
        for folder in made:
            folder.rmdir()


def _swap(temporary: Path, path: Path) -> None:
    """Put `temporary` in the place of `path`; where the system can, there is no moment without a `path`."""
    if not path.exists():
        os.replace(temporary, path)
    elif not _exchange(temporary, path):
        retired = path.with_name(f".{path.name}.{os.getpid()}.retired")
        os.replace(path, retired)
        os.replace(temporary, path)
        shutil.rmtree(retired, ignore_errors=True)
    _sync_folder(path.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step (Linux renameat2 with RENAME_EXCHANGE); False where that does not exist."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE
    return bool(rename(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0)


def _remove_abandoned(path: Path) -> None:
    """Remove what killed writers of `path` left behind, which can be as large as a model."""
    pattern = re.compile(rf"\.{re.escape(path.name)}\.(\d+)\.(partial|retired)")
    for left in path.parent.iterdir():
        found = pattern.fullmatch(left.name)
        if found is None or _is_running(int(found.group(1))):
            continue
        if found.group(2) == "retired" and not path.exists():  # killed between two renames
            os.replace(left, path)
        elif left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync_file(path: Path) -> None:
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_about(error: OSError, path: Path, temporary: Path) -> bool:
    """Whether writing failed, and not something else that the block was doing, such as reading."""
    if error.filename is None:  # a write or a sync: those know no name
        return True
    name = Path(os.fsdecode(error.filename))
    return name in (path, path.parent, *path.parents) or name.is_relative_to(temporary)


def check_is_replaceable(path: Path) -> None:
    """Raise UsageError for a device or a pipe, which a finished file would take the place of."""
    is_device = path.exists() and not path.is_file() and not path.is_dir()
    if is_device or path.absolute().parent in _DEVICES:
        raise UsageError(f"{path} is a device or a pipe and no file; name a file to write")


def explained(error: OSError, path: Path) -> ZhixingError:
    """The system's word about writing `path`, turned into what, where and what to do."""
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        blocking = next((parent for parent in path.parents if parent.is_file()), path)
        return ZhixingError(
            f"{path} could not be written: {blocking} is a file, not a folder; choose another"
        )
    if error.errno == errno.ENOSPC:
        folder = next(parent for parent in path.parents if parent.exists())
        free = shutil.disk_usage(folder).free // 2**20
        return ZhixingError(
            f"the disk is full while writing {path} ({free} MiB free); earlier files are intact: "
            "free some space and run the same command again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return ZhixingError(f"{path} cannot be written ({error.strerror}); choose another folder")
    return ZhixingError(f"{path} could not be written: {error.strerror or error}")


def cache_folder() -> Path:
    """Where downloads and compiled code are kept: $ZHIXING_CACHE, else ~/.cache/zhixing."""
    chosen = os.environ.get("ZHIXING_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "zhixing"
