"""Tagged sentences as examples to learn from: copies out first, then split, so that no test sentence is learnt.

A sentence that was tagged in two ways says nothing about either and is left out. Two texts are copies here when they are the
same but for spaces and case. A sentence is put into a part by a hash of the document it stands in, so that the names and
turns of one document are not on both sides. Texts with labels are in labelled_texts.py.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

from zhixing.core.files import atomic_open

Part = Literal["train", "validation", "test"]


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


def write_tagged(sentences: Iterable[TaggedSentence], folder: Path) -> Written:
    """Write {"tokens", "tags"} to train, validation and test .jsonl in `folder`: four fifths, a tenth, a tenth."""
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


def _tagged(sentence: TaggedSentence) -> _Example:
    row = {"tokens": sentence.words, "tags": sentence.tags}
    key = same(" ".join(sentence.words))
    return _Example(key=key, answer=sentence.tags, whole=sentence.document, line=_line(row))


def _line(row: object) -> str:
    return json.dumps(row, ensure_ascii=False)
