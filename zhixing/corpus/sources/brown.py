"""The Brown corpus: `word/tag` tokens back to plain English, or as sentences with parts of speech.

One document per file (about 2,000 words). Detokenising follows the corpus' own conventions: `` and '' are quotes,
brackets and punctuation lean on their neighbours, and the doubled final punctuation of some files is one mark. The fifteen
genres are a letter each; a coarser split, `group`, joins press (A to C), general prose (D to H), learned (J) and fiction (K to R).

A line is a sentence. Its tags are those of the corpus (Francis & Kučera 1979) without the marks that say nothing of a
word's class: fw- (a foreign word), -tl (in a title), -hl (in a headline), -nc (cited). Contractions keep both classes,
I'll/ppss+md, and the star of not, can't/md*.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from zhixing.corpus.archive import Archive
from zhixing.corpus.derived_roles import english_roles, predicates
from zhixing.corpus.document import Document
from zhixing.corpus.tagged import TaggedSentence

_LEANS_LEFT = set(".,;:!?)]}'’%") | {"''", "..."}
_LEANS_RIGHT = set("([{$") | {"``"}
_REPEATED = {".", "!", "?", ";", ":"}
_INSIDE_QUOTES = {".", ",", "?", "!"}
GROUPS = {**dict.fromkeys("abc", "press"), **dict.fromkeys("defgh", "prose"), "j": "learned"}
"""The letter of a genre -> its group; the others are fiction."""
_BLANK_LINES = re.compile(r"\n\s*\n")
_MARKS = re.compile(r"^fw-|(?:-(?:tl|hl|nc))+$")


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per file; `meta` has its genre and its group."""
    files = _files(archive, "*/cats.txt")
    lines = files.pop("cats.txt", "").splitlines()
    genres = dict(line.split() for line in lines if line.strip())
    for name, text in files.items():
        yield Document(
            id=name,
            text=plain(text),
            source="brown",
            language="en",
            meta={"genre": genres.get(name, ""), "group": GROUPS.get(name[1], "fiction")},
        )


def parts_of_speech(archive: Archive) -> Iterator[TaggedSentence]:
    """Yield every sentence with the class of each word and mark."""
    for name, text in _files(archive).items():
        for line in text.splitlines():
            tokens = [token.rpartition("/") for token in line.split()]
            if tokens:
                words = tuple(word for word, _, _ in tokens)
                tags = tuple(_MARKS.sub("", tag) for _, _, tag in tokens)
                yield TaggedSentence(words=words, tags=tags, document=name)


def roles(archive: Archive) -> Iterator[TaggedSentence]:
    """Yield every sentence once for each verb, with roles that a rule derives from its parts of speech."""
    for each in parts_of_speech(archive):
        for place, tags in predicates(english_roles, each.words, each.tags):
            yield replace(each, tags=tuple(tags), predicate=place, pos=each.tags)


def _files(archive: Archive, *others: str) -> dict[str, str]:
    """The 500 files and those that match `others`, in the order of their names."""
    found = archive.members("*/c[a-r][0-9][0-9]", *others)
    texts = {name.rsplit("/", 1)[1]: content.decode("ascii", "replace") for name, content in found}
    return dict(sorted(texts.items()))


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
