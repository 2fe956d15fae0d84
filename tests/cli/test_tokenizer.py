"""The tokenizer command as a user meets it."""

import errno
import io
import json
import sys
from pathlib import Path

import pytest

from tests.tokenizer.material import CHINESE, ENGLISH
from zhixing.cli import main
from zhixing.tokenizer import files


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A corpus folder as `zhixing data build` leaves it."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    pairs = [("en", text) for text in ENGLISH] + [("zh", text) for text in CHINESE]
    lines = [
        json.dumps({"id": str(i), "text": text, "source": "t", "language": language})
        for i, (language, text) in enumerate(pairs * 5)
    ]
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def folder(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    out = tmp_path / "tokenizer"
    assert main(["tokenizer", "train", str(corpus), "--out", str(out), "--vocab", "400"]) == 0
    capsys.readouterr()
    return out


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_train_writes_a_folder_and_prints_one_json_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "t"
    arguments = ["tokenizer", "train", str(corpus), "--out", str(out), "--vocab", "300"]
    assert main([*arguments, "--kind", "byte_bpe", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["vocab"] == 300
    assert result["folder"] == str(out)
    assert {path.name for path in out.iterdir()} == {
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
    }


def test_training_from_plain_files_says_when_the_text_has_no_more_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("".join(ENGLISH))
    (tmp_path / "b.md").write_text("".join(CHINESE))
    sources = [str(tmp_path / "a.txt"), str(tmp_path / "b.md")]
    assert main(["tokenizer", "train", *sources, "--out", str(tmp_path / "t")]) == 0
    assert "the text has no more; 6000 were allowed" in capsys.readouterr().out


def test_text_to_ids_to_text_gives_the_text_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "知行合一 <|end|> Don't panic 😀\n"
    stdin(monkeypatch, text.encode())
    assert main(["tokenizer", "encode", str(folder)]) == 0
    ids = capsys.readouterr().out
    assert ids.split()[0] == "1"
    stdin(monkeypatch, ids.encode())
    assert main(["tokenizer", "decode", str(folder)]) == 0
    assert capsys.readouterr().out == text
    assert main(["tokenizer", "decode", str(folder), *ids.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == text


def test_encode_shows_the_piece_of_text_of_every_id(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tokenizer", "encode", str(folder), "知行 ok", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["ids"]) == len(result["pieces"]) == len(result["spans"])
    assert result["pieces"][0] == ""
    assert result["spans"][-1][1] == len("知行 ok")


def test_stats_per_language(folder: Path, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenizer", "stats", str(folder), str(corpus), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    rows = {row["language"]: row for row in result["languages"]}
    assert set(rows) == {"all", "en", "zh"}
    assert rows["all"]["documents"] == 50
    assert rows["all"]["tokens"] == rows["en"]["tokens"] + rows["zh"]["tokens"]
    assert rows["en"]["bytes_per_token"] > 1
    assert main(["tokenizer", "stats", str(folder), str(corpus)]) == 0
    assert "bytes/token" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x01\x02", "is not text"),
        (b"", "no text to train"),
        (None, "does not exist"),
    ],
)
def test_a_file_that_is_no_text_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    source = tmp_path / "a.txt"
    if content is not None:
        source.write_bytes(content)
    assert main(["tokenizer", "train", str(source), "--out", str(tmp_path / "t")]) == 1
    assert message in capsys.readouterr().err


def test_a_broken_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (
        '{"text": "a"}\n{"te',
        '{"text": "a"}\n{"other": 1}',
        '{"text": "a"}\n[1]',
        '\n{"text": 5}',
    ):
        (tmp_path / "a.jsonl").write_text(line)
        out = ["--out", str(tmp_path / "t")]
        assert main(["tokenizer", "train", str(tmp_path / "a.jsonl"), *out]) == 1
        assert "a.jsonl:2 cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "CORPUS", "--out", "FILE"], 1, "is a file, not a folder; choose another"),
        (["train", "CORPUS", "--out", "FILE/below"], 1, "is a file, not a folder; choose another"),
        (["train", "EMPTY", "--out", "OUT"], 1, "holds no file at all; allowed"),
        (["train", "CORPUS", "--out", "OUT", "--vocab", "100"], 3, "needs at least 260"),
        (["train", "CORPUS", "--out", "OUT", "--vocab", "0"], 3, "greater than or equal to 8"),
        (["stats", "CORPUS", "CORPUS"], 1, "not a tokenizer folder"),
        (["encode", "FILE", "a"], 1, "is a file, not a folder"),
        (["decode", "TOKENIZER", "99999"], 1, "is not in this tokenizer"),
        (["encode", "TOKENIZER", "a\udcffb"], 1, "lone surrogate"),
    ],
)
def test_wrong_use_is_one_clear_line(
    folder: Path,
    corpus: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    places = {"CORPUS": corpus, "TOKENIZER": folder, "OUT": folder.parent / "out"}
    places |= {"FILE": folder.parent / "file", "EMPTY": folder.parent / "empty"}
    places["EMPTY"].mkdir()
    places["FILE"].write_text("x")
    filled = [
        str(places.get(word.split("/")[0], word)) + word[len(word.split("/")[0]) :]
        for word in arguments
    ]
    assert main(["tokenizer", *filled]) == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err


def test_input_that_is_not_ids_or_not_text_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin(monkeypatch, b"1 two 3")
    assert main(["tokenizer", "decode", str(folder)]) == 3
    assert "whole numbers" in capsys.readouterr().err
    stdin(monkeypatch, b"\xff")
    assert main(["tokenizer", "encode", str(folder)]) == 1
    assert "not UTF-8" in capsys.readouterr().err


def test_training_reads_no_torch() -> None:
    import subprocess

    code = "import sys, zhixing.tokenizer.train, zhixing.cli.tokenizer; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_training_that_fails_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts").mkdir()
    for number in range(3):
        (tmp_path / "texts" / f"{number}.txt").write_bytes(b"\0\1\2" * 100)
    out = tmp_path / "made" / "here"
    assert main(["tokenizer", "train", str(tmp_path / "texts"), "--out", str(out)]) == 1
    assert "0.txt is not text" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["texts"]


def test_training_keeps_what_is_no_tokenizer(
    folder: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["tokenizer", "train", str(corpus), "--out", str(folder), "--log", "none"]
    assert main([*command, "--vocab", "300"]) == 0, "an earlier tokenizer is replaced"
    (folder / "model.safetensors").write_bytes(b"weights")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert main(command) == 3
    assert f"{folder} holds something else too (model.safetensors)" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_full_disk_leaves_the_earlier_tokenizer_whole(
    folder: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setattr(files, "write_text", full)
    command = ["tokenizer", "train", str(corpus), "--out", str(folder), "--kind", "words"]
    assert main([*command, "--log", "none"]) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir() if "partial" in path.name] == []
