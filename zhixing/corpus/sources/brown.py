"""The Brown corpus: `word/tag` tokens back to plain English.

One document per file (about 2,000 words). Detokenising follows the corpus' own conventions: `` and '' are quotes,
brackets and punctuation lean on their neighbours, and the doubled final punctuation of some files is one mark.
"""

import re
from collections.abc import Iterator

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document

_LEANS_LEFT = set(".,;:!?)]}'’%") | {"''", "..."}
_LEANS_RIGHT = set("([{$") | {"``"}
_REPEATED = {".", "!", "?", ";", ":"}
_INSIDE_QUOTES = {".", ",", "?", "!"}
_BLANK_LINES = re.compile(r"\n\s*\n")


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per file, with its genre."""
    genres: dict[str, str] = {}
    waiting: list[tuple[str, str]] = []
    for name, content in archive.members("*/c[a-r][0-9][0-9]", "*/cats.txt"):
        text = content.decode("ascii", "replace")
        if name.endswith("cats.txt"):
            genres = dict(line.split() for line in text.splitlines() if line.strip())
        else:
            waiting.append((name.rsplit("/", 1)[1], text))
    for name, text in sorted(waiting):
        yield Document(
            id=name,
            text=plain(text),
            source="brown",
            language="en",
            meta={"genre": genres.get(name, "")},
        )


def plain(text: str) -> str:
    """A tagged file as paragraphs of running text."""
    blocks = (block.split() for block in _BLANK_LINES.split(text))
    paragraphs = (detokenise([token.rsplit("/", 1)[0] for token in block]) for block in blocks)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def detokenise(tokens: list[str]) -> str:
    """Words and punctuation marks as written: `` It 's '' , he said . -> "It's", he said."""
    pieces: list[str] = []
    glue = True
    previous = ""
    for token in tokens:
        if token == previous and token in _REPEATED:
            continue
        if previous == "''" and token in _INSIDE_QUOTES:  # printed inside, as American English does
            pieces.insert(-1, token)
            continue
        written = {"``": '"', "''": '"'}.get(token, token)
        if not glue and not _leans_left(token):
            pieces.append(" ")
        pieces.append(written)
        glue = token in _LEANS_RIGHT
        previous = token
    return "".join(pieces)


def _leans_left(token: str) -> bool:
    return token in _LEANS_LEFT or token.lower() in {"'s", "n't", "'re", "'ll", "'ve", "'d", "'m"}
