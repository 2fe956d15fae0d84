"""`zhixing train`: from a recipe to a model, its score and a sample, and the ways it can go wrong."""

import json
import shlex
import signal
from pathlib import Path

import pytest

import zhixing
from tests.cli.ladder_texts import write_texts
from tests.cli.stopping import stopped
from zhixing.cli import main
from zhixing.cli.recipe import load_recipe, shipped_recipes
from zhixing.cli.train import _resume_command
from zhixing.core.records import read_records


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    write_texts(folder / "texts")
    recipe = (shipped_recipes() / "tiny.toml").read_text("utf-8")
    start = recipe.index("[[corpus.sources]]")
    stop = recipe.index("[corpus.splits]")
    sources = f'[[corpus.sources]]\nname = "own"\npath = "{folder / "texts"}"\n\n'
    (folder / "own.toml").write_text(recipe[:start] + sources + recipe[stop:], "utf-8")
    return folder


def _train(made: Path, *more: str) -> int:
    return main(
        ["train", str(made / "own.toml"), "--out", str(made / "run"), "--log", "plain", *more]
    )


def test_a_recipe_becomes_a_model_a_score_and_a_sample(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(made, "--json") == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["steps"] == 60
    assert 0 < result["test"]["all"]["bits_per_byte"]["value"] < 8
    assert [sample["prompt"] for sample in result["samples"]] == ["The "]
    assert zhixing.load(made / "run").kind == "decoder"
    resolved = load_recipe(made / "run" / "recipe.toml")
    assert resolved == load_recipe(made / "own.toml")


def test_a_second_run_in_the_same_folder_is_refused(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (made / "run" / "model.safetensors").read_bytes()
    assert _train(made) == 3
    assert "--resume" in capsys.readouterr().err
    assert (made / "run" / "model.safetensors").read_bytes() == before


def test_resuming_a_finished_run_changes_nothing(made: Path) -> None:
    before = (made / "run" / "model.safetensors").read_bytes()
    assert _train(made, "--resume") == 0
    assert (made / "run" / "model.safetensors").read_bytes() == before


def test_resuming_with_another_setting_names_it(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(made, "--resume", "--set", "train.lr=0.001") == 3
    assert "train.lr" in capsys.readouterr().err


def test_a_typo_in_a_setting_names_the_nearest_key(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _train(made, "--set", "train.batch_token=64") == 3
    assert "batch_tokens" in capsys.readouterr().err


def test_an_unknown_recipe_lists_those_that_ship(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "tinny"]) == 3
    assert "tiny" in capsys.readouterr().err


def test_an_ngram_recipe_is_counted_by_the_same_command(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (made / "own.toml").read_text("utf-8")
    text = text[: text.index("[model]")] + '[model]\nkind = "ngram"\norder = 3\n'
    (made / "ngram.toml").write_text(text, "utf-8")
    out = str(made / "ngram")
    assert main(["train", str(made / "ngram.toml"), "--out", out, "--json", "--log", "none"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["model"] == "ngram"
    assert zhixing.load(made / "ngram").kind == "ngram"


def test_a_tokenizer_that_drops_text_gets_no_bits_per_byte(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = made / "words"
    arguments = ["--set", "tokenizer.kind=words", "--set", "train.steps=2", "--log", "none"]
    assert main(["train", str(made / "own.toml"), "--out", str(out), *arguments]) == 0
    assert "all: – bits per byte [–], perplexity" in capsys.readouterr().out
    names = {record.name for record in read_records(out / "records.jsonl")}
    assert "loss" in names
    assert "bits_per_byte" not in names


def test_the_command_that_continues_a_run_can_be_pasted(tmp_path: Path) -> None:
    command = _resume_command(Path("my recipe.toml"), tmp_path, ['name="a b"'])
    expected = ["zhixing", "train", "my recipe.toml", "--out", str(tmp_path)]
    assert shlex.split(command) == [*expected, "--set", 'name="a b"', "--resume"]


def test_ctrl_c_before_anything_is_made_does_not_speak_of_finished_steps(
    made: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    code, told = stopped(["train", str(made / "own.toml"), "--out", str(out)], signal.SIGINT)
    assert code == 130, told
    kept = "every finished step is kept in" if out.exists() else "nothing was made yet"
    assert f"stopped; {kept}" in told
    assert "Traceback" not in told


def test_a_recipe_without_samples_ends_well_and_has_one_kind_of_length(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(made / "own.toml"), "--out", str(tmp_path / "run"), "--log", "none"]
    assert main([*words, "--set", "samples=[]", "--set", "train.steps=2"]) == 0
    assert "bits per byte" in capsys.readouterr().out
    assert main([*words, "--set", "train.budget_seconds=60"]) == 3
    assert "a recipe that has the one is changed by that one" in capsys.readouterr().err
