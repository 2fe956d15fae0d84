"""Pairs of a source and a target, divided into three files so that nothing of a test was learnt from.

    pages ── part_of ──▶ train, validation, test ── without_copies ──▶ write_parts ──▶ train.jsonl …

What belongs together (a page, an author, the forms of a word) goes to one part as a whole. A sentence that stands on
several pages would still be in several parts: then it stays where it is learnt from, and is measured with nowhere.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args

from zhixing.core.files import atomic_open

Part = Literal["train", "validation", "test"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A source, its target, and the part that its page belongs to."""

    part: Part
    source: str
    target: str


def part_of(key: str) -> Part:
    """Where everything under `key` belongs: 5 % validation, 5 % test, by a hash."""
    place = number_of(key) % 100
    return "test" if place < 5 else "validation" if place < 10 else "train"


def number_of(key: str) -> int:
    """A whole number that follows from a text, the same on every machine."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def without_copies(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Every pair once, those of train first; of the others none whose source or target came before.

    Spaces and case make no difference. So no part has a source or a target of another, whichever of the two is asked for.
    """
    by_part: dict[Part, list[Pair]] = {part: [] for part in get_args(Part)}
    for pair in pairs:
        by_part[pair.part].append(pair)
    both, sources, targets = set[tuple[str, str]](), set[str](), set[str]()
    for part, found in by_part.items():
        for pair in found:
            source, target = _plain(pair.source), _plain(pair.target)
            is_known = (source, target) in both
            if part != "train":
                is_known = source in sources or target in targets
            if not is_known:
                yield pair
            both.add((source, target))
            sources.add(source)
            targets.add(target)


def write_parts(
    rows: Iterable[tuple[Part, Mapping[str, object]]], folder: Path
) -> Mapping[str, int]:
    """Write each row to PART.jsonl in `folder`; how many rows each part has comes back."""
    counts = dict.fromkeys(get_args(Part), 0)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {
            part: stack.enter_context(atomic_open(folder / f"{part}.jsonl")) for part in counts
        }
        for part, row in rows:
            files[part].write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            counts[part] += 1
    return counts


def write_pairs(pairs: Iterable[Pair], folder: Path) -> Mapping[str, int]:
    """Write pairs without copies as {src, tgt}; how many each part has comes back."""
    lines = (
        (each.part, {"src": each.source, "tgt": each.target}) for each in without_copies(pairs)
    )
    return write_parts(lines, folder)


def _plain(text: str) -> str:
    return "".join(text.split()).lower()
