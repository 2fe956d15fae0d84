"""Labels: accuracy, precision, recall and F1 of each class, macro and micro; Matthews and Cohen; confusion.

    found_c = guessed c and is c       precision_c = found_c / guessed_c      recall_c = found_c / true_c
    macro = mean over the classes that occur        micro = the same of summed counts (= accuracy: one label each)
    Matthews: Gorodkin 2004, the multi-class form            kappa: Cohen 1960

Everything is a formula of three counts per class, so it is computed for a thousand resamples at once; scikit-learn, which has
the same conventions (precision is 0 where nothing was guessed), must agree on the whole before a number is given. A
label that training did not know is a class like any other and is told.

Items that are pieces of one document are right or wrong together. Where the document of each is known, documents are drawn
for intervals and swapped for tests, each with all its items; otherwise the intervals would be too narrow.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from zhixing.core.errors import DataError, MissingExtraError
from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.areas import areas
from zhixing.evaluate.tasks.calibration import calibration_error, reliability
from zhixing.evaluate.tasks.counts import f1, mean_of_defined, precision, recall
from zhixing.evaluate.tasks.measure import (
    Formula,
    Judged,
    Measure,
    SumMeasure,
    divided,
    library_version,
    quotient,
    require_pairs,
    together,
)

TASK = "labels"


def judge_labels(
    predictions: Sequence[str],
    references: Sequence[str],
    *,
    known: Sequence[str] = (),
    positive: str = "",
    probabilities: Sequence[Mapping[str, float]] = (),
    documents: Sequence[str] = (),
) -> Judged:
    """Compare labels. `positive` adds the F1 of that class; `probabilities` add areas under ROC and PR curves.

    `known` are the labels of training: others are counted in the notes. `documents` says which document each item is a piece of:
    documents are then drawn for the intervals, and measures that cannot be have none. Raises DataError for nothing to score, for
    another number of references, and for a positive label that is nowhere.
    """
    require_pairs(TASK, predictions, references)
    names = sorted({*predictions, *references})
    if positive and positive not in names:
        raise DataError(f"no item has the label {positive!r}; the labels are {', '.join(names)}")
    table = together(_counts(predictions, references, names), documents)
    signature = library_version("scikit-learn") + ("|drawn:documents" if documents else "")
    measures = _measures(table, signature, names)
    if positive:
        measures.append(_of_class(table, names.index(positive), f"{signature}|positive:{positive}"))
    _require_agreement(measures, predictions, references)
    details = _details(predictions, references, names)
    if probabilities:
        measures += _of_probabilities(probabilities, references, _asked(names, positive), documents)
        details["reliability"] = [asdict(one) for one in reliability(probabilities, references)]
    return Judged(
        task=TASK,
        measures=tuple(measures),
        details=details,
        notes=tuple(_notes(predictions, references, known, documents)),
    )


def alarms(
    predictions: Sequence[str],
    references: Sequence[str],
    *,
    clean: str,
    documents: Sequence[str] = (),
) -> list[Measure]:
    """False alarms per 1,000 texts that are `clean`, and recall and precision of every other label.

    Where no text is `clean` the first is not defined.
    """
    require_pairs(TASK, predictions, references)
    names = sorted({*predictions, *references, clean})
    table = together(_counts(predictions, references, names), documents)
    signature = f"clean:{clean}{'|drawn:documents' if documents else ''}"
    found, guessed, true = _split(table)
    place = names.index(clean)
    wrong = np.stack([true[:, place] - found[:, place], true[:, place] / 1000], axis=1)
    measures: list[Measure] = [
        SumMeasure(
            name="false_alarms",
            signature=signature,
            table=wrong,
            formula=quotient,
            unit="texts/1,000 clean texts",
            better="lower",
        )
    ]
    for number, name in enumerate(names):
        if name == clean:
            continue
        for kind, counted in (("recall", true), ("precision", guessed)):
            columns = np.stack([found[:, number], counted[:, number]], axis=1)
            measures.append(
                SumMeasure(
                    name=f"{kind}:{name}", signature=signature, table=columns, formula=quotient
                )
            )
    return measures


def confusion(
    predictions: Sequence[str], references: Sequence[str], names: Sequence[str]
) -> list[list[int]]:
    """How often each true label (row) was guessed as each label (column)."""
    place = {name: number for number, name in enumerate(names)}
    cells = [[0] * len(names) for _ in names]
    for guess, truth in zip(predictions, references, strict=True):
        cells[place[truth]][place[guess]] += 1
    return cells


def _asked(names: Sequence[str], positive: str) -> Sequence[str]:
    """Two classes have one curve; more have one each, against the rest."""
    if positive:
        return (positive,)
    return names[-1:] if len(names) == 2 else names


def _counts(predictions: Sequence[str], references: Sequence[str], names: Sequence[str]) -> Floats:
    """Per item, for each class: found, guessed, true (items, 3 · classes)."""
    guessed = np.array(predictions, dtype=object)[:, None] == np.array(names, dtype=object)
    true = np.array(references, dtype=object)[:, None] == np.array(names, dtype=object)
    return np.concatenate([guessed & true, guessed, true], axis=1).astype(np.float64)


def _of_probabilities(
    probabilities: Sequence[Mapping[str, float]],
    references: Sequence[str],
    labels: Sequence[str],
    documents: Sequence[str],
) -> list[Measure]:
    """Areas and calibration; an area is no sum over items, so of documents it has no interval."""
    found = [each for label in labels for each in areas(probabilities, references, label)]
    error = calibration_error(probabilities, references)
    if not documents:
        return [*found, error]
    bare = [replace(each, can_resample=False) for each in found]
    return [*bare, replace(error, table=together(error.table, documents))]


def _measures(table: Floats, signature: str, names: Sequence[str]) -> list[Measure]:
    named: Sequence[tuple[str, Formula, str]] = (
        ("accuracy", _accuracy, "share"),
        ("precision_macro", _macro(precision), "share"),
        ("recall_macro", _macro(recall), "share"),
        ("f1_macro", _macro(f1), "share"),
        ("f1_micro", _micro, "share"),
        ("matthews", _matthews, "-1 to 1"),
        ("kappa", _kappa, "-1 to 1"),
    )
    return [
        SumMeasure(
            name=name,
            signature=signature,
            table=table,
            formula=formula,
            unit=unit,
            keys=tuple(names),
        )
        for name, formula, unit in named
    ]


def _of_class(table: Floats, place: int, signature: str) -> Measure:
    classes = table.shape[1] // 3
    columns = table[:, [place, classes + place, 2 * classes + place]]
    counts = np.stack([2 * columns[:, 0], columns[:, 1] + columns[:, 2]], axis=1)
    return SumMeasure(name="f1", signature=signature, table=counts, formula=quotient)


def _split(sums: Floats) -> tuple[Floats, Floats, Floats]:
    found, guessed, true = np.split(sums, 3, axis=1)
    return found, guessed, true


def _accuracy(sums: Floats) -> Floats:
    found, _, true = _split(sums)
    return divided(found.sum(axis=1), true.sum(axis=1))


def _macro(per_class: Callable[[Floats, Floats, Floats], Floats]) -> Formula:
    """The mean over the classes that occur at all."""

    def formula(sums: Floats) -> Floats:
        return mean_of_defined(per_class(*_split(sums)))

    return formula


def _micro(sums: Floats) -> Floats:
    """F1 of the counts of all classes together; with one label an item it is the accuracy."""
    found, guessed, true = (part.sum(axis=1) for part in _split(sums))
    return f1(found, guessed, true)


def _matthews(sums: Floats) -> Floats:
    found, guessed, true = _split(sums)
    count = true.sum(axis=1)
    above = found.sum(axis=1) * count - (guessed * true).sum(axis=1)
    below = np.sqrt((count**2 - (guessed**2).sum(axis=1)) * (count**2 - (true**2).sum(axis=1)))
    return divided(above, below)


def _kappa(sums: Floats) -> Floats:
    found, guessed, true = _split(sums)
    count = true.sum(axis=1)
    by_chance = (guessed * true).sum(axis=1)
    return divided(found.sum(axis=1) * count - by_chance, count**2 - by_chance)


def _require_agreement(
    measures: Sequence[Measure], predictions: Sequence[str], references: Sequence[str]
) -> None:
    """Our own formulas on all items are scikit-learn's."""
    try:
        from sklearn.metrics import precision_recall_fscore_support
    except ImportError as error:
        raise MissingExtraError("scikit-learn", "eval", "scoring labels") from error
    wanted = precision_recall_fscore_support(
        references, predictions, average="macro", zero_division=0.0
    )
    ours = {measure.name: measure.value() for measure in measures}
    for name, value in zip(("precision_macro", "recall_macro", "f1_macro"), wanted, strict=False):
        assert abs(ours[name] - value) < 1e-9, f"{name}: {ours[name]} is not {value}"


