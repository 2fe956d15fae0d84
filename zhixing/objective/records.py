"""Rows of a user's files as examples: which keys each objective needs, and what is wrong with a row.

classify, regress   {text, label} or {text1, text2, label}
seq2seq             {src, tgt}
tag                 {tokens, tags}; with {predicate}, the place of the word that tags are about
span                {question, context, answers}
similar             {text1, text2} and label for the cosine
rank                {query, texts, relevance}
chat                {messages}, or as in sharegpt, alpaca or MMLU: {conversations}, {instruction, output}, {question, choices, answer}
                    or {src, tgt}
preference          {prompt, chosen, rejected}; the prompt may be a list of messages
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from zhixing.core.errors import DataError
from zhixing.corpus.formats.row_formats import is_messages
from zhixing.corpus.labelled import as_number, check_are_labels, check_one_scheme, is_label
from zhixing.data.examples import Losses, Made
from zhixing.objective.config import ExamplesConfig

KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "classify": (("text", "label"), ("text1", "text2", "label")),
    "regress": (("text", "label"), ("text1", "text2", "label")),
    "seq2seq": (("src", "tgt"),),
    "tag": (("tokens", "tags"),),
    "span": (("question", "context", "answers"),),
    "similar": (("text1", "text2"),),
    "rank": (("query", "texts", "relevance"),),
    "chat": (
        ("messages",),
        ("conversations",),
        ("instruction", "output"),
        ("question", "choices", "answer"),
        ("src", "tgt"),
    ),
    "preference": (("prompt", "chosen", "rejected"),),
}
"""Objective -> the sets of keys, one of which a row must have."""
_LISTS = frozenset({"tokens", "tags", "texts", "relevance", "messages", "conversations", "choices"})
_LISTS_OF_TEXTS = frozenset({"tokens", "texts"})
_OTHERS = frozenset({"label", "answers", "answer", "prompt"})


class Maker(Protocol):
    """What makes examples of rows: an objective."""

    kind: str

    def example(self, record: Mapping[str, Any]) -> Made:
        """The example of one row, or why there is none."""


def make_examples(
    rows: Iterable[Mapping[str, Any] | str], objective: Maker, *, origin: str
) -> Iterator[Made]:
    """One for each row. Raises DataError when the first row has not the keys that are needed."""
    for number, row in enumerate(rows):
        if isinstance(row, str):
            yield Made(dropped=row)
            continue
        if number == 0:
            require_keys(row, objective.kind, origin=origin)
        keys = keys_of(row, objective.kind)
        problem = "missing_key" if keys is None else problem_of(row, keys)
        yield Made(dropped=problem) if problem else objective.example(row)


def keys_of(row: Mapping[str, Any], kind: str) -> tuple[str, ...] | None:
    """The keys that are read of a row; None when it has no whole set of them."""
    return next((keys for keys in KEYS[kind] if all(key in row for key in keys)), None)


def require_keys(row: Mapping[str, Any], kind: str, *, origin: str) -> None:
    """Raise DataError where a row has no whole set of the keys that an objective reads."""
    if keys_of(row, kind) is None:
        wanted = " or ".join("{" + ", ".join(each) + "}" for each in KEYS[kind])
        raise DataError(
            f"{origin} has the keys {', '.join(map(str, row)) or 'none'}; objective {kind!r} needs {wanted}"
        )


def has_number(row: Mapping[str, Any]) -> bool:
    """Whether the label of a row is a number, or written as one."""
    return not math.isnan(as_number(row["label"]))


def labels_of(
    rows: Iterable[Mapping[str, Any] | str], kind: str, *, origin: str = "the rows"
) -> tuple[str, ...]:
    """All labels (classify) or tags (tag) of some rows, sorted.

    Raises DataError where almost every text has its own label, and where some tags are those of entities and others are not.
    """
    found: set[str] = set()
    count = 0
    for row in rows:
        count += 1
        keys = None if isinstance(row, str) else keys_of(row, kind)
        if isinstance(row, str) or keys is None or problem_of(row, keys):
            continue
        found |= {str(row["label"])} if kind == "classify" else set(map(str, row["tags"]))
    if kind == "classify":
        check_are_labels(found, count, origin=origin)
    else:
        check_one_scheme(found, origin=origin)
    return tuple(sorted(found))


def check_losses(
    losses: Losses,
    config: ExamplesConfig,
    *,
    origin: str,
    first: Callable[[str], str] = lambda name: "",
) -> None:
    """Raise DataError when more was cut or left out than the settings allow; `first` tells where that begins."""
    all_of_them = losses.examples + losses.num_dropped
    checks: Sequence[tuple[str, int, float]] = (
        ("truncated", losses.truncated, config.max_truncated),
        ("dropped", losses.num_dropped, config.max_dropped),
    )
    for name, count, limit in checks:
        if count > limit * all_of_them:
            raise DataError(
                f"{origin}: {losses}; {count / all_of_them:.1%} {name} is more than objective.examples.max_{name} = "
                f"{limit}{first(name)}; raise data.time, mend the file, or raise the limit"
            )


def problem_of(row: Mapping[str, Any], keys: Sequence[str]) -> str:
    """What is wrong with the values of the keys that are read, in a word; empty where nothing is."""
    for key in keys:
        value = row[key]
        if key in _LISTS and not isinstance(value, list):
            return f"{key}_is_no_list"
        if key in _LISTS_OF_TEXTS and not all(isinstance(each, str) for each in value):
            return f"{key}_holds_no_text"
        if key == "tags" and not all(map(is_label, value)):
            return "tags_holds_no_tag"
        if key == "relevance" and not all(map(_is_number, value)):
            return "relevance_holds_no_number"
        if key == "label" and not is_label(value):
            return "label_is_no_text_or_number"
        if key not in _LISTS | _OTHERS and not isinstance(value, str):
            return f"{key}_is_no_text"
    if "prompt" in keys and not (isinstance(row["prompt"], str) or is_messages(row["prompt"])):
        return "prompt_is_no_text"
    return _problem_of_answers(row["answers"]) if "answers" in keys else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _problem_of_answers(answers: Any) -> str:
    if not (isinstance(answers, dict) and {"text", "answer_start"} <= set(answers)):
        return "answers_without_text_and_answer_start"
    texts, starts = answers["text"], answers["answer_start"]
    is_right = (
        isinstance(texts, list)
        and isinstance(starts, list)
        and len(texts) == len(starts)
        and all(isinstance(text, str) for text in texts)
        and all(isinstance(start, int) and not isinstance(start, bool) for start in starts)
    )
    return "" if is_right else "answers_are_no_texts_with_their_places"
