"""A user's own examples divided into train, validation and test, so that no test text is learnt from.

    rows ──▶ no copies, none answered in two ways ──▶ the part of their document, or of their text
         ──▶ none with a text that stands in an earlier part ──▶ train.jsonl, validation.jsonl, test.jsonl

The part follows from a hash of the document (a field that is named), else of the first text of a row: questions about one
context, conversations that begin alike, and texts that are nearly the same (distinct.py) are then in one part.
Which texts of a row must not be in two parts is TEXTS. Users' interactions are divided in time: histories.py.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError, UsageError
from zhixing.core.files import write_json_lines
from zhixing.corpus.distinct import distinct, near_copies
from zhixing.corpus.files import Found
from zhixing.corpus.formats.row_formats import detect_row_format
from zhixing.corpus.labelled import check_are_labels, is_label
from zhixing.corpus.parts import (
    PARTS,
    Part,
    parts_in_shares,
    same,
    told_copies,
    told_parts,
    write_parts,
)
from zhixing.corpus.rows import placed_rows
from zhixing.corpus.searches import DOCUMENTS, read_documents
from zhixing.corpus.table_rows import PlacedRow, Row

ANSWERS = ("label", "tags")
"""Fields of which the same texts must not have two values."""
EMPTY = "empty"
"""Why a row without a text is left out."""


def _fields(*names: str) -> Callable[[Row], Sequence[Any]]:
    return lambda row: [row[name] for name in names]


def _words(row: Row) -> Sequence[Any]:
    return [" ".join(map(str, row["tokens"])) if isinstance(row["tokens"], list) else None]


def _first_said(value: Any) -> Any:
    """What the user says first, of a list of messages; a text as it is."""
    if not isinstance(value, list):
        return value
    said = (each.get("content") for each in value if isinstance(each, Mapping) and each.get("role") == "user")  # fmt: skip
    return next(said, None)


def _query(row: Row) -> Sequence[Any]:
    gains = row["relevance"] if isinstance(row["relevance"], Mapping) else {}
    return [row["query"], *(f"{DOCUMENTS} {name}" for name, gain in gains.items() if gain)]


def _query_with_texts(row: Row) -> Sequence[Any]:
    """A query and those of its texts that answer it; the others may stand beside many queries."""
    texts, gains = row["texts"], row["relevance"]
    if not isinstance(texts, list) or not isinstance(gains, list):
        return [row["query"], None]
    return [row["query"], *(text for text, gain in zip(texts, gains, strict=False) if gain)]


TEXTS: Mapping[tuple[str, ...], Callable[[Row], Sequence[Any]]] = {
    ("text", "label"): _fields("text"),
    ("tokens", "tags"): _words,
    ("question", "context", "answers"): _fields("context"),
    ("messages",): lambda row: [_first_said(row["messages"])],
    ("prompt", "chosen", "rejected"): lambda row: [_first_said(row["prompt"])],
    ("query", "texts", "relevance"): _query_with_texts,
    ("query", "relevance"): _query,
    ("text1", "text2"): _fields("text1", "text2"),
    ("src", "tgt"): _fields("src", "tgt"),
}
"""Keys that every row has -> what of a row must not be in two parts; the first decides where it goes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Division:
    """`by`: the field that names the document of a row (empty: none); shares of documents or texts, each above 0, below 1 in all."""

    by: str = ""
    validation: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        for name, share in (("validation", self.validation), ("test", self.test)):
            if not 0.0 < share < 1.0:
                raise UsageError(f"--{name} {share}: a share above 0 and below 1")
        if self.validation + self.test >= 1.0:
            raise UsageError(
                f"--validation {self.validation} and --test {self.test} leave nothing to learn from; together they must be below 1"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenRows:
    """Rows written to each part, and rows that were left out: by reason, as copies, or as an earlier part has their text."""

    parts: dict[str, int]
    copies: int
    contradictory: int
    elsewhere: int
    left_out: dict[str, int]

    def __str__(self) -> str:
        reasons = f", {told_parts(self.left_out)}" if self.left_out else ""
        return (
            f"{told_parts(self.parts)}; left out: {told_copies(self.copies, self.contradictory)}, {self.elsewhere:,} with a text "
            f"that an earlier part has{reasons}"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Example:
    where: str
    row: Row
    texts: tuple[str, ...]


def write_divided(found: Found, folder: Path, division: Division) -> WrittenRows:
    """Write the rows of some files to train, validation and test .jsonl in `folder`, as they stand; for queries also their documents.

    Copies differ in spaces and case alone. Rows without a text, and those that a published format cannot use, are left out and
    counted. Raises DataError for rows of no kind or of another kind than the first, for labels that are none, and where a
    part would be empty.
    """
    left_out: Counter[str] = Counter()
    origin = found.files[0][1]
    keys, examples = _read(placed_rows(found), left_out, origin=origin)
    if keys == ("text", "label"):
        labels = {str(each.row["label"]) for each in examples}
        check_are_labels(labels, len(examples), origin=f"{origin}")
    agreed = distinct(
        examples, key=lambda each: _identity(each.row, keys), answer=lambda each: _answer(each.row)
    )
    if agreed.contradictory and not agreed.kept:
        raise DataError(
            f"no text is left, for each has two answers ({agreed.contradictory:,} left out); keep the rows that are right"
        )
    kept = _apart([*_placed(agreed.kept, division)])
    if keys == ("query", "relevance"):
        _write_documents(found, folder)
    return WrittenRows(
        parts=write_parts(kept, folder),
        copies=agreed.copies,
        contradictory=agreed.contradictory,
        elsewhere=len(agreed.kept) - len(kept),
        left_out=dict(left_out),
    )


def _read(
    placed: Iterable[PlacedRow], left_out: Counter[str], *, origin: Path
) -> tuple[tuple[str, ...], list[_Example]]:
    """The keys of all rows, and those that have texts; the others are counted by reason."""
    keys: tuple[str, ...] = ()
    examples = []
    for where, row in placed:
        if isinstance(row, str):
            left_out[row] += 1
            continue
        keys = keys or _keys(row, where)
        if not row.keys() >= {*keys}:
            raise DataError(
                f"{where} has no {' or no '.join(sorted({*keys} - {*row}))}, as the rows before it do"
            )
        if "label" in keys and not is_label(row["label"]):
            raise DataError(
                f"{where}: the label {row['label']!r:.60} is no text and no number; mend it or leave the row out"
            )
        texts = [text for text in TEXTS[keys](row) if isinstance(text, str) and same(text)]
        if len(texts) < len(TEXTS[keys](row)):
            left_out[EMPTY] += 1
            continue
        examples.append(_Example(where=where, row=row, texts=tuple(texts)))
    if not examples:
        raise DataError(
            f"{origin}: there is no row to divide; left out: {told_parts(left_out) or 'none'}"
        )
    return keys, examples


def _keys(row: Row, where: str) -> tuple[str, ...]:
    for keys in TEXTS:
        if row.keys() >= {*keys}:
            return keys
    published = detect_row_format(row)
    if published == "interactions":
        raise DataError(
            f"{where} says who took what; that is divided in time: zhixing data histories FILE ITEMS DIR"
        )
    file = where.rpartition(":")[0] or where
    if published:
        raise DataError(
            f"{where} has the keys of {published}; convert it first: zhixing data convert {file} --out converted.jsonl"
        )
    kinds = " or ".join(f"{{{', '.join(keys)}}}" for keys in TEXTS)
    raise DataError(
        f"{where} has the keys {', '.join(map(str, row)) or 'of nothing'}; divided are rows of {kinds}"
    )


def _identity(row: Row, keys: Sequence[str]) -> str:
    """What a row says without its answer; spaces and case make no difference."""
    told = [row.get(key) for key in (*keys, "predicate") if key not in ANSWERS]
    return same(json.dumps(told, ensure_ascii=False, sort_keys=True, default=str))


def _answer(row: Row) -> str:
    return json.dumps([row.get(key) for key in ANSWERS], ensure_ascii=False, default=str)


def _placed(
    examples: Sequence[_Example], division: Division
) -> Iterator[tuple[Part, Row, set[str]]]:
    """The part of each row, and its texts; one that is nearly the same as another has that of the other too."""
    texts: dict[str, str] = {}
    for each in examples:
        texts.setdefault(same(each.texts[0]), each.texts[0])
    names = [*texts]
    near = {names[copy]: names[kept] for copy, kept in near_copies([*texts.values()]).items()}
    firsts = [near.get(name, name) for each in examples for name in [same(each.texts[0])]]
    keys = [_document(each, division.by) for each in examples] if division.by else firsts
    parts = parts_in_shares(keys, validation=division.validation, test=division.test)
    for each, key, first in zip(examples, keys, firsts, strict=True):
        yield parts[key], each.row, {*map(same, each.texts), first}


def _document(each: _Example, by: str) -> str:
    value = each.row.get(by)
    if value is None or not str(value).strip():
        raise DataError(
            f"{each.where} has no {by!r}, by which --by divides; it has {', '.join(map(str, each.row))}"
        )
    return str(value)


def _apart(placed: Sequence[tuple[Part, Row, set[str]]]) -> list[tuple[Part, Row]]:
    """The rows of which no earlier part has a text."""
    homes: dict[str, Part] = {}
    for part, _, texts in sorted(placed, key=lambda each: PARTS.index(each[0])):
        for text in texts:
            homes.setdefault(text, part)
    kept = [
        (part, row) for part, row, texts in placed if all(homes[text] == part for text in texts)
    ]
    for part in sorted({*PARTS} - {part for part, _ in kept}):
        raise DataError(
            f"all rows of the {part} part have a text that an earlier part has too; name what stays together with --by, or "
            "give more rows"
        )
    return kept


def _write_documents(found: Found, folder: Path) -> None:
    """The documents that queries find, which stand beside the first file of queries."""
    documents = read_documents(found.files[0][1].parent / DOCUMENTS)
    lines = ({"id": name, "text": text} for name, text in documents.items())
    write_json_lines(folder / DOCUMENTS, lines)
