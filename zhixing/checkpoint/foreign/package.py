"""Which of the known packages a folder or an archive is, told by the files in it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from zhixing.checkpoint.foreign import g2p_en, g2pm, textgenrnn
from zhixing.checkpoint.foreign.folder import Imported
from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive

PACKAGES: Mapping[str, tuple[str, Callable[[Archive], Imported]]] = {
    "textgenrnn": (textgenrnn.WEIGHTS, textgenrnn.read),
    "g2p-en": (g2p_en.WEIGHTS, g2p_en.read),
    "g2pm": (g2pm.WEIGHTS, g2pm.read),
}
"""Package -> the file that it is known by, and its reader."""
SUFFIXES = (".whl", ".zip", ".gz", ".tgz")


def read_package(path: Path) -> Imported | None:
    """The model of a package, as its archive or unpacked; None for anything else.

    Raises CheckpointError when it is one of the packages and its weights are not as expected.
    """
    if path.is_file() and path.suffix not in SUFFIXES:
        return None
    archive = Archive(path=path)
    for known_by, read in PACKAGES.values():
        try:
            next(archive.members(known_by))
        except DataError:
            continue
        return read(archive)
    return None
