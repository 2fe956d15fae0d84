"""Pairs of a source and a target, divided into three files so that nothing of a test was learnt from.

    pages ── part_of_pair ──▶ train, validation, test ── without_copies ──▶ write_parts ──▶ train.jsonl …

What belongs together (a page, an author, the forms of a word) goes to one part as a whole. A sentence that stands on
several pages would still be in several parts: then it stays where it is learnt from, and is measured with nowhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zhixing.corpus.parts import PARTS, Part, part_of, same, told_parts, write_parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A source, its target, and the part that its page belongs to."""

    part: Part
    source: str
    target: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenPairs:
    """Pairs written to each part."""

    parts: Mapping[str, int]

    def __str__(self) -> str:
        return told_parts(self.parts)


def part_of_pair(key: str) -> Part:
    """Where every pair under `key` belongs: 5 % validation, 5 % test."""
    return part_of(key, places=100, each=5)


def without_copies(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Every pair once, those of train first; of the others none whose source or target came before.

    Spaces and case make no difference. So no part has a source or a target of another, whichever of the two is asked for.
    """
    by_part: dict[Part, list[Pair]] = {part: [] for part in PARTS}
    for pair in pairs:
        by_part[pair.part].append(pair)
    both, sources, targets = set[tuple[str, str]](), set[str](), set[str]()
    for part, found in by_part.items():
        for pair in found:
            source, target = same(pair.source), same(pair.target)
            is_known = (source, target) in both
            if part != "train":
                is_known = source in sources or target in targets
            if not is_known:
                yield pair
            both.add((source, target))
            sources.add(source)
            targets.add(target)


def write_pairs(pairs: Iterable[Pair], folder: Path) -> Mapping[str, int]:
    """Write pairs without copies as {src, tgt}; how many each part has comes back."""
    lines = (
        (each.part, {"src": each.source, "tgt": each.target}) for each in without_copies(pairs)
    )
    return write_parts(lines, folder)
