"""Examples composed of several texts of the catalogue: what belongs together in one part, and no text in two of them.

    pieces ──▶ no text under two labels ──▶ the first of each text, those of train before the others ──▶ write_parts

Near-copies among documents are for their reader to leave out (labelled.without_near_copies), before it cuts them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from zhixing.corpus.parts import Part, same, told_copies, told_parts, write_parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A text with its label, the part it belongs to, its document, and other fields of its row.

    `variant` names one of several spellings of a text: these are no copies of each other.
    """

    part: Part
    text: str
    label: str
    document: str
    fields: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""

    @property
    def key(self) -> str:
        """What copies have in common."""
        return same(self.text) + self.variant


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenPieces:
    """Examples written to each part, how many have each label there, and texts that were left out."""

    parts: dict[str, int]
    labels: dict[str, dict[str, int]]
    copies: int
    contradictory: int

    def __str__(self) -> str:
        labels = "; ".join(f"{part} {told_parts(found)}" for part, found in self.labels.items())
        left_out = told_copies(self.copies, self.contradictory)
        return f"{told_parts(self.parts)}; left out: {left_out}; labels: {labels}"


def write_composed(pieces: Iterable[Piece], folder: Path) -> WrittenPieces:
    """Write {"text", "label", "document", …} to train, validation and test .jsonl in `folder`.

    Two texts are the same when they differ in spaces and case alone.
    """
    order = {part: place for place, part in enumerate(get_args(Part))}
    found = sorted(pieces, key=lambda each: order[each.part])
    labels: dict[str, set[str]] = {}
    first: dict[str, Piece] = {}
    for each in found:
        labels.setdefault(each.key, set()).add(each.label)
        first.setdefault(each.key, each)
    kept = [each for key, each in first.items() if len(labels[key]) == 1]
    counts: dict[str, dict[str, int]] = {part: {} for part in order}
    for each in kept:
        counts[each.part][each.label] = counts[each.part].get(each.label, 0) + 1
    return WrittenPieces(
        parts=write_parts(((each.part, _row(each)) for each in kept), folder),
        labels={part: dict(sorted(found.items())) for part, found in counts.items()},
        copies=len(found) - len(first),
        contradictory=len(first) - len(kept),
    )


def _row(each: Piece) -> dict[str, str]:
    return {"text": each.text, "label": each.label, "document": each.document, **each.fields}
