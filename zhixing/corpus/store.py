"""A corpus on disk: one JSON object per line for each split, the dropped ones with their reasons, the card.

DIR/train.jsonl  validation.jsonl  test.jsonl  dropped.jsonl  card.json
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.core import card as cards
from zhixing.core.card import CorpusCard
from zhixing.core.errors import DataError
from zhixing.core.files import read_json
from zhixing.corpus.document import Document
from zhixing.corpus.parts import PARTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    """A document that was not kept. `kept_id` names the document it is a copy of, for duplicates only."""

    id: str
    source: str
    reason: str
    score: float
    threshold: float
    bytes: int
    start: str
    kept_id: str = ""


def read_documents(folder: Path, split: str) -> Iterator[Document]:
    """Yield the documents of one split in their order; raises DataError for another name or a broken file."""
    if split not in PARTS:
        raise DataError(f"there is no split {split!r}; a corpus has {', '.join(PARTS)}")
    for value, place in _read_lines(folder / f"{split}.jsonl"):
        try:
            yield Document(**value)
        except TypeError as error:
            raise DataError(f"{place} is not a document: {error}") from error


def read_dropped(folder: Path) -> Iterator[Dropped]:
    """Yield every dropped document with its reason."""
    for value, place in _read_lines(folder / "dropped.jsonl"):
        try:
            yield Dropped(**value)
        except TypeError as error:
            raise DataError(f"{place} is not a dropped document: {error}") from error


def read_card(folder: Path) -> CorpusCard:
    """The card of a built corpus."""
    if not (folder / "card.json").is_file():
        raise DataError(f"{folder} holds no corpus (no card.json); type: zhixing data build RECIPE")
    return cards.from_json(read_json(folder / "card.json"))


def to_line(value: Document | Dropped) -> bytes:
    """One line of a split file or of dropped.jsonl."""
    fields = {name: getattr(value, name) for name in value.__slots__}
    return (json.dumps(fields, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _read_lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise DataError(
            f"{path} does not exist; type: zhixing data build RECIPE --out {path.parent}"
        ) from error
    with file:
        for number, line in enumerate(file, start=1):
            try:
                yield json.loads(line), f"{path}:{number}"
            except ValueError as error:
                raise DataError(f"{path}:{number} is broken ({error}); build it again") from error
