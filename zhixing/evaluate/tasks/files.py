"""Predictions and references in two jsonl files, line by line: which keys each task reads, and what scores them."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.formats.place import numbered
from zhixing.corpus.labelled import as_number, is_label
from zhixing.evaluate.tasks.answers import judge_answers
from zhixing.evaluate.tasks.glue import METRICS, judge_glue
from zhixing.evaluate.tasks.labels import judge_labels
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.numbers import judge_numbers
from zhixing.evaluate.tasks.retrieval import judge_retrieval
from zhixing.evaluate.tasks.spans import judge_roles, judge_segmentation
from zhixing.evaluate.tasks.summaries import judge_summaries
from zhixing.evaluate.tasks.tags import judge_tags
from zhixing.evaluate.tasks.translation import judge_translations
from zhixing.evaluate.tasks.writing import judge_writing

Rows = Sequence[tuple[str, Mapping[str, Any]]]
"""Where each line is, such as answers.jsonl:41, and what it holds."""
_LISTS_OF_TEXT = ("tags", "tokens")


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What a user may say beside the two files; empty where nothing was said."""

    language: str = ""
    positive: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileTask:
    """Keys with the type of their values, and the function that scores rows of them."""

    prediction: Mapping[str, type | tuple[type, ...]]
    reference: Mapping[str, type | tuple[type, ...]]
    judge: Callable[[Rows, Rows, Options], Judged]
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    is_paired: bool = True
    """Line n of one file belongs to line n of the other."""


def score_files(task: str, predictions: Path, references: Path, options: Options) -> Judged:
    """Score two files. Raises UsageError for an unknown task or option, DataError for a line that does not fit."""
    if task not in TASKS:
        raise UsageError(f"there is no task {task!r}; there are: {', '.join(TASKS)}")
    known = TASKS[task]
    for name in ("language", "positive"):
        said = getattr(options, name)
        if said and name not in known.options:
            raise UsageError(f"--{name} would do nothing for task {task}; leave it out")
        if not said and name in known.needs:
            raise UsageError(f"task {task} needs --{name}, such as --{name} zh")
    guesses, truths = _rows(predictions, known.prediction), _rows(references, known.reference)
    if known.is_paired:
        _require_same_ids(guesses, truths)
    return known.judge(guesses, truths, options)


def _rows(path: Path, keys: Mapping[str, type | tuple[type, ...]]) -> Rows:
    if not path.is_file():
        raise DataError(f"{path} is not a file; give a jsonl file")
    rows = []
    for number, line in numbered(path):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            cure = f"; is it a table? type: zhixing data convert {path} --out {path.with_suffix('.jsonl')}"
            raise DataError(
                f"{path}:{number} is not JSON: {error}{cure * (path.suffix != '.jsonl')}"
            ) from error
        row = _as_asked(row, keys)
        for key, kind in keys.items():
            if not isinstance(row, Mapping) or key not in row:
                wanted = "{" + ", ".join(keys) + "}"
                raise DataError(
                    f"{path}:{number} has no key {key!r}; every line must have {wanted}"
                )
            if not isinstance(row[key], kind) or isinstance(row[key], bool):
                raise DataError(
                    f"{path}:{number}: {key!r} is {json.dumps(row[key], ensure_ascii=False)[:60]}, which is no {_told(kind)}"
                )
            if (
                isinstance(row[key], int | float)
                and float in _kinds(kind)
                and not _is_number(row[key])
            ):
                raise DataError(
                    f"{path}:{number}: {key!r} is {str(row[key])[:60]}, which is no number to score"
                )
            if key in _LISTS_OF_TEXT and not all(isinstance(each, str) for each in row[key]):
                raise DataError(f"{path}:{number}: {key!r} holds something that is no text")
            if key == "ranked" and not all(isinstance(each, str | int) for each in row[key]):
                raise DataError(f"{path}:{number}: 'ranked' holds something that is no id")
        rows.append((f"{path}:{number}", row))
    return rows


