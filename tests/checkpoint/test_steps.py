"""Training goes on from the newest step that is whole, whatever happened to the others."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_model, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, load_model
from zhixing.checkpoint.steps import (
    find_good_step,
    load_step,
    newest_good_step,
    save_step,
    step_folder,
    steps,
)
from zhixing.core.errors import CheckpointError

TENSORS = {
    "optimizer.0.first": torch.arange(6.0).view(2, 3),
    "random.torch": torch.get_rng_state(),
    "optimizer.step": torch.tensor(7),
}


def save(run: Path, step: int, *, keep: int = 3) -> Path:
    return save_step(
        run,
        tiny_model("lstm"),
        tiny_tokenizer(),
        tensors=TENSORS,
        state={"cursor": {"epoch": 1, "offset": step}, "lr": 0.1 + 0.2},
        info=ModelInfo(step=step, tokens=step * 100),
        keep=keep,
    )


def test_a_step_comes_back_exactly(tmp_path: Path) -> None:
    path = save(tmp_path, 120)
    assert path == tmp_path / "checkpoints" / "step-00000120"
    loaded, tensors, state = load_step(path)
    assert state == {"cursor": {"epoch": 1, "offset": 120}, "lr": 0.1 + 0.2}
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, TENSORS[name])
        assert tensor.dtype == TENSORS[name].dtype
    assert (loaded.manifest.step, loaded.manifest.tokens) == (120, 12_000)


def test_a_step_is_a_model_folder_too(tmp_path: Path) -> None:
    assert load_model(save(tmp_path, 3)).manifest.is_verified


def test_a_model_folder_is_not_a_step(tmp_path: Path) -> None:
    path = save(tmp_path, 3)
    table = json.loads((path / "manifest.json").read_text())
    del table["files"]["train_state.json"]
    (path / "manifest.json").write_text(json.dumps(table))
    with pytest.raises(CheckpointError, match=r"train_state\.json"):
        load_step(path)


def test_the_newest_steps_are_kept(tmp_path: Path) -> None:
    for step in (10, 20, 30, 100_000_000, 5_000_000):
        save(tmp_path, step, keep=2)
    assert [path.name for path in steps(tmp_path)] == [
        "step-00000030",
        "step-05000000",
        "step-100000000",
    ]
    assert newest_good_step(tmp_path) == step_folder(tmp_path, 100_000_000)


def test_saving_a_step_again_replaces_it_even_when_it_was_broken(tmp_path: Path) -> None:
    path = save(tmp_path, 10)
    (path / "manifest.json").unlink()
    assert newest_good_step(tmp_path) is None
    assert save(tmp_path, 10) == path
    assert newest_good_step(tmp_path) == path


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _edit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [_truncate, _edit, Path.unlink])
@pytest.mark.parametrize(
    "file",
    [
        "model.safetensors",
        "training.safetensors",
        "train_state.json",
        "config.json",
        "manifest.json",
    ],
)
def test_a_damaged_step_falls_back_to_the_one_before(
    tmp_path: Path, file: str, damage: object, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = save(tmp_path, 10), save(tmp_path, 20)
    damage(bad / file)  # type: ignore[operator]
    with caplog.at_level(logging.WARNING):
        found = newest_good_step(tmp_path)
    if file == "manifest.json" and damage is _truncate:
        # Only its last line break is lost: it says the same.
        assert found == bad
        return
    assert found == good
    assert str(bad) in caplog.text
    assert file in caplog.text
    with pytest.raises(CheckpointError):
        load_step(bad)


def test_all_steps_damaged_is_said_and_is_no_step(tmp_path: Path) -> None:
    for step in (1, 2):
        (save(tmp_path, step) / "config.json").unlink()
    path, skipped = find_good_step(tmp_path)
    assert path is None
    assert [step.path.name for step in skipped] == ["step-00000002", "step-00000001"]
    assert all("config.json is missing" in step.reason for step in skipped)


def test_no_run_has_no_step(tmp_path: Path) -> None:
    assert newest_good_step(tmp_path / "nothing") is None


def test_what_a_crash_leaves_is_not_a_step_and_is_cleared(tmp_path: Path) -> None:
    good = save(tmp_path, 10)
    scratch = good.with_name(".step-00000020.999.partial")
    scratch.mkdir()
    (scratch / "model.safetensors").write_bytes(b"half")
    assert newest_good_step(tmp_path) == good
    save(tmp_path, 30)
    assert not scratch.exists()


KILLED = """
import os, sys
from pathlib import Path
from tests.checkpoint.test_steps import save

def dies_at(survive, run):
    left = survive
    def counted(real):
        def call(*arguments):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), 9)
            left -= 1
            return real(*arguments)
        return call
    os.fsync, os.replace, os.rename = map(counted, (os.fsync, os.replace, os.rename))
    save(run, 20, keep=1)

survive, status = 0, 9
while status:
    run = Path(sys.argv[1]) / str(survive)
    save(run, 10)
    child = os.fork()
    if child == 0:
        dies_at(survive, run)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, 9), status
    survive += 1
"""


def test_a_kill_at_any_moment_leaves_a_good_step(tmp_path: Path) -> None:
    """Processes die for real (SIGKILL) before each of the system calls that make a save durable, in turn."""
    result = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # a forked child waits for ever for threads
    )
    assert result.returncode == 0, result.stderr
    runs = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(runs) > 10
    found = []
    for run in runs:
        path = newest_good_step(run)
        assert path is not None
        loaded, _, state = load_step(path)
        assert loaded.manifest.step == state["cursor"]["offset"]
        found.append(loaded.manifest.step)
    assert found == sorted(found), "once the new step is there, it stays"
    assert set(found) == {10, 20}
