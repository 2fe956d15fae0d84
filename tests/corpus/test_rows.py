"""Rows of tables: every column comes through, long fields too."""

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from zhixing.core.errors import DataError
from zhixing.corpus.formats.published import placed_stream
from zhixing.corpus.histories import interactions_of
from zhixing.corpus.rows import find_tables, placed_rows, rows

LONG = 200_000
"""More characters than Python's csv reader takes in a field unless it is told otherwise."""


def test_a_long_field_of_a_csv_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["text", "label"], ["长" * LONG, "a"]])
    # In a process of its own: the limit on fields is one setting for all of Python's csv readers.
    program = (
        "import sys; from zhixing.corpus.rows import find_tables, rows;"
        "print(*(len(row['text']) for row in rows(find_tables(sys.argv[1]))))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False
    )
    assert (found.stdout.split(), found.stderr) == ([str(LONG)], "")


def test_a_list_in_a_csv_file_is_written_as_json(tmp_path: Path) -> None:
    path = tmp_path / "tags.tsv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([["tokens", "tags"], [json.dumps(["a", "b"]), '["O", "B-X"]'], ["one"]])
    assert list(rows(find_tables(str(path)))) == [
        {"tokens": ["a", "b"], "tags": ["O", "B-X"]},
        "broken_line",
    ]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", "text,label,label\na,b,c\n", "a.csv:1: two columns are called 'label'; rename one of them"),
        ("a.csv", "text,label\ra,b\r", "its lines end with a carriage return alone; save it with line feeds"),
        ("a.json", '[{"text": "a", "label": "b"}]', "a.json is one JSON list in no published format; write each row on a line of its own"),
    ],
)  # fmt: skip
def test_a_table_that_would_be_read_wrongly_is_told(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    (tmp_path / name).write_bytes(content.encode())
    with pytest.raises(DataError) as error:
        list(rows(find_tables(str(tmp_path / name))))
    assert told in str(error.value)


def test_columns_without_a_name_may_be_several(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,,\na,b,,\n", "utf-8")
    (row,) = rows(find_tables(str(tmp_path / "a.csv")))
    assert (row["text"], row["label"]) == ("a", "b")


def test_a_packed_parquet_file_is_read_like_a_plain_one(tmp_path: Path) -> None:
    table = pyarrow.table({"text": ["一", "b"], "label": [0, 1]})
    plain, packed = tmp_path / "a.parquet", tmp_path / "a.parquet.gz"
    pyarrow.parquet.write_table(table, plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    expected = [{"text": "一", "label": 0}, {"text": "b", "label": 1}]
    assert list(rows(find_tables(str(plain)))) == expected
    assert list(rows(find_tables(str(packed)))) == expected
    plain.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match=r"a\.parquet is broken or no parquet file"):
        list(rows(find_tables(str(plain))))


def test_a_row_is_placed_by_its_line_where_it_has_one(tmp_path: Path) -> None:
    for name, content, expected in (
        ("a.jsonl", '\n{"text": "x"}\n \n{oops\n', [":2", ":4"]),
        ("a.csv", 'text,label\n"two\nlines",a\n\nb,c\none\n', [":2", ":5", ":6"]),
        ("dev.json", '[{"instruction": "q", "output": "a"}]', [": row 1"]),
        ("m.csv", "movieId,title,genres\n1,One,Drama\n2,,Drama\n", [":2", ":3"]),
    ):
        path = tmp_path / name
        path.write_text(content)
        found = [where for where, _ in placed_rows(find_tables(str(path)))]
        assert found == [f"{path}{place}" for place in expected]
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["a"] * 300}), path)
    *_, (where, _) = placed_rows(find_tables(str(path)))
    assert where == f"{path}: row 300"


def test_an_interaction_that_is_none_is_named_by_its_line(tmp_path: Path) -> None:
    (path := tmp_path / "taken.csv").write_text("user,item\na,b\n\n,c\n")
    with pytest.raises(DataError, match=r"taken\.csv:4 is no interaction .*no user or item"):
        [*interactions_of(placed_stream(path))]
