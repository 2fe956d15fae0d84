"""Which files a source means: one file, everything readable below a folder, or a glob; always in the same order."""

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.core.files import sha256_file
from zhixing.corpus.raw import PACKED, inner_suffix
from zhixing.corpus.readers import SUFFIXES


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Files with the names they have in the corpus, sorted by name, and what was passed over."""

    files: Sequence[tuple[str, Path]]
    notes: tuple[str, ...]

    def sha256(self) -> str:
        """Digest of names and contents, independent of where the files lie and in which order they were found."""
        digest = hashlib.sha256()
        for name, path in self.files:
            digest.update(f"{name}\0{sha256_file(path)}\0".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def num_bytes(self) -> int:
        """Size of all files as they lie on disk."""
        return sum(path.stat().st_size for _, path in self.files)


def find_files(place: str) -> Found:
    """The readable files that `place` (a file, a folder or a glob) means; raises DataError when there are none."""
    path = Path(place).expanduser()
    if path.is_file():
        if inner_suffix(path) not in SUFFIXES:
            raise DataError(f"{path} cannot be read: its ending says nothing known; {_allowed()}")
        return Found(files=[(path.name, path)], notes=())
    if path.is_dir():
        return _readable(place, path, _below(path))
    if any(mark in place for mark in "*?["):
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]
        return _readable(place, _common_folder(found), [each for each in found if each.is_file()])
    raise DataError(f"{place} does not exist; name a file, a folder or a glob")


def _below(folder: Path) -> list[Path]:
    """Every file below a folder, hidden ones aside; links to folders are not followed, so there are no loops.

    Raises DataError for a folder that may not be read: text that is passed over in silence would be missed by nobody.
    """
    found = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return [path for path in found if path.is_file()]


def _refuse(error: OSError) -> None:
    raise DataError(
        f"{error.filename} cannot be read ({error.strerror}); check who may read it"
    ) from error


def _common_folder(paths: Sequence[Path]) -> Path:
    if not paths:
        return Path()
    return Path(os.path.commonpath([path.parent for path in paths]))


def _readable(place: str, folder: Path, paths: Sequence[Path]) -> Found:
    good = [path for path in paths if inner_suffix(path) in SUFFIXES]
    if not good:
        held = "no file at all" if not paths else f"{len(paths)} files, none of which can be read"
        raise DataError(f"{place} holds {held}; {_allowed()}")
    passed_over = Counter(path.suffix or "no ending" for path in paths if path not in set(good))
    notes = [
        f"{place}: {count} files ({ending}) passed over" for ending, count in passed_over.items()
    ]
    named = sorted((path.relative_to(folder).as_posix(), path) for path in good)
    return Found(files=named, notes=tuple(sorted(notes)))


def _allowed() -> str:
    return f"allowed: {', '.join(SUFFIXES)}, each also with {' or '.join(PACKED)}"
