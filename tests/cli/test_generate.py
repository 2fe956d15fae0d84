"""`zhixing generate` from a shell."""

import io
import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.tiny import MAX_TIME, TEXTS, tiny_model, tiny_tokenizer
from zhixing.api import load
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.cli.generate import Choosing
from zhixing.engine.request import SamplingParams


@pytest.fixture
def model(tmp_path: Path) -> str:
    save_model(tmp_path / "m", tiny_model("decoder"), tiny_tokenizer(), info=ModelInfo())
    return str(tmp_path / "m")


def test_the_text_alone_is_on_standard_output(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", model, "--prompt", "春眠", "--max-tokens", "9", "--seed", "5"]) == 0
    captured = capsys.readouterr()
    expected = load(model).generate("春眠", max_tokens=9, seed=5).text
    assert captured.out == expected + "\n"
    assert "tokens/s" in captured.err


def test_a_prompt_from_a_file_or_a_pipe_is_the_prompt(
    model: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    common = ["--max-tokens", "5", "--log", "none"]
    main(["generate", model, "--prompt", TEXTS[1][:9], *common])
    expected = capsys.readouterr().out
    file = tmp_path / "prompt.txt"
    file.write_text(TEXTS[1][:9] + "\n", "utf-8")
    main(["generate", model, "--file", str(file), *common])
    assert capsys.readouterr() == (expected, "")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
    main(["generate", model, *common])
    assert capsys.readouterr().out == expected


def test_json_carries_the_names_of_the_library(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--max-tokens", "4", "--num", "2", "--json", "--top-logprobs", "2", "--seed", "7"]
    assert main(["generate", model, "--prompt", "fox", *arguments]) == 0
    result = json.loads(capsys.readouterr().out)
    for index, answer in enumerate(result["generations"]):
        expected = load(model).generate("fox", max_tokens=4, seed=7 + index)
        assert answer["seed"] == 7 + index
        assert answer["text"] == expected.text
        assert tuple(answer["ids"]) == expected.ids
        assert tuple(answer["logprobs"]) == expected.logprobs
        assert answer["finish"] == expected.finish
        assert [len(top) for top in answer["top_logprobs"]] == [2] * len(answer["ids"])
    assert result["prompt"] == "fox"
    assert result["tokens"] == sum(len(answer["ids"]) for answer in result["generations"])
    assert result["tokens_per_second"] > 0


def test_several_continuations_are_told_apart(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["generate", model, "--prompt", "a", "--max-tokens", "6", "--num", "2", "--seed", "1"])
    captured = capsys.readouterr()
    texts = [load(model).generate("a", max_tokens=6, seed=seed).text for seed in (1, 2)]
    assert captured.out == "".join(text + "\n" for text in texts)
    assert "[2 of 2, seed 2]" in captured.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--prompt", "a", "--file", "b"], 3, "one is enough"),
        (["--prompt", "a", "--num", "0"], 3, "--num 0"),
        (
            ["--prompt", "a", "--temperature", "-1"],
            3,
            "temperature = -1.0: must be greater than or equal to 0",
        ),
        (["--prompt", "a", "--top-p", "1.5"], 3, "top_p = 1.5"),
        (["--prompt", "a", "--stop", ""], 3, "stop.0 = '': must have at least 1 character"),
        (["--prompt", "a", "--top-logprobs", "2"], 3, "--json"),
        (["--prompt", "a", "--temprature", "1"], 3, "--temprature"),
        (["--prompt", "fox " * 100], 3, f"at most {MAX_TIME}"),
        (["--file", "nowhere.txt"], 1, "nowhere.txt"),
    ],
)
def test_wrong_usage_is_told_in_one_message(
    model: str,
    arguments: list[str],
    code: int,
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["generate", model, *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert words in captured.err
    assert "Traceback" not in captured.err


def test_a_file_that_is_not_utf_8_is_refused(
    model: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "gbk.txt").write_bytes("春眠不觉晓".encode("gb18030"))
    assert main(["generate", model, "--file", str(tmp_path / "gbk.txt")]) == 1
    assert "not UTF-8 text (byte 0)" in capsys.readouterr().err


def test_ctrl_c_ends_cleanly(tmp_path: Path) -> None:
    save_model(tmp_path / "m", tiny_model("lstm"), tiny_tokenizer(), info=ModelInfo())
    # Greedy, it walks in circles and never ends by itself.
    command = [sys.executable, "-m", "zhixing", "generate", str(tmp_path / "m"), "--prompt", "a"]
    process = subprocess.Popen(
        [*command, "--max-tokens", "100000000", "--temperature", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    process.stdout.read(20)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"tokens/s" in errors
    assert b"interrupted" in errors
    assert b"Traceback" not in errors


def test_the_options_are_the_settings_of_the_library() -> None:
    assert asdict(Choosing()) == SamplingParams().model_dump()


def test_a_full_context_is_said(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["generate", model, "--prompt", "The", "--temperature", "0"]
    assert main([*words, "--max-tokens", str(10 * MAX_TIME)]) == 0
    room = MAX_TIME - len(load(model).encode("The")) + 1
    made = load(model).generate("The", temperature=0, max_tokens=10 * MAX_TIME)
    assert len(made.ids) == room, "the model must not end by itself here"
    assert f"stopped after {room} of {10 * MAX_TIME} tokens" in capsys.readouterr().err
    assert main([*words, "--max-tokens", "3"]) == 0
    assert "stopped" not in capsys.readouterr().err
