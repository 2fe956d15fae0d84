"""Documents that have a label, as examples to learn from: copies out first, then split, so that no test text is learnt.

    documents -> no empty ones -> no copies, none under two labels -> no near-copies -> parts -> pieces, if so asked

A text that stands under two labels says nothing about either and is left out. Two texts are copies when they are the same
but for spaces and case, and near-copies when they share most runs of five units (distinct.py), as the mails of one
campaign do. Long documents can be cut into pieces; all pieces of a document are in one part and carry its name, because
they are about one thing: what is measured on them is one document's worth.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.cut import pieces
from zhixing.corpus.distinct import distinct, without_near_copies
from zhixing.corpus.document import Document
from zhixing.corpus.parts import PARTS, Part, part_of, same, told_copies, told_parts, write_parts

KEYS = ("label", "genre")
"""What a document's label is called in its `meta`, unless another name is given."""
SHORTEST_PIECE = 200
_SCHEME = ("B-", "I-", "E-", "S-")
FEWEST_ROWS = 20
"""From so many rows on, labels are expected to repeat."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """Which label of a document is taken (empty: KEYS), and how many characters a piece has at most (None: all).

    `compared` gives the part of a text that tells whether another is a copy of it, and decides where it goes.
    """

    label: str = ""
    piece: int | None = None
    compared: Callable[[str], str] = str

    def __post_init__(self) -> None:
        if self.piece is not None and self.piece < SHORTEST_PIECE:
            raise UsageError(
                f"--piece {self.piece}: pieces have {SHORTEST_PIECE} characters or more"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenTexts:
    """Examples written to each part, of how many documents, and texts that were left out."""

    parts: dict[str, int]
    documents: dict[str, int]
    empty: int
    copies: int
    near_copies: int
    contradictory: int

    def __str__(self) -> str:
        told = told_parts(self.parts)
        if self.parts != self.documents:
            documents = ", ".join(f"{count:,}" for count in self.documents.values())
            told += f" (pieces of {documents} documents)"
        return (
            f"{told}; left out: {told_copies(self.copies, self.contradictory)}, {self.near_copies:,} near-copies, "
            f"{self.empty:,} empty ones"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Labelled:
    name: str
    text: str
    label: str
    compared: str
    part: Part


def write_labelled(
    documents: Iterable[Document], folder: Path, *, form: Form | None = None
) -> WrittenTexts:
    """Write {"text", "label"} to train, validation and test .jsonl in `folder`: four fifths, a tenth, a tenth.

    The part of a document is in its `meta`, as published, or follows from a hash of its text; a piece of one also has its
    "document". Raises DataError for documents without labels.
    """
    form = form or Form()
    found = list(_labelled(documents, form))
    full = [each for each in found if same(each.compared)]
    agreed = distinct(full, key=lambda each: same(each.compared), answer=lambda each: each.label)
    kept = without_near_copies(agreed.kept, lambda each: each.compared)
    counts = Counter(each.part for each in kept)
    rows = ((each.part, row) for each in kept for row in _rows(each, form.piece))
    parts = write_parts(rows, folder)
    return WrittenTexts(
        parts=parts,
        documents={part: counts[part] for part in PARTS},
        empty=len(found) - len(full),
        copies=agreed.copies,
        near_copies=len(agreed.kept) - len(kept),
        contradictory=agreed.contradictory,
    )


def _labelled(documents: Iterable[Document], form: Form) -> Iterator[_Labelled]:
    keys = (form.label,) if form.label else KEYS
    for document in documents:
        label = next((document.meta[key] for key in keys if document.meta.get(key)), None)
        if label is None:
            there = ", ".join(document.meta) or "nothing"
            raise DataError(
                f"{document.source} has no {' or '.join(keys)} to learn ({document.id} has {there}), so there are no "
                "examples to write"
            )
        text = document.text
        compared = form.compared(text)
        yield _Labelled(
            name=document.id,
            text=text,
            label=str(label),
            compared=compared,
            part=_part(document, compared),
        )


def _part(document: Document, compared: str) -> Part:
    said = document.meta.get("part")
    return next((part for part in PARTS if part == said), part_of(same(compared)))


def is_label(value: object) -> bool:
    """Whether the value of a field names a label: a text that is not blank, or a number that is one (not NaN)."""
    if isinstance(value, str):
        return bool(value.strip())
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def as_number(label: Any) -> float:
    """A label that is a number, or written as one; NaN for every other, infinity too."""
    try:
        value = float(label)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def check_are_labels(labels: Collection[str], count: int, *, origin: str) -> None:
    """Raise DataError where most of `count` rows have a label of their own, as when the fields of text and label are exchanged."""
    if count >= FEWEST_ROWS and 2 * len(labels) > count:
        example = min(labels, key=lambda label: (len(label), label))
        raise DataError(
            f"{origin}: {count:,} rows have {len(labels):,} different labels, such as {example[:60]!r}, so there is nothing to "
            "learn from: is the label in another field? It is read from 'label', the text from 'text'"
        )


def of_no_scheme(tags: Iterable[str]) -> list[str]:
    """Tags that are neither O nor B-, I-, E-, S- with a type, each once."""
    return sorted({tag for tag in tags if tag != "O" and not (tag[:2] in _SCHEME and tag[2:])})


def check_one_scheme(tags: Collection[str], *, origin: str) -> None:
    """Raise DataError where some tags begin and continue entities and others are plain, as when one is misspelt."""
    others = of_no_scheme(tags)
    entities = {*tags} - {*others} - {"O"}
    if entities and others:
        raise DataError(
            f"{origin}: some tags begin an entity ({min(entities)}) and some are of no scheme ({', '.join(others[:5])}); "
            "allowed: O, B-, I-, E-, S- with a type"
        )


def _rows(each: _Labelled, piece: int | None) -> Iterator[dict[str, str]]:
    if piece is None:
        yield {"text": each.text, "label": each.label}
        return
    for text in pieces(each.text, piece):
        yield {"text": text, "label": each.label, "document": each.name}
