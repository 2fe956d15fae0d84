"""Pairs of text segments for BERT: does the second follow the first, or does it come from another document?

    document  s0 s1 s2 s3 s4 s5 s6 …
    pair 1    [s0 s1]   [s2 s3]       the second follows
    pair 2    [s4]      [t7 t8 t9]    from another document; s5 is read again in the next pair

Devlin et al. 2018, appendix A.2: sentences are gathered until they fill an input; every tenth input is a shorter one,
so that short inputs are known too. The two kinds of pairs are kept equally many over an epoch (a lone sentence at the
end of a document can only be a first segment without its successor), and the other document has the same language:
otherwise the script alone would give the answer away. The plan of an epoch and everything in a pair
follow from (seed, epoch), so masking is dynamic (Liu et al. 2019) and still resumes exactly.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from zhixing.data.examples import ExampleStore
from zhixing.data.source import Lazy, Shuffled

Item = TypeVar("Item", covariant=True)
FIELDS = ("ids", "ends", "starts", "language")
"""Of a stored document: its tokens, where each sentence ends, 1 where a token begins a word, a number per language."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Consecutive tokens of one document; `starts` is 1 where a token begins a word."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two segments and whether the second followed the first in its document; one segment alone: `second` is None."""

    first: Segment
    second: Segment | None
    follows: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Planned:
    """Sentences `begin` to `stop` of `document`; `other` and its sentences are the second segment."""

    document: int
    begin: int
    stop: int
    other: int
    other_begin: int
    other_stop: int


class SentencePairs(Shuffled[Item]):
    """Pairs from a store of documents with sentence ends; `make` gets a pair and random numbers of its own."""

    def __init__(
        self,
        store: ExampleStore,
        make: Callable[[Pair, np.random.Generator], Item],
        *,
        room: int,
        short: float,
        paired: bool,
    ) -> None:
        """`room`: tokens of both segments together; `short`: share of shorter inputs; not `paired`: one segment."""
        self._store, self._make = store, make
        self._room, self._short, self._paired = room, short, paired
        documents = [store[index] for index in range(len(store))]
        self._ends = [document["ends"] for document in documents]
        self._languages = np.array([int(document["language"][0]) for document in documents])

    @property
    def hashes(self) -> Sequence[str]:
        """That of the store."""
        return [self._store.shard.source_hash]

    def epoch(self, number: int, seed: int) -> Sequence[Item]:
        """All pairs of one pass over the documents."""
        random = np.random.default_rng([seed, number])
        plan = self._plan(random)
        order = random.permutation(len(plan))

        def make(index: int) -> Item:
            chosen = int(order[index])
            pair = self._pair(plan[chosen])
            return self._make(pair, np.random.default_rng([seed, number, chosen]))

        return Lazy(len(plan), make)

    def num_too_long(self) -> tuple[int, int]:
        """Pairs of the first epoch that must be cut to fit, and all its pairs."""
        plan = self._plan(np.random.default_rng([0, 0]))
        long = sum(self._length(each) > self._room for each in plan)
        return long, len(plan)

    def _plan(self, random: np.random.Generator) -> list[_Planned]:
        room, short = self._room, self._short
        if not self._paired:
            return _Planner(self._ends, None, room=room, short=short, random=random).run()
        return _Planner(self._ends, self._languages, room=room, short=short, random=random).run()

    def _length(self, planned: _Planned) -> int:
        first = _tokens(self._ends[planned.document], planned.begin, planned.stop)
        return first + _tokens(self._ends[planned.other], planned.other_begin, planned.other_stop)

    def _pair(self, planned: _Planned) -> Pair:
        second = None
        if self._paired:
            second = self._segment(planned.other, planned.other_begin, planned.other_stop)
        first = self._segment(planned.document, planned.begin, planned.stop)
        return Pair(first=first, second=second, follows=planned.other == planned.document)

    def _segment(self, document: int, begin: int, stop: int) -> Segment:
        stored, ends = self._store[document], self._ends[document]
        here = slice(int(ends[begin - 1]) if begin else 0, int(ends[stop - 1]))
        return Segment(ids=stored["ids"][here], starts=stored["starts"][here])


class _Planner:
    """One walk over all documents; `languages` of each, None when there are no pairs to make."""

    def __init__(
        self,
        ends: Sequence[NDArray[np.int64]],
        languages: NDArray[np.int64] | None,
        *,
        room: int,
        short: float,
        random: np.random.Generator,
    ) -> None:
        self._ends, self._languages, self._room, self._short = ends, languages, room, short
        self._random = random
        known = [] if languages is None else np.unique(languages).tolist()
        self._speaking = {each: np.flatnonzero(languages == each) for each in known}
        self._surplus = 0  # pairs that do not follow, less those that do

    def run(self) -> list[_Planned]:
        return [pair for document in range(len(self._ends)) for pair in self._pairs(document)]

    def _pairs(self, document: int) -> list[_Planned]:
        count = len(self._ends[document])
        pairs, begin = [], 0
        while begin < count:
            stop = self._gather(document, begin, self._target())
            if self._languages is None:
                pairs.append(_alone(document, begin, stop))
                begin = stop
                continue
            pair = self._pair(document, begin, stop)
            if pair is not None:
                pairs.append(pair)
                stop = stop if pair.other == document else pair.stop
            begin = stop
        return pairs

    def _pair(self, document: int, begin: int, stop: int) -> _Planned | None:
        """The sentences begin … stop split in two, or their first part with a stranger; None: no stranger is there."""
        is_lone = stop - begin == 1
        middle = stop if is_lone else begin + 1 + int(self._random.integers(stop - begin - 1))
        follows = not is_lone and self._next_follows()
        if follows:
            self._surplus -= 1
            return _Planned(
                document=document,
                begin=begin,
                stop=middle,
                other=document,
                other_begin=middle,
                other_stop=stop,
            )
        other = self._another(document)
        if other is None:
            return None
        self._surplus += 1
        start = int(self._random.integers(len(self._ends[other])))
        room = max(1, self._room - _tokens(self._ends[document], begin, middle))
        return _Planned(
            document=document,
            begin=begin,
            stop=middle,
            other=other,
            other_begin=start,
            other_stop=self._gather(other, start, room),
        )

    def _another(self, document: int) -> int | None:
        """A document of the same language; None where there is no other."""
        assert self._languages is not None
        same = self._speaking[int(self._languages[document])]
        if len(same) < 2:
            return None
        place = int(np.searchsorted(same, document)) + 1 + int(self._random.integers(len(same) - 1))
        return int(same[place % len(same)])

    def _next_follows(self) -> bool:
        if self._surplus:
            return self._surplus > 0
        return bool(self._random.random() < 0.5)

    def _target(self) -> int:
        if self._random.random() < self._short:
            return int(self._random.integers(2, self._room + 1))
        return self._room

    def _gather(self, document: int, begin: int, room: int) -> int:
        """The sentence before which `room` tokens from sentence `begin` on are reached, or the end."""
        ends = self._ends[document]
        start = int(ends[begin - 1]) if begin else 0
        return min(int(np.searchsorted(ends, start + room)) + 1, len(ends))


def _alone(document: int, begin: int, stop: int) -> _Planned:
    return _Planned(
        document=document, begin=begin, stop=stop, other=document, other_begin=stop, other_stop=stop
    )


def _tokens(ends: NDArray[np.int64], begin: int, stop: int) -> int:
    if begin >= stop:
        return 0
    return int(ends[stop - 1]) - (int(ends[begin - 1]) if begin else 0)


def cut_to(pair: Pair, room: int, random: np.random.Generator) -> Pair:
    """The same pair with at most `room` tokens: the longer segment loses tokens, at its begin or its end at random."""
    segments = [pair.first] if pair.second is None else [pair.first, pair.second]
    keep = [slice(0, len(each.ids)) for each in segments]
    sizes = [len(each.ids) for each in segments]
    while sum(sizes) > room:
        longest = sizes.index(max(sizes))
        sizes[longest] -= 1
        start, stop = keep[longest].start, keep[longest].stop
        at_begin = bool(random.random() < 0.5)
        keep[longest] = slice(start + 1, stop) if at_begin else slice(start, stop - 1)
    cut = [
        Segment(ids=each.ids[here], starts=each.starts[here])
        for each, here in zip(segments, keep, strict=True)
    ]
    return Pair(first=cut[0], second=cut[1] if len(cut) > 1 else None, follows=pair.follows)
