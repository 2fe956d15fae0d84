"""Tags: entities by seqeval in strict mode (IOB2 or IOBES), accuracy over words, and sequences that break the scheme.

    B-PER I-PER O B-LOC      strict: an entity is right when type, first and last word are; I-PER without B-PER is none

Precision, recall and F1 are those of all entities (micro); macro is the mean over types. Counts of right, found and true
entities are summed over sentences, which is what is resampled. Tags without B-, I-, E-, S- (parts of speech) get accuracy
alone. seqeval: Nakayama 2018, after the conlleval script of Tjong Kim Sang 2000.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zhixing.core.errors import DataError, MissingExtraError
from zhixing.corpus.labelled import check_one_scheme, of_no_scheme
from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.counts import f1, mean_of_defined, precision, recall
from zhixing.evaluate.tasks.measure import (
    Formula,
    Judged,
    SumMeasure,
    library_version,
    quotient,
    require_pairs,
)

TASK = "tags"
Tags = Sequence[str]


def judge_tags(predictions: Sequence[Tags], references: Sequence[Tags]) -> Judged:
    """One sequence of tags per sentence. Raises DataError for lengths that differ and for tags of no scheme."""
    require_pairs(TASK, predictions, references)
    for number, (guess, truth) in enumerate(zip(predictions, references, strict=True)):
        if len(guess) != len(truth):
            raise DataError(
                f"sentence {number + 1} has {len(truth)} words and {len(guess)} predicted tags; a cut-off sentence "
                "must be filled up with O"
            )
    words = np.array(
        [
            [sum(map(str.__eq__, guess, truth)), len(truth)]
            for guess, truth in zip(predictions, references, strict=True)
        ],
        dtype=np.float64,
    )
    accuracy = SumMeasure(name="accuracy", signature="words", table=words, formula=quotient)
    if not _is_chunked([*predictions, *references]):
        return Judged(task=TASK, measures=(accuracy,))
    scheme = scheme_of([*predictions, *references])
    measures, details = _entity_measures(predictions, references, scheme)
    notes = []
    for what, sequences in (("predicted", predictions), ("reference", references)):
        broken = sum(bool(breaks(tags, scheme)) for tags in sequences)
        if broken:
            notes.append(
                f"{broken} of {len(sequences)} {what} sequences break {scheme}: their loose tags make no entity"
            )
    if not any(measure.table[:, 2].sum() for measure in measures[:1]):
        notes.append("the references have no entity at all")
    return Judged(task=TASK, measures=(*measures, accuracy), details=details, notes=tuple(notes))


def scheme_of(sequences: Sequence[Tags]) -> str:
    """IOBES where an E- or S- occurs, else IOB2."""
    return "IOBES" if any(tag[:2] in ("E-", "S-") for tags in sequences for tag in tags) else "IOB2"


def breaks(tags: Tags, scheme: str) -> list[int]:
    """Places (from 0; the length for a missing end) where a sequence goes on what it never began, or does not end it."""
    found = []
    before = "O"
    for place, tag in enumerate([*tags, "O"]):
        goes_on, is_open = tag[:2] in ("I-", "E-"), before[:2] in ("B-", "I-")
        from_nothing = goes_on and not (is_open and before[2:] == tag[2:])
        left_open = scheme == "IOBES" and is_open and not goes_on
        if from_nothing or left_open:
            found.append(place)
        before = tag
    return found


def entities(tags: Tags, scheme: str) -> set[tuple[str, int, int]]:
    """Type, first word and the word behind the last, as seqeval's strict mode reads them."""
    try:
        from seqeval import scheme as schemes
    except ImportError as error:
        raise MissingExtraError("seqeval", "eval", "scoring entities") from error
    found: Any = schemes.Entities([list(tags)], getattr(schemes, scheme))
    return {(entity.tag, entity.start, entity.end) for entity in found.entities[0]}


def _is_chunked(sequences: Sequence[Tags]) -> bool:
    """Whether tags are O and B-, I-, E-, S-; DataError for a mixture of these with others."""
    tags = {tag for sequence in sequences for tag in sequence}
    check_one_scheme(tags, origin="answers and references")
    return not of_no_scheme(tags)


def _entity_measures(
    predictions: Sequence[Tags], references: Sequence[Tags], scheme: str
) -> tuple[list[SumMeasure], dict[str, Any]]:
    pairs = [
        (entities(guess, scheme), entities(truth, scheme))
        for guess, truth in zip(predictions, references, strict=True)
    ]
    types = sorted({entity[0] for pair in pairs for side in pair for entity in side})
    counts = np.zeros((len(pairs), 3, len(types)))  # right, found, true
    for row, (guess, truth) in zip(counts, pairs, strict=True):
        for side, found in enumerate((guess & truth, guess, truth)):
            for kind, *_ in found:
                row[side, types.index(kind)] += 1
    sums = counts.sum(axis=2)
    signature = f"{library_version('seqeval')}|mode:strict|scheme:{scheme}"
    measures = _micro(sums, signature)
    macro = SumMeasure(
        name="f1_macro",
        signature=signature,
        table=counts.reshape(len(pairs), -1),
        formula=_macro_f1,
        keys=tuple(types),
    )
    totals = counts.sum(axis=0)
    details = {
        kind: {
            "precision": _share(totals[0, n], totals[1, n]),
            "recall": _share(totals[0, n], totals[2, n]),
            "f1": _share(2 * totals[0, n], totals[1, n] + totals[2, n]),
            "count": int(totals[2, n]),
        }
        for n, kind in enumerate(types)
    }
    return [*measures, *([macro] if types else [])], {"types": details}


def _micro(sums: Floats, signature: str) -> list[SumMeasure]:
    """Precision, recall and F1 of right, found, true (items, 3)."""
    return [
        SumMeasure(name=name, signature=signature, table=sums, formula=_of_columns(per_count))
        for name, per_count in (("f1", f1), ("precision", precision), ("recall", recall))
    ]


def span_measures(right: Floats, found: Floats, true: Floats, signature: str) -> list[SumMeasure]:
    """The same three measures for counts of any spans, one number per item."""
    return _micro(np.stack([right, found, true], axis=1), signature)


def _of_columns(per_count: Callable[[Floats, Floats, Floats], Floats]) -> Formula:
    return lambda sums: per_count(sums[:, 0], sums[:, 1], sums[:, 2])


def _macro_f1(sums: Floats) -> Floats:
    right, found, true = np.split(sums, 3, axis=1)
    return mean_of_defined(f1(right, found, true))


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
