"""`zhixing data split`: no test text is learnt from, whatever the task, and what cannot be divided is told."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.trained import write_rows
from zhixing.cli import main
from zhixing.corpus.parts import PARTS

Rows = list[dict[str, Any]]


def said(number: int) -> str:
    """A text like no other."""
    return f"number {number * number} stands beside {number * 7919} and {number * 104729}"


def labelled(count: int) -> Rows:
    return [{"text": said(n), "label": "ab"[n % 2], "author": f"author {n % 20}"} for n in range(count)]  # fmt: skip


def written(file: Path, rows: Rows) -> Path:
    write_rows(file, rows)
    return file


def divided(file: Path, *words: str) -> dict[str, Rows]:
    """The rows of each part."""
    out = file.parent / "out"
    assert main(["data", "split", str(file), str(out), *words, "--log", "none", "--json"]) == 0
    return {part: [json.loads(line) for line in (out / f"{part}.jsonl").read_text("utf-8").splitlines()] for part in PARTS}  # fmt: skip


def values(parts: Mapping[str, Rows], *fields: str) -> dict[str, set[str]]:
    return {part: {json.dumps(row[field], ensure_ascii=False) for row in rows for field in fields} for part, rows in parts.items()}  # fmt: skip


def are_apart(found: dict[str, set[str]]) -> bool:
    train, validation, test = (found[part] for part in PARTS)
    return train.isdisjoint(validation | test) and validation.isdisjoint(test)


KINDS: dict[str, tuple[Rows, tuple[str, ...]]] = {
    "labels": (labelled(200), ("text",)),
    "tags": ([{"tokens": said(n).split(), "tags": ["N"] * len(said(n).split())} for n in range(200)], ("tokens",)),
    "roles": ([{"tokens": said(n // 2).split(), "predicate": n % 2, "tags": ["O"] * len(said(n // 2).split())} for n in range(200)], ("tokens",)),
    "questions": ([{"question": f"Which {n}?", "context": said(n // 3), "answers": {"text": [], "answer_start": []}} for n in range(300)], ("context",)),
    "chats": ([{"messages": [{"role": "user", "content": said(n // 2)}, {"role": "assistant", "content": f"{n}"}]} for n in range(200)], ()),
    "preferences": ([{"prompt": said(n // 2), "chosen": f"{n}", "rejected": "no"} for n in range(200)], ("prompt",)),
    "judged": ([{"text1": said(n // 2), "text2": said(1000 + n - (n % 9 == 0)), "label": n % 5} for n in range(300)], ("text1", "text2")),
    "rankings": ([{"query": said(n // 2), "texts": [said(2000 + n - (n % 9 == 0)), "no"], "relevance": [1, 0]} for n in range(300)], ("query",)),
    "translations": ([{"src": said(n // 2), "tgt": f"译文 {n - (n % 9 == 0)}"} for n in range(300)], ("src", "tgt")),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_is_in_two_parts_and_every_row_is_written_or_counted(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, fields = KINDS[kind]
    parts = divided(written(tmp_path / "own.jsonl", rows))
    told = json.loads(capsys.readouterr().out)
    assert are_apart(values(parts, *fields))
    assert {part: len(found) for part, found in parts.items()} == told["parts"]
    assert min(told["parts"].values()) > 0
    left_out = told["elsewhere"] + told["copies"] + told["contradictory"]
    assert sum(told["parts"].values()) + left_out == len(rows)
    assert all(row in rows for found in parts.values() for row in found)
    assert (told["elsewhere"] > 0) == (kind in ("judged", "rankings", "translations"))
    asked = {part: {row["messages"][0]["content"] for row in found} for part, found in parts.items()} if kind == "chats" else {}  # fmt: skip
    assert kind != "chats" or are_apart(asked)


def test_queries_take_their_documents_along_and_share_none(tmp_path: Path) -> None:
    documents = [{"id": f"d{n}", "text": said(n)} for n in range(100)]
    queries = [{"query": f"query {said(n)}", "relevance": {f"d{n // 2}": 1, "d99": 0}} for n in range(198)]  # fmt: skip
    write_rows(tmp_path / "documents.jsonl", documents)
    parts = divided(written(tmp_path / "own.jsonl", queries))
    found = {part: {name for row in rows for name, gain in row["relevance"].items() if gain} for part, rows in parts.items()}  # fmt: skip
    assert are_apart(found)
    copied = (tmp_path / "out/documents.jsonl").read_text("utf-8").splitlines()
    assert [*map(json.loads, copied)] == documents


def test_all_rows_of_a_document_are_in_one_part_and_shares_are_as_asked(tmp_path: Path) -> None:
    rows = [{**row, "author": f"author {n % 100}"} for n, row in enumerate(labelled(400))]
    file = written(tmp_path / "own.jsonl", rows)
    parts = divided(file, "--by", "author", "--test", "0.3", "--validation", "0.2")
    assert are_apart(values(parts, "author"))
    assert sum(map(len, parts.values())) == 400
    assert len(parts["test"]) > len(parts["validation"]) > 0


def test_a_row_stays_where_it_is_when_others_come(tmp_path: Path) -> None:
    few, many = (
        divided(written(tmp_path / f"{count}.jsonl", labelled(count)), "--fresh")
        for count in (150, 300)
    )
    for part, rows in few.items():
        assert all(row in many[part] for row in rows)


def test_copies_are_left_out_and_what_is_nearly_the_same_is_in_one_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = labelled(100)
    near = [{**row, "text": f"{said(n)} {said(n + 500)} {said(n + 900)} {end}"} for n, row in enumerate(rows) for end in ("x", "y")]  # fmt: skip
    copy = {**rows[0], "text": rows[0]["text"].upper().replace(" ", "  ")}
    other = {**rows[1], "label": "a"}
    empty = {**rows[2], "text": " "}
    file = written(tmp_path / "own.jsonl", [*near, *rows, copy, other, empty])
    parts = divided(file)
    told = json.loads(capsys.readouterr().out)
    assert (told["copies"], told["contradictory"], told["left_out"]) == (2, 1, {"empty": 1})
    begins = {part: {row["text"][:-2] for row in found if row["text"][-1] in "xy"} for part, found in parts.items()}  # fmt: skip
    assert are_apart(begins)
    assert sum(map(len, parts.values())) == 299
    by_author = divided(file, "--by", "author", "--fresh")
    assert are_apart(values(by_author, "author"))


def test_a_table_becomes_a_folder_that_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"good film {said(n)},good" if n % 2 else f"bad film {said(n)},bad" for n in range(90)]
    (tmp_path / "own.csv").write_text("\n".join(["text,label", *lines, ""]), "utf-8")
    out = tmp_path / "out"
    assert main(["data", "split", str(tmp_path / "own.csv"), str(out), "--test", "0.2"]) == 0
    assert "90" not in (told := capsys.readouterr().err)
    assert (
        "left out: 0 copies, 0 texts with two answers, 0 with a text that an earlier part" in told
    )
    assert main(["evaluate", "baselines", str(out), "--log", "none"]) == 0
    assert "accuracy 1.000" in capsys.readouterr().out


NAMED = [{**row, "label": row["text"]} for row in labelled(30)]
BAD: list[tuple[str, Rows, tuple[str, ...], int, str]] = [
    ("keys", [{"headline": "x"}], (), 1, "own.jsonl:1 has the keys headline; divided are rows of {text, label}"),
    ("alpaca", [{"instruction": "x", "input": "", "output": "y"}], (), 1, "has the keys of alpaca; convert it first: zhixing data convert"),
    ("likes", [{"user": "u", "item": "i"}], (), 1, "divided in time: zhixing data histories"),
    ("lacks", [*labelled(3), {"text": "x"}], (), 1, "own.jsonl:4 has no label, as the rows before it do"),
    ("label", [*labelled(3), {"text": "x", "label": None}], (), 1, "own.jsonl:4: the label None is no text and no number"),
    ("swapped", NAMED, (), 1, "30 rows have 30 different labels"),
    ("by", labelled(50), ("--by", "page"), 1, "own.jsonl:1 has no 'page', by which --by divides; it has text, label, author"),
    ("few", labelled(2), (), 1, "2 different texts or documents are too few"),
    ("one author", [{**row, "author": "x"} for row in labelled(50)], ("--by", "author"), 1, "1 different texts or documents are too few"),
    ("nothing", [{"text": "", "label": "a"}], (), 1, ".jsonl: there is no row to divide; left out: empty 1"),
    ("two answers", [{**row, "label": label} for row in labelled(9) for label in "ab"], (), 1, "no text is left, for each has two answers (9 left out)"),
    ("share", labelled(50), ("--test", "0"), 3, "--test 0.0: a share above 0 and below 1"),
    ("shares", labelled(50), ("--test", "0.5", "--validation", "0.5"), 3, "leave nothing to learn from"),
    ("one target", [{"src": said(n), "tgt": "x"} for n in range(90)], (), 1, "all rows of the test part have a text that an earlier part has too; name what stays together with --by"),
    ("no documents", [{"query": "x", "relevance": {"a": 1}}] * 2, (), 1, "1 different texts or documents are too few"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "words", "code", "told"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])  # fmt: skip
def test_what_cannot_be_divided_is_told_and_writes_nothing(
    tmp_path: Path, rows: Rows, words: tuple[str, ...], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    file, out = written(tmp_path / "own.jsonl", rows), tmp_path / "out"
    assert main(["data", "split", str(file), str(out), *words, "--log", "none"]) == code
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_a_file_that_is_read_or_was_there_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "train.jsonl", labelled(60))
    assert main(["data", "split", str(file), str(tmp_path), "--fresh"]) == 3
    assert "train.jsonl is a file that is read; choose another folder" in capsys.readouterr().err
    assert main(["data", "split", str(tmp_path / "none.jsonl"), str(tmp_path / "out")]) == 1
    assert "none.jsonl" in capsys.readouterr().err
    divided(file)
    again = ["data", "split", str(file), str(tmp_path / "out"), "--test", "0.4", "--log", "none"]
    assert main(again) == 3
    assert "exists and holds something else; choose another name, or replace it with --fresh" in capsys.readouterr().err  # fmt: skip
    assert main([*again, "--fresh"]) == 0
