"""How fast we are beside others: everybody does the same work in turn, in one process, and the ratio is the result.

    round 1   zhixing  peer  peer ...
    round 2   zhixing  peer  peer ...        the ratio of each round, then their median

Seconds say as much about the neighbours of a shared machine as about us; the ratio of two runs that stand side by side
does not (Georges et al. 2007, "Statistically rigorous Java performance evaluation", for the repetitions). Left out:
memory and energy, which `zhixing quickstart` measures.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from zhixing.core.errors import DataError
from zhixing.core.records import Record

OURS = "zhixing"

Work = Callable[[], float]
"""Does the work once; returns how much that was: tokens, bytes, n-grams."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Race:
    """The rates of everybody in every round, in units per second."""

    name: str
    unit: str
    rates: Mapping[str, Sequence[float]]

    def ratios(self, peer: str) -> list[float]:
        """How many times as fast as `peer` we were, round by round."""
        pairs = zip(self.rates[OURS], self.rates[peer], strict=True)
        return [ours / theirs for ours, theirs in pairs]


def race(name: str, unit: str, works: Mapping[str, Work], *, rounds: int) -> Race:
    """Run all `works` once to warm up, then `rounds` times in turn.

    Every other round runs in reverse order, so that nobody always inherits the cache of the same neighbour.
    """
    assert OURS in works, "a race is between us and others"
    for work in works.values():
        work()
    rates: dict[str, list[float]] = {each: [] for each in works}
    for number in range(rounds):
        order = list(works) if number % 2 == 0 else list(works)[::-1]
        for each in order:
            rates[each].append(_rate(each, works[each]))
    return Race(name=name, unit=unit, rates=rates)


def race_records(raced: Race, *, seed: int) -> list[Record]:
    """A record per contestant, then one per ratio: medians, with the lowest and highest round as low and high."""
    peers = [each for each in raced.rates if each != OURS]
    measured = [(each, raced.unit, raced.rates[each]) for each in raced.rates]
    measured += [(f"{OURS}/{peer}", "ratio", raced.ratios(peer)) for peer in peers]
    return [
        Record(
            kind="benchmark",
            name=name,
            value=statistics.median(values),
            unit=unit,
            low=min(values),
            high=max(values),
            count=len(values),
            seed=seed,
            tags={"benchmark": raced.name, "interval": "slowest and fastest round"},
        )
        for name, unit, values in measured
    ]


def _rate(name: str, work: Work) -> float:
    began = time.perf_counter()
    amount = work()
    seconds = time.perf_counter() - began
    if amount <= 0:
        raise DataError(f"{name} did no work, so it has no speed")
    return amount / seconds
