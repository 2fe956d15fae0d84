"""The nine GLUE tasks (Wang et al. 2018) as they are published: tab-separated, no quoting, a header for all but CoLA.

A label that the task does not have means that columns are shifted, and is an error. Lines with another number of columns
(QQP has some) and MNLI's pairs without a gold label are left out and counted. Test files have no labels: their rows
have no key `label`. The files of RTE, WNLI and the diagnostic set begin alike, and are told apart by their labels.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.corpus.formats.place import numbered, wrong
from zhixing.corpus.table_rows import BrokenRow, Row

_BINARY = ("0", "1")
_ENTAILED = ("entailment", "not_entailment")
_NLI = ("entailment", "neutral", "contradiction")
_COLA_COLUMNS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Names of the columns that are read; no `labels` where the label is a number from 0 to 5."""

    texts: tuple[str, ...]
    label: str
    labels: tuple[str, ...] = ()


TASKS: Mapping[str, Columns] = {
    "cola": Columns(texts=("sentence",), label="", labels=_BINARY),
    "sst-2": Columns(texts=("sentence",), label="label", labels=_BINARY),
    "mrpc": Columns(texts=("#1 String", "#2 String"), label="Quality", labels=_BINARY),
    "sts-b": Columns(texts=("sentence1", "sentence2"), label="score"),
    "qqp": Columns(texts=("question1", "question2"), label="is_duplicate", labels=_BINARY),
    "mnli": Columns(texts=("sentence1", "sentence2"), label="gold_label", labels=_NLI),
    "qnli": Columns(texts=("question", "sentence"), label="label", labels=_ENTAILED),
    "rte": Columns(texts=("sentence1", "sentence2"), label="label", labels=_ENTAILED),
    "wnli": Columns(texts=("sentence1", "sentence2"), label="label", labels=_BINARY),
}

_SIGNS: Sequence[tuple[tuple[str, ...], tuple[str, ...]]] = (
    (("#1 String", "#2 String"), ("mrpc",)),
    (("question1", "question2"), ("qqp",)),
    (("promptID", "sentence1"), ("mnli",)),
    (("genre", "sentence1"), ("sts-b",)),
    (("question", "sentence"), ("qnli",)),
    (("index", "sentence1", "sentence2"), ("rte", "wnli")),
    (("sentence", "label"), ("sst-2",)),
    (("index", "sentence"), ("sst-2", "cola")),
)
"""Columns that show which task, or tasks, a header belongs to; the first that fits counts."""


def read_glue(path: Path, task: str) -> Iterator[Row | BrokenRow]:
    """Rows {text, label} or {text1, text2, label} of one task's file."""
    columns = TASKS[task]
    lines = numbered(path)
    if task == "cola" and not _has_header(path):
        yield from _cola(path, lines)
        return
    number, header = next(lines, (1, ""))
    names = header.lstrip("\ufeff").split("\t")
    for name in columns.texts:
        if name not in names:
            raise wrong(
                path, number, name, f"is missing from the header of {task}: {', '.join(names)}"
            )
    for number, line in lines:
        if not line:
            continue
        values = line.split("\t")
        if len(values) != len(names):
            yield "broken_line"
            continue
        yield _row(path, number, dict(zip(names, values, strict=True)), task)


def detect_glue(path: Path) -> str | None:
    """The task whose columns a file has; None when there is none. DataError when several fit and labels do not tell."""
    lines = numbered(path)
    names = next(lines, (1, ""))[1].lstrip("\ufeff").split("\t")
    if _is_cola(names):
        return "cola"
    fitting = next((tasks for signs, tasks in _SIGNS if set(signs) <= set(names)), ())
    if (
        fitting and "label" in names
    ):  # other tables call a column so; their labels are not those of the task
        place = names.index("label")
        first = next((line.split("\t") for _, line in lines), [])
        label = first[place] if len(first) == len(names) else ""
        return next((task for task in fitting if label in TASKS[task].labels), None)
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    raise DataError(
        f"{path} has the columns of {' and '.join(fitting)} and no labels that tell them apart; name the format, such as "
        f"glue-{fitting[0]}"
    )


def _row(path: Path, number: int, values: Mapping[str, str], task: str) -> Row | BrokenRow:
    columns = TASKS[task]
    texts = [values[name].strip() for name in columns.texts]
    if not all(texts):
        return "empty_text"
    keys = ("text",) if len(texts) == 1 else ("text1", "text2")
    row = dict(zip(keys, texts, strict=True))
    if columns.label not in values:
        return row
    label = values[columns.label]
    if task == "mnli" and label == "-":
        return "no_gold_label"
    return row | {"label": _label(path, number, label, task)}


def _label(path: Path, number: int, label: str, task: str) -> str:
    columns = TASKS[task]
    name = columns.label or 2
    if columns.labels:
        if label not in columns.labels:
            allowed = ", ".join(columns.labels)
            raise wrong(path, number, name, f"{label!r} is no label of {task}; allowed: {allowed}")
        return label
    try:
        is_score = 0.0 <= float(label) <= 5.0
    except ValueError:
        is_score = False
    if not is_score:
        raise wrong(path, number, name, f"{label!r} is no score of {task}; allowed: 0 to 5")
    return label


def _cola(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Row | BrokenRow]:
    for number, line in lines:
        values = line.split("\t")
        if len(values) != _COLA_COLUMNS:
            if line:
                yield "broken_line"
            continue
        label = _label(path, number, values[1], "cola")
        text = values[3].strip()
        yield {"text": text, "label": label} if text else "empty_text"


def _is_cola(values: Sequence[str]) -> bool:
    """Source, judgement, the author's star, sentence."""
    return len(values) == _COLA_COLUMNS and values[1] in _BINARY and not values[2].strip("*?#% ")


def _has_header(path: Path) -> bool:
    return "sentence" in next(numbered(path), (1, ""))[1].split("\t")
