"""Text given to a command: every format and encoding that a corpus is built from, and nothing passed over in silence."""

import gzip
from pathlib import Path

import pytest

from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.document import Document
from zhixing.corpus.texts import read_texts, with_languages

CHINESE = "人民的生活一天比一天好，这是我们大家都看得见的事实。" * 20


def read(place: Path, split: str | None = None, max_characters: int = 1000) -> list[Document]:
    found = read_texts(place, split=split, usual_split="test", max_characters=max_characters)
    return list(with_languages(found))


def test_json_lines_are_documents_with_their_own_ids_and_languages(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"text": "One.", "language": "en", "id": 7}\n\n{"text": "二。", "language": "zh"}\n',
        "utf-8",
    )
    found = [(d.id, d.language, d.text) for d in read(file)]
    assert found == [("7", "en", "One."), ("a.jsonl:3", "zh", "二。")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
@pytest.mark.parametrize("name", ["a.txt", "a.md.gz"])
def test_the_same_text_is_read_whatever_its_encoding(
    tmp_path: Path, name: str, encoding: str
) -> None:
    content = CHINESE.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (document,) = read(tmp_path)
    assert (document.id, document.language, document.text) == (name, "zh", CHINESE)


def test_a_long_text_comes_in_parts_that_lose_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(CHINESE * 3)
    parts = read(tmp_path)
    assert len(parts) > 1
    assert "".join(part.text for part in parts) == CHINESE * 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"abc\x00", "binary"),
        ("a.txt", (CHINESE * 20).encode() + b"\xff", "1 places that are not text"),
        ("a.jsonl", b'{"a": 1}', "it has 'a'; rename one of them"),
        ("a.jsonl", b'{"text": "x", "language": "en"}\n{"te', "a.jsonl:2 cannot be read"),
        ("a.jsonl", b"[1]", "a.jsonl:1 cannot be read: not a JSON object"),
        ("a.csv", b"n,text\n1,good\n2\n", "a.csv:3 cannot be read: 1 columns instead of 2"),
    ],
)
def test_broken_files_are_named_with_their_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read(file)


def test_what_cannot_be_read_is_refused_with_what_can(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"x")
    for place, message in [
        (tmp_path / "none", "does not exist"),
        (tmp_path / "a.pdf", "allowed: .txt"),
        (tmp_path, "none of which can be read"),
    ]:
        with pytest.raises(DataError, match=message):
            read(place)


def test_a_split_of_something_without_splits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "language": "en"}')
    with pytest.raises(UsageError, match="no splits"):
        read(tmp_path, "test")


def test_a_replacement_character_of_the_file_itself_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(CHINESE[:500] + "\ufffd" + CHINESE[:400])
    (document,) = read(tmp_path)
    assert "\ufffd" in document.text
