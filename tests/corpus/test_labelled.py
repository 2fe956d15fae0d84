"""Labelled documents as examples: copies out before the split, nothing said twice, and what has no label is refused."""

import json
from pathlib import Path

import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.document import Document
from zhixing.corpus.labelled import part_of, same, write_examples


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
