"""Examples composed of several texts of the catalogue: what belongs together in one part, and no text in two of them.

    pieces ──▶ no text under two labels ──▶ the first of each text, those of train before the others ──▶ write_parts

Near-copies among documents are for their reader to leave out (distinct.without_near_copies), before it cuts them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zhixing.corpus.distinct import distinct
from zhixing.corpus.parts import PARTS, Part, same, told_copies, told_parts, write_parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A text with its label, the part it belongs to, its document, and other fields of its row.

    `variant` names one of several spellings of a text: within a part these are no copies of each other.
    """

    part: Part
    text: str
    label: str
    document: str
    fields: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""


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
    found = sorted(pieces, key=lambda each: PARTS.index(each.part))
    homes: dict[str, Part] = {}
    for each in found:
        homes.setdefault(same(each.text), each.part)
    agreed = distinct(
        found, key=lambda each: (same(each.text), each.variant), answer=lambda each: each.label
    )
    kept = [each for each in agreed.kept if homes[same(each.text)] == each.part]
    counts = {part: Counter(each.label for each in kept if each.part == part) for part in PARTS}
    return WrittenPieces(
        parts=write_parts(((each.part, _row(each)) for each in kept), folder),
        labels={part: dict(sorted(labels.items())) for part, labels in counts.items()},
        copies=agreed.copies + len(agreed.kept) - len(kept),
        contradictory=agreed.contradictory,
    )


def _row(each: Piece) -> dict[str, str]:
    return {"text": each.text, "label": each.label, "document": each.document, **each.fields}
