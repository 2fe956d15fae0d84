from pathlib import Path

import pytest

from zhixing.core.errors import DataError
from zhixing.core.records import Record, RecordWriter, read_records

LOSS = Record(
    kind="train", name="loss", value=1.5, unit="nats per token", count=7, step=3, seed=42, run="一",
    tags={"language": "zh"},
)  # fmt: skip


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    score = Record(kind="score", name="bits", value=2.0, unit="bits per byte", low=1.9, high=2.1)
    with RecordWriter(tmp_path / "run/log.jsonl") as writer:
        writer.write(LOSS)
        writer.write(score)
    assert list(read_records(tmp_path / "run/log.jsonl")) == [LOSS, score]


def test_a_reader_sees_each_record_at_once(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with RecordWriter(path) as writer:
        writer.write(LOSS)
        assert list(read_records(path)) == [LOSS]


def test_a_partial_last_line_is_not_read_and_is_cut_before_writing_on(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    with RecordWriter(path) as writer:
        writer.write(LOSS)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert list(read_records(path)) == [LOSS]
    with RecordWriter(path) as writer:
        writer.write(LOSS)
    assert path.read_bytes() == whole * 2


def test_a_file_that_is_nothing_but_a_partial_line_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"kind": "tr')
    with RecordWriter(path) as writer:
        writer.write(LOSS)
    assert list(read_records(path)) == [LOSS]


@pytest.mark.parametrize("line", ["nonsense", "[1, 2]", '{"kind": "x"}', '{"colour": 1}'])
def test_a_broken_line_in_the_middle_is_an_error_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "log.jsonl"
    with RecordWriter(path) as writer:
        writer.write(LOSS)
    path.write_text(path.read_text() + line + "\n" + path.read_text())
    with pytest.raises(DataError, match=r"log\.jsonl:2 is not a record"):
        list(read_records(path))
