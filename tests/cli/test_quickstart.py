"""The main job, small: own text in two languages, every rung, one report."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import zhixing
from tests.cli.ladder_texts import write_texts
from zhixing.cli import main
from zhixing.cli.ladder import Effort, Made, file_bytes

SMALL = [
    f"--set={each}"
    for each in (
        "tokenizer.vocab=400",
        "data.time=32",
        "data.validate_tokens=512",
        "corpus.splits.validation=0.1",
        "corpus.splits.test=0.1",
        "train.batch_tokens=256",
        "train.validate_every=5",
    )
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ladder")
    write_texts(folder / "texts")
    return folder


def _run(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    arguments = [str(folder / "texts"), "--out", str(folder / "out"), "--budget", "6s", "--json"]
    code = main(["quickstart", *arguments, *SMALL, "--log", "plain", *more])
    told = capsys.readouterr()
    assert code == 0, told.err
    result: dict[str, Any] = json.loads(told.out.splitlines()[-1])
    return result


def test_every_rung_is_made_measured_and_opens(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = _run(finished, capsys)
    assert [rung["model"] for rung in result["ladder"]] == [
        "ngram",
        "rnn",
        "lstm",
        "gpt",
        "mixture",
    ]
    for rung in result["ladder"]:
        assert set(rung["bits_per_byte"]) == {"all", "en", "zh"}
        assert rung["low"] < rung["bits_per_byte"]["all"] < rung["high"]
        assert min(rung["parameters"], rung["bytes"], rung["joules"]) > 0
        assert rung["train_tokens_per_second"] > 0 < rung["generate_tokens_per_second"]
        model = zhixing.load(rung["folder"])
        assert model.score("the river 河").tokens > 0
        assert model.generate("the ", max_tokens=4, seed=1).ids


def test_the_same_command_again_trains_nothing(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = finished / "out" / "gpt" / "model.safetensors"
    written = weights.stat().st_mtime_ns
    first = json.loads((finished / "out" / "result.json").read_text("utf-8"))
    again = _run(finished, capsys)
    assert weights.stat().st_mtime_ns == written
    assert [r["bits_per_byte"] for r in again["ladder"]] == [
        r["bits_per_byte"] for r in first["ladder"]
    ]


def test_another_budget_trains_again(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = finished / "out" / "gpt" / "model.safetensors"
    written = weights.stat().st_mtime_ns
    _run(finished, capsys, "--budget", "5s")
    assert weights.stat().st_mtime_ns != written


def test_the_report_is_bilingual_and_loads_nothing(finished: Path) -> None:
    page = (finished / "out" / "report.html").read_text("utf-8")
    assert 'lang="zh"' in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?https?:", page)


def test_a_tokenizer_that_drops_text_is_refused_before_training(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = finished / "words"
    arguments = [str(finished / "texts"), "--out", str(out), *SMALL, "--set=tokenizer.kind=words"]
    assert main(["quickstart", *arguments, "--log", "none"]) == 1
    assert "byte_bpe" in capsys.readouterr().err
    assert not (out / "ngram").exists()


def test_the_size_of_a_rung_counts_its_model_and_not_its_saved_states(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints" / "gpt"  # a name that saved states have too
    for name, size in (("model.safetensors", 5), ("checkpoints/step-1/model.safetensors", 7)):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(bytes(size))
    effort = Effort(key="", seconds=1, tokens=1, joules=1, method="", peak_memory_bytes=1)
    assert file_bytes(Made(name="gpt", folder=folder, effort=effort)) == 5


def test_a_wrong_duration_says_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quickstart", "--budget", "4 minutes"]) == 3
    assert "write 90s, 4m or 1.5h" in capsys.readouterr().err


def test_after_ctrl_c_the_same_command_continues(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["quickstart", str(finished / "texts"), "--out", str(out), *SMALL, "--log", "plain"]
    process = subprocess.Popen(
        [sys.executable, "-m", "zhixing", *command, "--budget", "60s"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    _wait_for(out / "rnn" / "records.jsonl", process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "zhixing quickstart" in told
    assert list((out / "rnn" / "checkpoints").iterdir())
    assert json.loads((out / "rnn" / "effort.json").read_text("utf-8"))["joules"] > 0
    assert main([*command, "--budget", "60s", "--set", "train.budget_seconds=1"]) == 0, (
        capsys.readouterr().err
    )


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if path.exists() and path.stat().st_size:
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.1)
    raise AssertionError(f"{path} never came")
