"""Spans: arguments of predicates as CoNLL-2005 and 2012 count them, and words of a segmentation.

roles      B-A0 I-A0 B-V B-A1 B-C-A1    the verb does not count; C-A1 belongs to the A1 before it, and both parts must
           be right; a C-A1 that continues nothing is an A1 (srl-eval.pl: Carreras & Màrquez 2005)
words      我 喜欢 北京  ->  (0, 1) (1, 3) (3, 5)      right when both ends are (SIGHAN bakeoff: Sproat & Emerson 2003)
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from zhixing.core.errors import DataError
from zhixing.evaluate.tasks.measure import Judged, SumMeasure, drawn_together, require_pairs
from zhixing.evaluate.tasks.tags import Tags, breaks, span_measures
from zhixing.objective.tag import OUTSIDE, VERB, Entity, entities

Argument = tuple[str, tuple[tuple[int, int], ...]]
"""Role, and first word and word behind the last of each of its parts."""


def judge_roles(
    predictions: Sequence[Tags], references: Sequence[Tags], *, sentences: Sequence[str] = ()
) -> Judged:
    """BIO tags of one predicate each: precision, recall and F1 of its arguments.

    `sentences` says which sentence each predicate is of: sentences are then drawn for the intervals and swapped for the tests,
    each with all its predicates, for they are right or wrong together. Raises DataError for lengths that differ.
    """
    require_pairs("roles", predictions, references)
    for number, (guess, truth) in enumerate(zip(predictions, references, strict=True)):
        if len(guess) != len(truth):
            raise DataError(
                f"predicate {number + 1} has {len(truth)} words and {len(guess)} predicted tags"
            )
    found, true = ([arguments(tags) for tags in side] for side in (predictions, references))
    broken = sum(bool(breaks(tags, "IOB2")) for tags in predictions)
    notes = (f"{broken} predicted sequences break IOB2: an I- begins an argument",) * bool(broken)
    measures = _measures(found, true, "srl-eval|verb:left-out|C-:joined")
    return Judged(
        task="roles",
        measures=tuple(drawn_together(each, sentences, "sentences") for each in measures),
        notes=notes,
    )


def judge_segmentation(
    predictions: Sequence[Sequence[str]], references: Sequence[Sequence[str]]
) -> Judged:
    """Lists of words of the same text: precision, recall and F1 of words. DataError when the texts differ."""
    require_pairs("segmentation", predictions, references)
    for number, (guess, truth) in enumerate(zip(predictions, references, strict=True)):
        if "".join(guess) != "".join(truth):
            raise DataError(
                f"item {number + 1}: the predicted words are not those of the text: {''.join(guess)[:40]!r} against "
                f"{''.join(truth)[:40]!r}"
            )
    found, true = ([word_spans(words) for words in side] for side in (predictions, references))
    return Judged(
        task="segmentation", measures=tuple(_measures(found, true, "words|spaces:as-given"))
    )


def arguments(tags: Tags) -> set[Argument]:
    """What BIO tags say: an I- without its B- begins an argument, R-x stands alone, V is left out.

    C-x continues the last x before it and, where there is none, is an x.
    """
    found: list[tuple[str, list[tuple[int, int]]]] = []
    last: dict[str, list[tuple[int, int]]] = {}
    for role, start, end in _chunks(tags):
        named = role.removeprefix("C-")
        if named != role and named in last:
            last[named].append((start, end))
            continue
        last[named] = [(start, end)]
        found.append((named, last[named]))
    return {(role, tuple(parts)) for role, parts in found if role != VERB}


def word_spans(words: Sequence[str]) -> set[tuple[int, int]]:
    """First character and the one behind the last of each word; empty words are none."""
    ends = np.cumsum([0, *map(len, words)]).tolist()
    return {(start, end) for start, end in pairwise(ends) if start < end}


def _chunks(tags: Tags) -> list[Entity]:
    for tag in tags:
        if tag != OUTSIDE and not (tag[:2] in ("B-", "I-") and tag[2:]):
            raise DataError(f"tag {tag!r} is neither O nor B-ROLE nor I-ROLE")
    return entities(tags)


def _measures(
    found: Sequence[set[Any]], true: Sequence[set[Any]], signature: str
) -> list[SumMeasure]:
    counts = np.array(
        [[len(f & t), len(f), len(t)] for f, t in zip(found, true, strict=True)], dtype=np.float64
    )
    return span_measures(counts[:, 0], counts[:, 1], counts[:, 2], signature)