def _as_asked(row: Any, keys: Mapping[str, type | tuple[type, ...]]) -> Any:
    """A row of examples under the keys that a task reads; every other as it is."""
    if not isinstance(row, Mapping):
        return row
    if "text" in keys and "text" not in row and "tgt" in row:
        row = {**row, "text": row["tgt"]}  # a pair {src, tgt}, as it is learnt from
    if "relevance" in keys and "next" in row:
        row = {"relevance": {str(row["next"]): 1}, **row}  # a history {user, history, next}
    if "relevance" in keys and isinstance(row.get("relevance"), list):
        row = {**row, "relevance": {str(n): gain for n, gain in enumerate(row["relevance"])}}
    label = row.get("label")
    if keys.get("label") == NUMBER and isinstance(label, str) and not math.isnan(as_number(label)):
        row = {**row, "label": as_number(label)}  # a column of csv is text
    if keys.get("label") == LABEL and isinstance(label, float | bool) and is_label(label):
        row = {**row, "label": str(label)}  # 1.0 and true are labels, as in training
    return row


def _told(kind: type | tuple[type, ...]) -> str:
    names = {str: "text", list: "list", dict: "object", int: "whole number", float: "number"}
    return " or ".join(names[each] for each in _kinds(kind))


def _kinds(kind: type | tuple[type, ...]) -> tuple[type, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _require_same_ids(guesses: Rows, truths: Rows) -> None:
    for (here, guess), (there, truth) in zip(guesses, truths, strict=False):
        one, other = guess.get("id"), truth.get("id")
        if one is not None and other is not None and one != other:
            raise DataError(
                f"{here} has the id {one!r} and {there} has {other!r}; both files must be in one order"
            )


def _column(rows: Rows, key: str) -> list[Any]:
    return [row[key] for _, row in rows]


def _labels(guesses: Rows, truths: Rows, options: Options) -> Judged:
    with_probabilities = [each for each in guesses if "probabilities" in each[1]]
    if len(with_probabilities) not in (0, len(guesses)):
        raise DataError(
            f"{len(with_probabilities)} of {len(guesses)} predictions have probabilities; all or none must"
        )
    for where, row in with_probabilities:
        item = row["probabilities"]
        if not isinstance(item, Mapping) or not all(
            _is_number(each) and 0.0 <= each <= 1.0 for each in item.values()
        ):
            raise DataError(
                f"{where}: probabilities must be {{label: number from 0 to 1, …}}, and are {item!r:.80}"
            )
    return judge_labels(
        [str(label) for label in _column(guesses, "label")],
        [str(label) for label in _column(truths, "label")],
        positive=options.positive,
        probabilities=_column(with_probabilities, "probabilities"),
        documents=_drawn_together(truths, "document"),
    )


def _drawn_together(truths: Rows, key: str) -> list[str]:
    """Which document each item is a piece of, or which group a query is of; none where items stand for themselves."""
    named = [str(row[key]) for _, row in truths if key in row]
    if len(named) not in (0, len(truths)):
        raise DataError(f"{len(named)} of {len(truths)} references have a {key}; all or none must")
    return named


def _glue(task: str) -> Callable[[Rows, Rows, Options], Judged]:
    def judge(guesses: Rows, truths: Rows, options: Options) -> Judged:
        first, second = ([str(label) for label in _column(r, "label")] for r in (guesses, truths))
        return judge_glue(task, first, second)

    return judge


def _answers(guesses: Rows, truths: Rows, options: Options) -> Judged:
    references = []
    for where, row in truths:
        texts = row["answers"].get("text")
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise DataError(f"{where}: answers has no list of texts under the key 'text'")
        references.append(texts)
    contexts = [row["context"] for _, row in truths if isinstance(row.get("context"), str)]
    return judge_answers(
        _column(guesses, "text"),
        references,
        language=options.language,
        version="v1" if all(references) else "v2",  # v1.1 has an answer to every question
        contexts=contexts if len(contexts) == len(truths) else (),
    )


def _retrieval(guesses: Rows, truths: Rows, options: Options) -> Judged:
    """JSON's keys are texts, so that the ids of lists become texts too."""
    for where, row in truths:
        gains = row["relevance"]
        if not all(_is_number(gain) for gain in gains.values()):
            raise DataError(f"{where}: a relevance is no number: {gains}")
    lists = [[str(name) for name in listed] for listed in _column(guesses, "ranked")]
    groups = _drawn_together(truths, "group")
    return judge_retrieval(lists, _column(truths, "relevance"), groups=groups)


def _sentences(truths: Rows) -> list[str]:
    """The sentence of each predicate; none where not every reference has its words."""
    found = [row["tokens"] for _, row in truths if isinstance(row.get("tokens"), list)]
    return [" ".join(map(str, words)) for words in found] if len(found) == len(truths) else []


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def _of_texts(judge: Callable[..., Judged]) -> Callable[[Rows, Rows, Options], Judged]:
    """Written texts beside those that they should be, in a language."""
    return lambda guesses, truths, options: judge(
        _column(guesses, "text"), _column(truths, "text"), language=options.language
    )


_TEXT: Mapping[str, type] = {"text": str}
LABEL = (str, int)
_LABEL: Mapping[str, tuple[type, ...]] = {"label": LABEL}
NUMBER = (int, float)
_TAGS: Mapping[str, type] = {"tags": list}
_LANGUAGE = ("language",)

TASKS: Mapping[str, FileTask] = {
    "labels": FileTask(prediction=_LABEL, reference=_LABEL, judge=_labels, options=("positive",)),
    "numbers": FileTask(
        prediction={"label": NUMBER},
        reference={"label": NUMBER},
        judge=lambda p, r, o: judge_numbers(_column(p, "label"), _column(r, "label")),
    ),
    "translation": FileTask(
        prediction=_TEXT,
        reference=_TEXT,
        judge=_of_texts(judge_translations),
        options=_LANGUAGE,
        needs=_LANGUAGE,
    ),
    "summary": FileTask(
        prediction=_TEXT,
        reference=_TEXT,
        judge=_of_texts(judge_summaries),
        options=_LANGUAGE,
        needs=_LANGUAGE,
    ),
    "answers": FileTask(
        prediction=_TEXT,
        reference={"answers": dict},
        judge=_answers,
        options=_LANGUAGE,
        needs=_LANGUAGE,
    ),
    "tags": FileTask(
        prediction=_TAGS,
        reference=_TAGS,
        judge=lambda p, r, o: judge_tags(_column(p, "tags"), _column(r, "tags")),
    ),
    "roles": FileTask(
        prediction=_TAGS,
        reference=_TAGS,
        judge=lambda p, r, o: judge_roles(
            _column(p, "tags"), _column(r, "tags"), sentences=_sentences(r)
        ),
    ),
    "segmentation": FileTask(
        prediction={"tokens": list},
        reference={"tokens": list},
        judge=lambda p, r, o: judge_segmentation(_column(p, "tokens"), _column(r, "tokens")),
    ),
    "retrieval": FileTask(
        prediction={"ranked": list},
        reference={"relevance": dict},
        judge=_retrieval,
    ),
    "writing": FileTask(
        prediction=_TEXT,
        reference=_TEXT,
        judge=_of_texts(judge_writing),
        options=_LANGUAGE,
        needs=_LANGUAGE,
        is_paired=False,
    ),
    **{
        f"glue-{task}": FileTask(
            prediction={"label": (str, int, float)},
            reference={"label": (str, int, float)},
            judge=_glue(task),
        )
        for task in METRICS
    },
}
"""Task -> what its files hold. The references of `writing` are the training text."""
