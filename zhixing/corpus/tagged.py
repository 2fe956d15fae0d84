"""Tagged sentences as examples to learn from: copies out first, then split, so that no test sentence is learnt.

A sentence that was tagged in two ways says nothing about either and is left out. Two sentences are copies here when they are
the same but for spaces and case. A sentence is put into a part by a hash of the document it stands in, so that the names and
turns of one document are not on both sides. Texts with labels are in labelled.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zhixing.corpus.distinct import distinct
from zhixing.corpus.parts import part_of, same, told_copies, told_parts, write_parts


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedSentence:
    """Words and as many tags; sentences of one `document` stay together.

    Where tags are about one word, `predicate` is its place; `pos` are parts of speech that they were derived from.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: str
    predicate: int | None = None
    pos: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenSentences:
    """Examples written to each part, and sentences that were left out."""

    parts: dict[str, int]
    copies: int
    contradictory: int

    def __str__(self) -> str:
        return f"{told_parts(self.parts)}; left out: {told_copies(self.copies, self.contradictory)}"


def bio_tags(words: Iterable[tuple[str, str]]) -> list[str]:
    """A tag for each character of words and their kinds: B-kind where one begins, I-kind behind; O without a kind."""
    tags: list[str] = []
    for word, kind in words:
        tags += [f"B-{kind}", *[f"I-{kind}"] * (len(word) - 1)] if kind else ["O"] * len(word)
    return tags


def write_tagged(sentences: Iterable[TaggedSentence], folder: Path) -> WrittenSentences:
    """Write {"tokens", "tags"}, with {"predicate", "pos"} where there are any, to train, validation and test .jsonl in
    `folder`: four fifths, a tenth, a tenth.

    Of copies the first is written, unless one of them has other tags.
    """
    agreed = distinct(
        sentences,
        key=lambda each: (same("".join(each.words)), each.predicate),
        answer=lambda each: each.tags,
    )
    parts = write_parts(((part_of(each.document), _row(each)) for each in agreed.kept), folder)
    return WrittenSentences(parts=parts, copies=agreed.copies, contradictory=agreed.contradictory)


def _row(each: TaggedSentence) -> dict[str, object]:
    row: dict[str, object] = {"tokens": each.words, "tags": each.tags}
    if each.predicate is not None:
        row["predicate"] = each.predicate
    return {**row, "pos": each.pos} if each.pos else row
