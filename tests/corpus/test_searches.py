"""Searches: one collection, queries of a page in one part, nothing that is asked for was learnt; and what is no search."""

import json
from pathlib import Path
from typing import Any

import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.parts import Part, part_of
from zhixing.corpus.rows import find_tables
from zhixing.corpus.searches import (
    DOCUMENTS,
    Match,
    as_pairs,
    read_documents,
    read_queries,
    with_documents,
    write_search,
)

PAGES: dict[Part, str] = {
    part: next(f"p{n}" for n in range(999) if part_of(f"p{n}") == part)
    for part in ("train", "validation", "test")
}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_queries_of_a_page_are_in_its_part_and_find_their_document(tmp_path: Path) -> None:
    given = [Match(query=f"query {n}", text=f"text {n}", group=f"p{n // 3}") for n in range(300)]
    written = write_search(given, tmp_path)
    documents = read_documents(tmp_path / DOCUMENTS)
    assert written.documents == len(documents) == sum(written.parts.values()) == 300
    assert min(written.parts.values()) > 0
    for part in written.parts:
        for row in read(tmp_path / f"{part}.jsonl"):
            assert part_of(row["group"]) == part
            ((name, gain),) = row["relevance"].items()
            assert (documents[name].split()[1], gain) == (row["query"].split()[1], 1)
            assert name.startswith(f"{row['group']}#")


def test_nothing_that_a_test_query_asks_for_answers_a_training_query(tmp_path: Path) -> None:
    train, test = PAGES["train"], PAGES["test"]
    given = [
        Match(query="learnt", text="one", group=train),
        Match(query="new", text="ONE ", group=test),  # its document is learnt
        Match(query="Learnt", text="two", group=test),  # the query is
        Match(query="fresh", text="three", group=test),
        Match(query="fresh", text="four", group=test),
        Match(query="", text="five", group=train),  # a document that nothing asks for
        Match(query="other", text="two", group=test),  # that of no training query: it is the test's
    ]
    written = write_search(given, tmp_path)
    assert written.copies == 1
    assert read(tmp_path / "train.jsonl") == [
        {"query": "learnt", "relevance": {f"{train}#1": 1}, "group": train}
    ]
    first, second = read(tmp_path / "test.jsonl")
    assert [*first["relevance"]] == [f"{test}#2", f"{test}#3"]
    assert (first["query"], second["query"]) == ("fresh", "other")
    assert [row["text"] for row in read(tmp_path / DOCUMENTS)] == ["one", "two", "three", "four", "five"]  # fmt: skip


def test_a_document_of_validation_is_not_asked_for_by_the_test(tmp_path: Path) -> None:
    given = [
        Match(query="a", text="both", group=PAGES["validation"]),
        Match(query="b", text="both", group=PAGES["test"]),
    ]
    assert write_search(given, tmp_path).parts == {"train": 0, "validation": 1, "test": 0}


def test_queries_are_pairs_for_whoever_learns_from_pairs(tmp_path: Path) -> None:
    for folder, text in (("x", "ex"), ("y", "why")):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / DOCUMENTS, [{"id": "a", "text": text}, {"id": 2, "text": "two"}])
        row = {"query": f"? {text}", "relevance": {"a": 1, "2": 0.5}}
        write(tmp_path / folder / "train.jsonl", [row, {"text1": "as it", "text2": "stands"}])
    found = find_tables(str(tmp_path / "*" / "train.jsonl"))
    assert [*as_pairs(found)] == [
        pair
        for text in ("ex", "why")
        for pair in (
            {"text1": f"? {text}", "text2": text},
            {"text1": f"? {text}", "text2": "two"},
            {"text1": "as it", "text2": "stands"},
        )
    ]
    before = with_documents(found).sha256()
    write(tmp_path / "y" / DOCUMENTS, [{"id": "a", "text": "changed"}, {"id": 2, "text": "two"}])
    assert with_documents(found).sha256() != before
    ranked = write(tmp_path / "rank.jsonl", [{"query": "q", "texts": ["a"], "relevance": [1]}])
    assert [row["texts"] for row in as_pairs(find_tables(str(ranked)))] == [["a"]]


def test_documents_that_are_none_are_told_by_row(tmp_path: Path) -> None:
    good = {"id": "a", "text": "x"}
    for rows, told in [
        ([], "has no documents"),
        ([good, {"text": "x"}], ":2 is no document {id, text}: it has no id"),
        ([good, {"id": "b", "text": " "}], ":2: the text of 'b' is empty"),
        ([good, {"id": "b", "text": 5}], ":2: the text of 'b' is empty or no text"),
        ([good, {"id": "a", "text": "y"}], ":2: the id 'a' was given before"),
    ]:
        path = write(tmp_path / DOCUMENTS, rows)
        with pytest.raises(DataError, match=told.replace("{", r"\{")):
            read_documents(path)
    with pytest.raises(DataError, match=r"there is no .*none\.jsonl: queries need the documents"):
        read_documents(tmp_path / "none.jsonl")


def test_queries_that_are_none_are_told_by_row(tmp_path: Path) -> None:
    good = {"query": "q", "relevance": {"a": 1}}
    for rows, told in [
        ([], "has no queries"),
        ([good, {"relevance": {"a": 1}}], ":2 is no query {query, relevance}"),
        ([good, {"query": "  ", "relevance": {"a": 1}}], ":2: the query is empty"),
        ([good, {"query": "q", "relevance": {"z": 1}}], ":2: the document 'z' is not in"),
        ([good, {"query": "q", "relevance": {}}], "relevance must be {id: gain, …} with one"),
        ([good, {"query": "q", "relevance": ["a"]}], "relevance must be {id: gain, …}"),
        ([good, {"query": "q", "relevance": {"a": "1"}}], "the gain of 'a' is '1', no number"),
        ([good, {"query": "q", "relevance": {"a": -1}}], "the gain of 'a' is -1, no number"),
        ([good, {"query": "q", "relevance": {"a": 0}}], "every gain is 0"),
        ([good, {**good, "group": "g"}], "1 of 2 rows have a group; all or none must"),
    ]:
        path = write(tmp_path / "test.jsonl", rows)
        with pytest.raises(DataError, match=told.replace("{", r"\{")):
            read_queries(path, {"a": "x"})
