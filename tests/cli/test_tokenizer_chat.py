"""The command that shows what is learnt from a conversation."""

import json
from pathlib import Path

import pytest

from tests.tokenizer.foreign_folders import write_wordpiece
from tests.tokenizer.material import trained
from zhixing.cli import main
from zhixing.tokenizer.chat import with_chatml

MESSAGES = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": "Don't panic"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with_chatml(trained("byte_bpe")).save(tmp_path / "tokenizer")
    (tmp_path / "messages.json").write_text(json.dumps(MESSAGES), "utf-8")
    return tmp_path / "tokenizer"


def test_what_is_learnt_is_marked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tokenizer", "chat", str(folder), str(folder.parent / "messages.json")]) == 0
    out = capsys.readouterr().out
    assert "<|im_start|>user\n你好<|im_end|>\n<|im_start|>assistant\n⟦Don't panic<|im_end|>⟧" in out
    assert " learnt" in out


def test_the_prompt_ends_where_the_answer_begins(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder.parent / "question.json"
    file.write_text(json.dumps({"messages": MESSAGES[:1]}), "utf-8")
    assert main(["tokenizer", "chat", str(folder), str(file), "--prompt", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["text"].endswith("<|im_start|>assistant\n")
    assert not any(result["learnt"])
    assert len(result["ids"]) == len(result["learnt"])


@pytest.mark.parametrize(
    ("content", "message"),
    [("[", "is not JSON"), ('{"a": 1}', "must be a list of messages"), ("[1]", "has no role")],
)
def test_what_is_no_conversation_is_one_clear_line(
    content: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder.parent / "bad.json"
    file.write_text(content, "utf-8")
    assert main(["tokenizer", "chat", str(folder), str(file)]) == 1
    assert message in capsys.readouterr().err
    assert main(["tokenizer", "chat", str(folder), str(file) + "x"]) == 1
    assert "is not a file" in capsys.readouterr().err


def test_folders_made_elsewhere_can_be_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_wordpiece(tmp_path / "bert", {"clean_up_tokenization_spaces": True})
    (tmp_path / "text.txt").write_text("Don't panic\n有朋自远方来\n", "utf-8")
    assert main(["tokenizer", "stats", str(folder), str(tmp_path / "text.txt"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["languages"][0]["tokens"] > 0
    assert main(["tokenizer", "encode", str(folder), "Don't panic"]) == 0
    ids = capsys.readouterr().out.split()
    assert main(["tokenizer", "decode", str(folder), *ids]) == 0
    assert capsys.readouterr().out == "don't panic\n"
