"""Files that are either whole or not there: temporary name, flush to disk, rename.

A reader never sees half a file and an interrupted writer never harms the last good one. The same holds for
a folder: `atomic_folder` builds it beside its final name and renames it in one step.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from zhixing.core.errors import DataError, ZhixingError


@contextmanager
def atomic_open(path: Path) -> Iterator[IO[bytes]]:
    """Open `path` for writing bytes; it appears, complete and synced, only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a scratch folder that becomes `path` when the block ends well; an older `path` is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            _sync_file(file)
        _sync_folder(temporary)
        _swap(temporary, path)
    except OSError as error:
        raise _explain(error, path) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_open(path) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write readable UTF-8 JSON atomically; NaN and infinity are refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file, or say which file is missing or where it is broken."""
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not valid JSON ({error}); it may be truncated") from error


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Hexadecimal SHA-256 of a string's UTF-8 bytes (lone surrogates are kept, not refused)."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sha256_json(value: Any) -> str:
    """Hash of a JSON value that does not depend on key order."""
    return sha256_text(json.dumps(value, sort_keys=True, ensure_ascii=False))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for one run; a second run in the same folder is refused, not interleaved."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise _explain(error, folder) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ZhixingError(
                f"another run is working in {folder}; wait for it or choose another folder with --out"
            ) from error
        yield


def _swap(temporary: Path, path: Path) -> None:
    if path.exists():
        retired = path.with_name(f".{path.name}.{os.getpid()}.retired")
        os.replace(path, retired)
        os.replace(temporary, path)
        shutil.rmtree(retired)
    else:
        os.replace(temporary, path)
    _sync_folder(path.parent)


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


def _explain(error: OSError, path: Path) -> ZhixingError:
    """Turn the system's word into what, where and what to do."""
    if error.errno == 28:  # ENOSPC
        free = shutil.disk_usage(path.parent).free // 2**20
        return ZhixingError(
            f"the disk is full while writing {path} ({free} MiB free); earlier files are intact: "
            "free some space and run the same command again"
        )
    if error.errno in (13, 30):  # EACCES, EROFS
        return ZhixingError(f"{path} cannot be written ({error.strerror}); choose another folder")
    return ZhixingError(f"{path} could not be written: {error}")


def cache_folder() -> Path:
    """Where downloads and compiled code are kept: $ZHIXING_CACHE, else ~/.cache/zhixing."""
    chosen = os.environ.get("ZHIXING_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "zhixing"
