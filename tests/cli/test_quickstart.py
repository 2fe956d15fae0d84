"""The main job, small: own text in two languages, every rung, one report."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import zhixing
from tests.cli.ladder_texts import write_texts
from tests.cli.stopping import stopped
from zhixing.cli import main
from zhixing.cli.ladder import Effort, Made, file_bytes, make_mixture, make_rung
from zhixing.cli.pipeline import prepare
from zhixing.cli.quickstart import SIZES, Plan, _prompts, load_recipes, sized
from zhixing.cli.recipe import load_recipe
from zhixing.core.progress import Silent

NAMES = ("ngram", "rnn", "lstm", "gpt", "mixture")
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


@dataclass(frozen=True, kw_only=True)
class Ladder:
    texts: Path
    out: Path
    result: dict[str, Any]


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    folder = tmp_path_factory.mktemp("ladder")
    texts, out = write_texts(folder / "texts"), folder / "out"
    return Ladder(texts=texts, out=out, result=_run(texts, out, budget="3s"))


def _run(texts: Path, out: Path, *, budget: str) -> dict[str, Any]:
    arguments = [str(texts), "--out", str(out), "--budget", budget, "--json", "--log", "plain"]
    stdout, stderr = io.StringIO(), io.StringIO()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        code = main(["quickstart", *arguments, *SMALL])
    assert code == 0, stderr.getvalue()
    result: dict[str, Any] = json.loads(stdout.getvalue().splitlines()[-1])
    return result


def test_every_rung_is_made_measured_and_opens(ladder: Ladder) -> None:
    rungs = ladder.result["ladder"]
    assert [rung["model"] for rung in rungs] == list(NAMES)
    for rung in rungs:
        assert set(rung["bits_per_byte"]) == {"all", "en", "zh"}
        assert rung["low"] < rung["bits_per_byte"]["all"] < rung["high"]
        assert min(rung["parameters"], rung["bytes"], rung["joules"]) > 0
        assert rung["train_tokens_per_second"] > 0 < rung["generate_tokens_per_second"]
        model = zhixing.load(rung["folder"])
        assert model.score("the river 河").tokens > 0
        assert model.generate("the ", max_tokens=4, seed=1).ids


def test_the_same_command_again_trains_nothing(ladder: Ladder) -> None:
    written = _times_written(ladder.out)
    again = _run(ladder.texts, ladder.out, budget="3s")
    assert _times_written(ladder.out) == written
    assert [r["bits_per_byte"] for r in again["ladder"]] == [
        r["bits_per_byte"] for r in ladder.result["ladder"]
    ]


@pytest.mark.parametrize("damage", ["model.safetensors", "effort.json"])
def test_a_damaged_rung_and_the_mixture_on_it_are_made_again(
    ladder: Ladder, tmp_path: Path, damage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(ladder.out, out)
    (out / "gpt" / damage).write_text("[1]", "utf-8")
    command = ["quickstart", str(ladder.texts), "--out", str(out), "--budget", "3s", *SMALL]
    assert main([*command, "--log", "plain"]) == 0
    told = capsys.readouterr().err
    assert "lstm: finished before" in told
    assert "gpt: finished before" not in told
    assert "mixture: weights of gpt and ngram learnt" in told
    zhixing.load(out / "gpt")
    zhixing.load(out / "mixture")


def test_termination_outside_training_says_what_to_type(ladder: Ladder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["quickstart", str(ladder.texts), "--out", str(out), *SMALL]
    code, told = stopped(command, signal.SIGTERM)
    assert code == 130, told
    assert f"every finished step is kept in {out}; to continue, type: zhixing quickstart" in told
    assert "Traceback" not in told
    assert not list(out.rglob(".*.partial"))


def test_another_budget_trains_again_what_is_trained(ladder: Ladder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(ladder.out, out)
    written = _times_written(out)
    settings = tuple(each.removeprefix("--set=") for each in SMALL)
    plan = Plan(
        texts=(ladder.texts,), out=out, budget_seconds=2.0, seed=42, overrides=settings, command=""
    )
    recipes, quiet = load_recipes(plan), Silent()
    prepared = prepare(recipes["gpt"], out / "data", quiet)
    ngram, gpt = (
        make_rung(recipes[name], prepared, out / name, command="", progress=quiet)
        for name in ("ngram", "gpt")
    )
    make_mixture(gpt, ngram, prepared, out / "mixture", quiet)
    changed = {name for name, when in _times_written(out).items() if when != written[name]}
    assert changed == {"gpt", "mixture"}


def _times_written(out: Path) -> dict[str, int]:
    return {name: (out / name / "manifest.json").stat().st_mtime_ns for name in NAMES}


def test_the_report_is_bilingual_and_loads_nothing(ladder: Ladder) -> None:
    page = (ladder.out / "report.html").read_text("utf-8")
    assert page.count('class="en" lang="en"') == page.count('class="zh" lang="zh-Hans"') > 20
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?https?:", page)


def test_a_tokenizer_that_drops_text_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "words"
    texts = str(write_texts(tmp_path / "texts"))
    arguments = [texts, "--out", str(out), *SMALL, "--set=tokenizer.kind=words"]
    assert main(["quickstart", *arguments, "--log", "none"]) == 1
    assert "byte_bpe" in capsys.readouterr().err
    assert not (out / "ngram").exists()


def test_there_is_a_prompt_even_where_the_recipe_has_none() -> None:
    recipe = load_recipe(Path("quickstart-gpt"))
    assert _prompts(recipe, {"zh": 1}) == ("中国",)
    assert _prompts(recipe.model_copy(update={"samples": ()}), {"zh": 1}) == ("The ",)


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


def test_after_ctrl_c_the_same_command_continues(ladder: Ladder, tmp_path: Path) -> None:
    out, arguments = tmp_path / "out", ["--budget", "8s", "--set", "train.log_every=1"]
    command = ["quickstart", str(ladder.texts), "--out", str(out), *SMALL, *arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "zhixing", *command, "--log", "plain"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )
    records = out / "rnn" / "records.jsonl"
    _wait_for(records, process)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "zhixing quickstart" in told
    assert list((out / "rnn" / "checkpoints").iterdir())
    assert not (out / "lstm").exists()
    before = records.read_bytes()
    spent = _joules(out / "rnn")
    assert main([*command, "--log", "none"]) == 0
    # Each record says after how many seconds it was written, so a run from the start writes others.
    assert records.read_bytes().startswith(before)
    assert len(records.read_bytes()) > len(before)
    assert _joules(out / "rnn") > spent > 0


def _joules(rung: Path) -> float:
    return float(json.loads((rung / "effort.json").read_text("utf-8"))["joules"])


def _wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if path.exists() and path.stat().st_size:
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


def test_joules_of_a_killed_part_are_said_to_be_missing(tmp_path: Path) -> None:
    """After kill -9 the effort still says that the rung is running; after Ctrl-C it says what was spent."""
    from zhixing.cli.ladder import _spent_before
    from zhixing.core.files import write_json

    write_json(tmp_path / "effort.json", {"begun": "k", "joules": 7.0, "is_running": True})
    assert _spent_before(tmp_path, "k") == {"joules": 7.0, "was_killed": True}
    write_json(tmp_path / "effort.json", {"begun": "k", "joules": 7.0, "is_running": False})
    assert _spent_before(tmp_path, "k") == {"joules": 7.0, "was_killed": False}
    assert _spent_before(tmp_path, "another") == {"joules": 0.0, "was_killed": False}


def test_files_that_cannot_be_used_leave_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "texts").mkdir()
    for number in range(3):
        (tmp_path / "texts" / f"{number}.txt").write_bytes(b"\0\1\2" * 100)
    assert (
        main(["quickstart", str(tmp_path / "texts"), "--out", str(tmp_path / "runs" / "mine")]) == 1
    )
    assert "0.txt is not text" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["texts"]


@pytest.mark.parametrize("has_bf16", [True, False])
@pytest.mark.parametrize("name", SIZES)
def test_networks_grow_with_their_training_time(
    name: str, has_bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zhixing.train.precision.has_native_bf16", lambda device: has_bf16)
    second = 1.0 if has_bf16 else 6.0  # without bf16 six seconds are worth one
    assert sized(name, 0.0) == []
    least = [seconds for seconds, _ in SIZES[name]]
    assert least == sorted(least)
    for seconds, settings in SIZES[name]:
        assert sized(name, seconds * second + 0.01) == list(settings)
        assert sized(name, (seconds - 1) * second) != list(settings)


def test_a_mixture_took_the_time_of_both_its_parts(ladder: Ladder) -> None:
    seconds = {rung["model"]: rung["train_seconds"] for rung in ladder.result["ladder"]}
    assert seconds["mixture"] == pytest.approx(seconds["gpt"] + seconds["ngram"])
