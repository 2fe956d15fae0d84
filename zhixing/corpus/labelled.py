"""Texts with labels or tags as examples to learn from: copies out first, then split, so that no test text is learnt.

A text with two different answers (labels, or tags of its words) says nothing about either and is left out. Two texts are
copies here when they are the same but for spaces and case; `zhixing data build` finds copies that are only nearly the same.
A labelled text is put into a part by a hash of itself, a tagged sentence by a hash of the document it stands in, so that
the names and turns of one document are not on both sides.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open
from zhixing.corpus.document import Document

Part = Literal["train", "validation", "test"]
KEYS = ("label", "genre")
"""What a document's label is called in its `meta`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedSentence:
    """Words and as many tags; sentences of one `document` stay together."""

    words: tuple[str, ...]
    tags: tuple[str, ...]
    document: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """Examples written to each part, and texts that were left out."""

    parts: dict[str, int]
    copies: int
    contradictory: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Example:
    """A line to write: `key` is the same in copies, `answer` in copies that agree, `whole` in what stays together."""

    key: str
    answer: object
    whole: str
    line: str


def write_examples(documents: Iterable[Document], folder: Path) -> Written:
    """Write {"text", "label"} to train, validation and test .jsonl in `folder`: four fifths, a tenth, a tenth.

    Raises DataError for documents without labels.
    """
    return _write((_labelled(document) for document in documents), folder)


def write_tagged(sentences: Iterable[TaggedSentence], folder: Path) -> Written:
    """The same for {"tokens", "tags"}."""
    return _write((_tagged(sentence) for sentence in sentences), folder)


def same(text: str) -> str:
    """A text without what copies may differ in."""
    return "".join(text.split()).lower()


def part_of(key: str) -> Part:
    """Where a text belongs."""
    place = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % 10
    return "test" if place == 0 else "validation" if place == 1 else "train"


def _write(examples: Iterable[_Example], folder: Path) -> Written:
    """Of copies the first is written, unless one of them has another answer."""
    first: dict[str, _Example] = {}
    contradictory: set[str] = set()
    total = 0
    for each in examples:
        total += 1
        if first.setdefault(each.key, each).answer != each.answer:
            contradictory.add(each.key)
    parts = dict.fromkeys(get_args(Part), 0)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {part: stack.enter_context(atomic_open(folder / f"{part}.jsonl")) for part in parts}
        for each in _agreed(first, contradictory):
            part = part_of(each.whole)
            files[part].write(each.line.encode() + b"\n")
            parts[part] += 1
    return Written(parts=parts, copies=total - len(first), contradictory=len(contradictory))


def _agreed(first: dict[str, _Example], contradictory: set[str]) -> Iterator[_Example]:
    return (each for key, each in first.items() if key not in contradictory)


def _labelled(document: Document) -> _Example:
    label = next((document.meta[key] for key in KEYS if document.meta.get(key)), None)
    if label is None:
        raise DataError(
            f"{document.source} has no labels ({document.id} has none), so there are no examples to write"
        )
    key, row = same(document.text), {"text": document.text, "label": str(label)}
    return _Example(key=key, answer=str(label), whole=key, line=_line(row))


def _tagged(sentence: TaggedSentence) -> _Example:
    row = {"tokens": sentence.words, "tags": sentence.tags}
    key = same(" ".join(sentence.words))
    return _Example(key=key, answer=sentence.tags, whole=sentence.document, line=_line(row))


def _line(row: object) -> str:
    return json.dumps(row, ensure_ascii=False)
