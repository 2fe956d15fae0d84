"""Examples without copies: of those that are the same, or nearly, the first; none that is answered in two ways.

    a → x   b → y   A → x   b → z   a′ → x        distinct     a → x        (A is a copy of a; b has two answers)
                                                  and then     a → x        (a′ is nearly a: without_near_copies)

Nearly the same are texts that share most runs of five units, as in `zhixing data build` (duplicates.py).
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from zhixing.corpus.config import DuplicateConfig
from zhixing.corpus.duplicates import find_near_copies, signatures
from zhixing.corpus.units import UnitHasher, ngrams

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class Distinct(Generic[Item]):
    """The first item of each kind, in their order; how many others there were, and kinds with several answers."""

    kept: list[Item]
    copies: int
    contradictory: int


def distinct(
    found: Iterable[Item],
    *,
    key: Callable[[Item], Hashable],
    answer: Callable[[Item], Hashable] | None = None,
) -> Distinct[Item]:
    """The first item under each key, unless one under it has another answer: this says nothing of either."""
    first: dict[Hashable, Item] = {}
    contradictory: set[Hashable] = set()
    total = 0
    for each in found:
        total += 1
        name = key(each)
        before = first.setdefault(name, each)
        if answer is not None and answer(before) != answer(each):
            contradictory.add(name)
    return Distinct(
        kept=[each for name, each in first.items() if name not in contradictory],
        copies=total - len(first),
        contradictory=len(contradictory),
    )


def without_near_copies(found: Sequence[Item], text: Callable[[Item], str]) -> list[Item]:
    """Items whose text is not nearly the same as that of one before them."""
    copies = near_copies([*map(text, found)])
    return [each for number, each in enumerate(found) if number not in copies]


def near_copies(texts: Sequence[str]) -> dict[int, int]:
    """Places of the texts that are nearly the same as one before them -> the place of that one, which is no such copy itself."""
    if not texts:
        return {}
    usual = DuplicateConfig()  # that of `zhixing data build`
    hasher = UnitHasher()
    runs = [np.unique(ngrams(hasher.measure(text).hashes, usual.shingle)) for text in texts]
    without = [number for number, each in enumerate(runs) if not len(each)]  # no letters to compare
    found = find_near_copies(signatures(runs), without, usual.threshold, runs.__getitem__)
    return {number: copy.kept for number, copy in found.items()}
