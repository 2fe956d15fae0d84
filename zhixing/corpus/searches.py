"""Documents to search, and queries with the documents that answer them: one collection, three parts of queries.

    documents.jsonl     {"id": "calc/01#3", "text": …}                              what can be found, by the queries of every part
    train.jsonl         {"query": …, "relevance": {"calc/01#3": 1}, "group": …}     validation.jsonl and test.jsonl alike

A document that is relevant has a gain above 0; the others need not be named. Queries of one `group` (a page) are in one part
and are drawn together for intervals; own files may do without. All documents are searched by all queries, so those of
training stand in the way of a test query, as they would for a user; which query they answer is what is not told.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open, json_line
from zhixing.corpus.files import Found
from zhixing.corpus.parts import PARTS, Part, part_of, same, told_parts, write_parts
from zhixing.corpus.rows import find_tables, placed_rows
from zhixing.corpus.table_rows import BrokenRow, Row

DOCUMENTS = "documents.jsonl"
KEYS = frozenset(("query", "relevance"))
"""What a row of queries has."""
_EXAMPLE = "zhixing data examples help-en-zh DIR"


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """A text, and a query that it answers; an empty query for a text that none answers to. `group` is its page."""

    query: str
    text: str
    group: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenSearch:
    """Queries written to each part, documents, and queries left out because an earlier part has them or their document."""

    parts: dict[str, int]
    documents: int
    copies: int

    def __str__(self) -> str:
        return (
            f"{self.documents:,} documents; queries: {told_parts(self.parts)}; left out: {self.copies:,} whose text or "
            "document an earlier part has"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Queries:
    """Queries with the gains of the documents that answer each; no groups where queries stand for themselves."""

    texts: tuple[str, ...]
    relevance: tuple[Mapping[str, float], ...]
    groups: tuple[str, ...]


@dataclass(kw_only=True, slots=True)
class _Asked:
    query: str
    group: str
    found: list[tuple[Part, str]] = field(default_factory=list)


def write_search(matches: Iterable[Match], folder: Path) -> WrittenSearch:
    """Write documents.jsonl and the queries of each part to `folder`; texts that differ by spaces and case are one.

    The part of a query is that of its group. A query of validation or test is left out when it, or a document that answers
    it, was in a query of an earlier part.
    """
    ids: dict[str, str] = {}
    asked: dict[str, _Asked] = {}
    places = Counter[str]()
    with atomic_open(folder / DOCUMENTS) as file:
        for each in matches:
            key = same(each.text)
            if key not in ids:
                places[each.group] += 1
                ids[key] = f"{each.group}#{places[each.group]}"
                file.write(json_line({"id": ids[key], "text": each.text}))
            if each.query:
                query = asked.setdefault(
                    same(each.query), _Asked(query=each.query, group=each.group)
                )
                query.found.append((part_of(each.group), ids[key]))
    parts = write_parts(_parted(asked.values()), folder)
    copies = len(asked) - sum(parts.values())
    return WrittenSearch(parts=parts, documents=len(ids), copies=copies)


def read_documents(path: Path) -> dict[str, str]:
    """The text of every document by its id. Raises DataError for a missing file, a row that is none, or an id given twice."""
    if not path.is_file():
        raise DataError(
            f"there is no {path}: queries need the documents that they find, {{id, text}}; see {_EXAMPLE}"
        )
    found: dict[str, str] = {}
    for where, row in placed_rows(find_tables(str(path))):
        if isinstance(row, str) or not isinstance(row.get("id"), str | int):
            raise DataError(f"{where} is no document {{id, text}}: it has no id")
        if not isinstance(row.get("text"), str) or not row["text"].strip():
            raise DataError(f"{where}: the text of {row['id']!r} is empty or no text")
        if f"{row['id']}" in found:
            raise DataError(f"{where}: the id {row['id']!r} was given before")
        found[f"{row['id']}"] = row["text"]
    if not found:
        raise DataError(f"{path} has no documents")
    return found


def read_queries(path: Path, documents: Mapping[str, str]) -> Queries:
    """The queries of a file. Raises DataError for a row that is none, or that asks for a document that does not exist."""
    texts, relevance, groups = [], [], []
    for where, row in placed_rows(find_tables(str(path))):
        if isinstance(row, str) or not isinstance(row.get("query"), str):
            raise DataError(f"{where} is no query {{query, relevance}}")
        if not row["query"].strip():
            raise DataError(f"{where}: the query is empty; leave it out")
        texts.append(row["query"])
        relevance.append(_gains(row.get("relevance"), documents, where))
        groups += [f"{row['group']}"] if "group" in row else []
    if not texts:
        raise DataError(f"{path} has no queries")
    if len(groups) not in (0, len(texts)):
        raise DataError(
            f"{path}: {len(groups)} of {len(texts)} rows have a group; all or none must"
        )
    return Queries(texts=tuple(texts), relevance=tuple(relevance), groups=tuple(groups))


def as_pairs(found: Found) -> Iterator[Row | BrokenRow]:
    """The rows of files; a query becomes one pair {text1, text2} with each document that answers it."""
    for name, path in found.files:
        documents: dict[str, str] = {}
        for where, row in placed_rows(Found(files=[(name, path)], notes=())):
            if not is_query(row):
                yield row
                continue
            documents = documents or read_documents(path.parent / DOCUMENTS)
            assert not isinstance(row, str), "a row that is no row is no query"
            gains = _gains(row["relevance"], documents, where)
            for document, gain in gains.items():
                if gain > 0:
                    yield {"text1": row["query"], "text2": documents[document]}


def with_documents(found: Found) -> Found:
    """The files of examples and the documents beside them, which pairs are made of."""
    beside = {path.parent / DOCUMENTS for _, path in found.files}
    names = [(f"{path}", path) for path in sorted(beside) if path.is_file()]
    return Found(files=[*found.files, *names], notes=found.notes)


def is_query(row: Row | BrokenRow) -> bool:
    """Whether a row names documents; the {query, texts, relevance} of ranking have theirs in a list."""
    return not isinstance(row, str) and row.keys() >= KEYS and "texts" not in row


def _gains(value: Any, documents: Mapping[str, str], where: str) -> dict[str, float]:
    if not isinstance(value, Mapping) or not value:
        raise DataError(f"{where}: relevance must be {{id: gain, …}} with one document or more")
    for name, gain in value.items():
        if name not in documents:
            raise DataError(f"{where}: the document {name!r} is not in {DOCUMENTS}")
        if (
            not isinstance(gain, int | float)
            or isinstance(gain, bool)
            or not 0 <= gain < float("inf")
        ):
            raise DataError(f"{where}: the gain of {name!r} is {gain!r}, no number of 0 or more")
    if not any(value.values()):
        raise DataError(f"{where}: no document answers the query: every gain is 0")
    return {name: float(gain) for name, gain in value.items()}


def _parted(asked: Iterable[_Asked]) -> Iterator[tuple[Part, dict[str, Any]]]:
    """Each query in the first part that it is in; of later parts those whose documents no earlier part has."""
    left, taken = list(asked), set[str]()
    for part in PARTS:
        mine = [each for each in left if any(found == part for found, _ in each.found)]
        left = [each for each in left if all(found != part for found, _ in each.found)]
        now = set[str]()
        for each in mine:
            ids = {name for found, name in each.found if found == part or part != "train"}
            now |= ids
            if taken.isdisjoint(ids):
                gains = dict.fromkeys(sorted(ids), 1)
                yield part, {"query": each.query, "relevance": gains, "group": each.group}
        taken |= now
