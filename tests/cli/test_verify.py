import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.train.tiny import TINY, tiny_inputs
from zhixing.checkpoint.steps import newest_good_step
from zhixing.cli import main
from zhixing.train.loop import run
from zhixing.train.verify import compare, first_difference, newest_step

NGRAM = 'name = "a"\n[model]\nkind = "ngram"\n'
SMALL = 'name = "a"\n[model]\nkind = "decoder"\n[train]\n'


def recipe(folder: Path, text: str) -> str:
    path = folder / "small.toml"
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("text", "extra", "message"),
    [
        (NGRAM, [], "no table [train]"),
        (f"{SMALL}budget_seconds = 5", [], "only a run of train.steps can be repeated"),
        (f"{SMALL}steps = 5", ["--kills", "5"], "choose from 1 to 4"),
        (f"{SMALL}steps = 5", ["--kills", "0"], "choose from 1 to 4"),
        (f"{SMALL}steps = 5", ["--set", "train.budget_seconds=4"], "exactly one of steps and"),
        (f"{SMALL}steps = 5\nlaerning_rate = 1", [], "laerning_rate"),
    ],
)
def test_what_cannot_be_verified_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, extra: list[str], message: str
) -> None:
    assert main(["verify", "resume", recipe(tmp_path, text), *extra]) == 3
    assert message in capsys.readouterr().err


def test_a_run_that_fails_shows_its_last_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = f'[[corpus.sources]]\nname = "nowhere"\npath = "{tmp_path / "nowhere"}"\n'
    broken = recipe(tmp_path, f"{SMALL}steps = 5\n{nowhere}")
    assert main(["verify", "resume", broken, "--log", "none"]) == 1
    told = capsys.readouterr().err
    assert "ended with exit code 1" in told
    assert "nowhere" in told


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("runs")
    for name in ("one", "other"):
        run(TINY, tiny_inputs(), folder / name)
    return folder / "one", folder / "other"


def test_equal_runs_are_equal(two_runs: tuple[Path, Path]) -> None:
    found = compare(*two_runs)
    assert (found.difference, found.first_step) == (None, None)
    assert found.tensors > 30
    assert newest_step(two_runs[0]) == 12


def test_one_flipped_bit_anywhere_is_found_and_named(two_runs: tuple[Path, Path]) -> None:
    newest = newest_good_step(two_runs[1])
    assert newest is not None
    for path, name, place in (
        (two_runs[1] / "model.safetensors", "model.embed_tokens.weight", (5, 3)),
        (newest / "training.safetensors", "random", (17,)),
    ):
        before = path.read_bytes()
        tensors = load_file(path)
        tensors[name].view(torch.uint8)[
            (*place[:-1], place[-1] * tensors[name].element_size())
        ] ^= 1
        save_file(tensors, path)
        manifest = path.parent / "manifest.json"
        listed = manifest.read_text()
        _rewrite(manifest, path)
        found = compare(*two_runs).difference
        path.write_bytes(before)
        manifest.write_text(listed)
        assert found is not None
        assert name in found.tensor
        assert found.index == place


def _rewrite(manifest: Path, path: Path) -> None:
    """Whoever edits a file well also edits its hash."""
    from zhixing.core.files import sha256_file

    table = json.loads(manifest.read_text())
    table["files"][path.name] = sha256_file(path)
    manifest.write_text(json.dumps(table))


@pytest.mark.parametrize("name", ["texts_per_second", "seconds"])
def test_runs_may_differ_in_the_time_they_took(two_runs: tuple[Path, Path], name: str) -> None:
    path = two_runs[1] / "records.jsonl"
    before = path.read_text()
    row = {**json.loads(before.splitlines()[0]), "name": name}
    for number, run_folder in enumerate(two_runs):
        lines = json.dumps({**row, "value": float(number)}) + "\n" + before
        (run_folder / "records.jsonl").write_text(lines)
    found = compare(*two_runs)
    for run_folder in two_runs:
        (run_folder / "records.jsonl").write_text(before)
    assert found.first_step is None


def test_the_first_different_step_is_named(two_runs: tuple[Path, Path]) -> None:
    path = two_runs[1] / "records.jsonl"
    before = path.read_text()
    lines = before.splitlines(keepends=True)
    number = next(i for i, line in enumerate(lines) if json.loads(line)["step"] == 7)
    table = json.loads(lines[number])
    lines[number] = json.dumps({**table, "value": table["value"] * (1 + 1e-15)}) + "\n"
    path.write_text("".join(lines))
    found = compare(*two_runs)
    path.write_text(before)
    assert found.first_step == 7


def test_zero_and_minus_zero_differ_and_nan_equals_itself() -> None:
    nan = torch.tensor([[1.0, float("nan")]])
    assert first_difference({"a": nan}, {"a": nan.clone()}) is None
    found = first_difference(
        {"a": torch.tensor([[1.0], [0.0]])}, {"a": torch.tensor([[1.0], [-0.0]])}
    )
    assert found is not None
    assert (found.tensor, found.index) == ("a", (1, 0))


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    assert newest_step(tmp_path) == 0
    (tmp_path / "records.jsonl").write_text('{"step": 3}\n{"step": 4}\n{"ste')
    assert newest_step(tmp_path) == 4
