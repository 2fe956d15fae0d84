"""SQuAD v1.1 and v2.0 (Rajpurkar et al. 2016, 2018), and what is written like them (CMRC 2018, DRCD): one JSON file.

    {"version": "v2.0", "data": [{"title", "paragraphs": [{"context", "qas": [{"id", "question", "answers":
        [{"text", "answer_start"}], "is_impossible"}]}]}]}

A question becomes {id, question, context, answers: {text: […], answer_start: […]}}. One whose answer does not stand where
`answer_start` says is left out and counted: training on it would teach a wrong place.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError
from zhixing.corpus.encoding import TextFile
from zhixing.corpus.table_rows import BrokenRow, Row


def read_json_file(path: Path) -> Any:
    """The JSON value of a file. Raises DataError with line and column where it is broken."""
    text = "".join(TextFile(path=path).sound_pieces())
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}, column {error.colno}: not JSON: {error.msg}"
        ) from error
    except RecursionError as error:
        raise DataError(f"{path} is nested too deeply to be read") from error


def read_squad(path: Path) -> Iterator[Row | BrokenRow]:
    """Every question, in order. Raises DataError, naming the place in the JSON, where a key is missing."""
    value = read_json_file(path)
    for a, article in enumerate(_list(path, value, "data", "")):
        for p, paragraph in enumerate(_list(path, article, "paragraphs", f"data[{a}]")):
            place = f"data[{a}].paragraphs[{p}]"
            context = _text(path, paragraph, "context", place)
            for q, question in enumerate(_list(path, paragraph, "qas", place)):
                yield _row(path, question, context, f"{place}.qas[{q}]")


def is_squad(value: Any) -> bool:
    """Whether a JSON value looks like SQuAD."""
    data = value.get("data") if isinstance(value, Mapping) else None
    return isinstance(data, list) and all(
        isinstance(each, Mapping) and "paragraphs" in each for each in data[:1]
    )


def _row(path: Path, question: Any, context: str, place: str) -> Row | BrokenRow:
    asked = _text(path, question, "question", place)
    name = question.get("id")
    if not isinstance(name, str | int):
        raise DataError(f"{path}: {place} has no id")
    listed = [] if question.get("is_impossible") else question.get("answers", [])
    if not isinstance(listed, list):
        raise DataError(f"{path}: {place}.answers is no list")
    texts, starts = [], []
    for n, answer in enumerate(listed):
        text = _text(path, answer, "text", f"{place}.answers[{n}]")
        start = answer.get("answer_start")
        if not isinstance(start, int) or isinstance(start, bool):
            raise DataError(f"{path}: {place}.answers[{n}].answer_start is no whole number")
        texts.append(text)
        starts.append(start)
    if not asked.strip() or not context.strip():
        return "empty_text"
    if any(
        start < 0 or not text or context[start : start + len(text)] != text
        for text, start in zip(texts, starts, strict=True)
    ):
        return "answer_not_in_context"
    answers = {"text": texts, "answer_start": starts}
    return {"id": str(name), "question": asked, "context": context, "answers": answers}


def _list(path: Path, value: Any, key: str, place: str) -> list[Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, list):
        raise DataError(f"{path}: {place + '.' if place else ''}{key} is missing or no list")
    return found


def _text(path: Path, value: Any, key: str, place: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(found, str):
        raise DataError(f"{path}: {place}.{key} is missing or no text")
    return found
