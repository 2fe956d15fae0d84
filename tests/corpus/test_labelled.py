"""Labelled documents as examples: copies out before the split, nothing said twice, and what has no label is refused."""

import json
from pathlib import Path

import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.document import Document
from zhixing.corpus.labelled import (
    TaggedSentence,
    part_of,
    same,
    write_examples,
    write_tagged,
)


def documents(rows: list[tuple[str, str]]) -> list[Document]:
    return [
        Document(id=f"{number}", text=text, source="own", language="zh", meta={"label": label})
        for number, (text, label) in enumerate(rows)
    ]


def read(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {
        path.stem: [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for path in folder.glob("*.jsonl")
    }


def test_a_text_is_in_one_part_once_whatever_its_spaces_and_case(tmp_path: Path) -> None:
    rows = [(f"第{n}条评论 Good", "positive" if n % 2 else "negative") for n in range(300)]
    copies = [(text.lower().replace(" ", "  "), label) for text, label in rows]
    written = write_examples(documents(rows + copies), tmp_path)
    found = read(tmp_path)
    assert written.copies == 300
    assert {part: len(each) for part, each in found.items()} == written.parts
    keys = [same(row["text"]) for each in found.values() for row in each]
    assert sorted(keys) == sorted({same(text) for text, _ in rows})
    assert 15 <= len(found["test"]) <= 50
    assert all(part_of(same(row["text"])) == part for part, each in found.items() for row in each)
    assert {row["text"]: row["label"] for each in found.values() for row in each} == dict(rows)


def test_a_text_under_two_labels_is_left_out(tmp_path: Path) -> None:
    rows = [("好", "positive"), ("好", "negative"), ("很好", "positive")]
    written = write_examples(documents(rows), tmp_path)
    assert written.contradictory == 1
    assert [row["text"] for each in read(tmp_path).values() for row in each] == ["很好"]


def test_documents_without_labels_are_refused(tmp_path: Path) -> None:
    plain = Document(id="1", text="a", source="own", language="en")
    with pytest.raises(DataError, match="own has no labels"):
        write_examples([plain], tmp_path)
    assert not list(tmp_path.glob("*.jsonl"))


def sentence(text: str, tags: str, document: str) -> TaggedSentence:
    return TaggedSentence(words=tuple(text.split()), tags=tuple(tags.split()), document=document)


def test_the_sentences_of_a_document_are_in_one_part(tmp_path: Path) -> None:
    given = [sentence(f"word {n} .", "n m w", f"{n // 3:05d}") for n in range(300)]
    written = write_tagged(given, tmp_path)
    found = read(tmp_path)
    assert {part: len(each) for part, each in found.items()} == written.parts
    assert min(written.parts.values()) > 0
    for part, rows in found.items():
        numbers = [int(row["tokens"][1]) for row in rows]
        assert {part_of(f"{n // 3:05d}") for n in numbers} == {part}
    assert sum(written.parts.values()) == 300


def test_a_sentence_of_two_documents_is_in_the_first_alone(tmp_path: Path) -> None:
    given = [sentence("A b", "x y", f"{n}") for n in range(40)]
    written = write_tagged([*given, sentence("a  B", "x y", "z")], tmp_path)
    assert written.copies == 40
    (row,) = [row for each in read(tmp_path).values() for row in each]
    assert row == {"tokens": ["A", "b"], "tags": ["x", "y"]}
    assert written.parts[part_of("0")] == 1


def test_a_sentence_that_was_tagged_in_two_ways_is_left_out(tmp_path: Path) -> None:
    given = [sentence("a b", tags, "1") for tags in ("x y", "x x", "x y")]
    written = write_tagged([*given, sentence("a", "x", "1")], tmp_path)
    assert (written.contradictory, sum(written.parts.values())) == (1, 1)