def _details(
    predictions: Sequence[str], references: Sequence[str], names: Sequence[str]
) -> dict[str, Any]:
    cells = np.array(confusion(predictions, references, names), dtype=np.float64)
    found, guessed, true = np.diag(cells), cells.sum(axis=0), cells.sum(axis=1)
    per_class = {
        name: {
            "precision": None if guessed[n] == 0 else found[n] / guessed[n],
            "recall": None if true[n] == 0 else found[n] / true[n],
            "f1": 2 * found[n] / (guessed[n] + true[n]),
            "count": int(true[n]),
        }
        for n, name in enumerate(names)
    }
    return {
        "labels": list(names),
        "confusion": cells.astype(int).tolist(),
        "classes": per_class,
    }


def _notes(
    predictions: Sequence[str],
    references: Sequence[str],
    known: Sequence[str],
    documents: Sequence[str],
) -> list[str]:
    notes = []
    if documents:
        notes.append(
            f"{len(references):,} items are pieces of {len(set(documents)):,} documents, which are drawn as wholes"
        )
    if len(set(references)) == 1:
        notes.append(
            f"every reference has the label {references[0]!r}: nothing tells classes apart"
        )
    for what, labels in {"references": references, "predictions": predictions}.items():
        unknown = sorted({*labels} - {*known}) if known else []
        if unknown:
            count = sum(label in unknown for label in labels)
            notes.append(f"{count} {what} have labels that are not known: {', '.join(unknown)}")
    return notes
