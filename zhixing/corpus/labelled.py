"""Documents that have a label, as examples to learn from: copies out first, then split, so that no test text is learnt.

A text that stands under two labels says nothing about either and is left out. Two texts are copies here when they are
the same but for spaces and case; `zhixing data build` finds copies that are only nearly the same.
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
class Written:
    """Examples written to each part, and texts that were left out."""

    parts: dict[str, int]
    copies: int
    contradictory: int


def write_examples(documents: Iterable[Document], folder: Path) -> Written:
    """Write {"text", "label"} to train, validation and test .jsonl in `folder`: four fifths, a tenth, a tenth.

    The part of a text follows from a hash of it. Raises DataError for documents without labels.
    """
    labels: dict[str, set[str]] = {}
    first: dict[str, str] = {}
    total = 0
    for text, label in _labelled(documents):
        total += 1
        labels.setdefault(same(text), set()).add(label)
        first.setdefault(same(text), text)
    agreed = {key: next(iter(found)) for key, found in labels.items() if len(found) == 1}
    parts = dict.fromkeys(get_args(Part), 0)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {part: stack.enter_context(atomic_open(folder / f"{part}.jsonl")) for part in parts}
        for key, label in agreed.items():
            part = part_of(key)
            line = json.dumps({"text": first[key], "label": label}, ensure_ascii=False)
            files[part].write(line.encode() + b"\n")
            parts[part] += 1
    contradictory = len(labels) - len(agreed)
    return Written(parts=parts, copies=total - len(labels), contradictory=contradictory)


def same(text: str) -> str:
    """A text without what copies may differ in."""
    return "".join(text.split()).lower()


def part_of(key: str) -> Part:
    """Where a text belongs."""
    place = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big") % 10
    return "test" if place == 0 else "validation" if place == 1 else "train"


def _labelled(documents: Iterable[Document]) -> Iterator[tuple[str, str]]:
    for document in documents:
        label = next((document.meta[key] for key in KEYS if document.meta.get(key)), None)
        if label is None:
            raise DataError(
                f"{document.source} has no labels ({document.id} has none), so there are no examples to write"
            )
        yield document.text, str(label)
