import pytest

from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.texts import read_texts


def test_json_lines_are_documents_with_their_own_ids_and_languages(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"text": "One.", "language": "en", "id": 7}\n\n{"text": "二。", "language": "zh"}\n',
        "utf-8",
    )
    found = [(d.id, d.language, d.text) for d in read_texts(file, None)]
    assert found == [("7", "en", "One."), ("a.jsonl:3", "zh", "二。")]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"\xff\xfe\x00", "not UTF-8"),
        ("a.txt", b"abc\x00", "binary"),
        ("a.jsonl", b'{"a": 1}', "a.jsonl:1 has no text"),
        ("a.jsonl", b'{"text": "x", "language": "en"}\n{"te', "a.jsonl:2 is not a JSON"),
        ("a.jsonl", b"[1]", "has no text"),
    ],
)
def test_broken_files_are_named_with_their_line(tmp_path, name, content, message):
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_texts(file, None))


def test_what_cannot_be_read_is_refused_with_what_can(tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"x")
    for path, message in [
        (tmp_path / "none", "no such file"),
        (tmp_path / "a.pdf", "zhixing data build"),
        (tmp_path, "no corpus"),
    ]:
        with pytest.raises(UsageError, match=message):
            list(read_texts(path, None))


def test_a_split_of_something_without_splits_is_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "x", "language": "en"}')
    with pytest.raises(UsageError, match="no splits"):
        list(read_texts(tmp_path, "test"))
