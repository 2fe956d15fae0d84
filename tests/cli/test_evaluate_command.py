import json
import sys

import pytest

import zhixing
from tests.tiny import tiny_model, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.evaluate.harness import DocumentScore
from zhixing.evaluate.metrics import Scored
from zhixing.evaluate.result import save_result
from zhixing.evaluate.score import Signature


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m"], "--data is missing"),
    ],
)
def test_wrong_usage_is_answered_with_what_to_type(
    arguments, message, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *arguments]) == 3
    assert message in capsys.readouterr().err


def save(path, shift: float) -> str:
    scores = tuple(
        DocumentScore(
            id=str(i),
            language="en",
            bits=200.0 + i % 7 + shift,
            bytes=100,
            tokens=20,
            text_hash="h",
        )
        for i in range(40)
    )
    signed = Signature(tokenizer="t", window=64, dtype="float32", data="d")
    save_result(path, Scored(model="m", scores=scores, signature=signed), seed=42)
    return str(path)


def test_saved_scores_are_compared_without_models(tmp_path, capsys):
    a, b = save(tmp_path / "a.json", -1.0), save(tmp_path / "b.json", 0.0)
    assert main(["evaluate", "compare", a, b, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["comparisons"][0]
    assert found["difference"] == pytest.approx(-0.01)
    assert found["is_significant"]
    assert main(["evaluate", "compare", a, b]) == 0
    assert "A is better" in capsys.readouterr().out


def test_options_that_would_do_nothing_are_refused(tmp_path, capsys):
    a, b = save(tmp_path / "a.json", -1.0), save(tmp_path / "b.json", 0.0)
    assert main(["evaluate", "compare", a, b, "--window", "32"]) == 3
    assert "leave them out" in capsys.readouterr().err


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("models")
    for name in ("decoder", "lstm"):
        save_model(root / name, tiny_model(name), tiny_tokenizer(), info=ModelInfo())
    texts = [("en", "The fox sleeps again."), ("zh", "夜来风雨声。"), ("en", "The dog does not.")]
    lines = [json.dumps({"text": text, "language": tag}) for tag, text in texts]
    (root / "text.jsonl").write_text("\n".join(lines))
    return root


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main(["evaluate", *map(str, arguments), "--log", "plain"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_model_is_scored_from_folder_and_file_to_json(folders, capsys):
    arguments = (folders / "decoder", "--data", folders / "text.jsonl", "--json")
    code, out, err = run(capsys, *arguments, "--out", folders / "scores.json")
    result = json.loads(out)
    assert code == 0
    assert "scored 3 documents" in err
    assert set(result["scores"]) == {"all", "en", "zh"}
    bits = result["scores"]["zh"]["bits_per_byte"]["value"]
    model = zhixing.load(folders / "decoder")
    assert bits == pytest.approx(model.score("夜来风雨声。").bits / 18, rel=1e-5)
    code, out, _ = run(
        capsys,
        "compare",
        folders / "scores.json",
        folders / "lstm",
        "--data",
        folders / "text.jsonl",
    )
    assert code == 0
    assert "bits per byte, 3 documents, paired" in out


def test_the_table_names_every_language_and_the_signature(folders, capsys):
    code, out, _ = run(capsys, folders / "lstm", "--data", folders / "text.jsonl")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["all", "en", "zh"]
    assert "window:carried" in out


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("lstm", ["--window", "16"], "carries its state"),
        ("decoder", ["--window", "999"], "--window 48 or less"),
        ("decoder", ["--split", "test"], "no splits"),
        ("decoder", ["--seed", "-1"], "seed = -1"),
    ],
)
def test_options_that_do_not_fit_are_refused(folders, capsys, model, options, message):
    code, out, err = run(capsys, folders / model, "--data", folders / "text.jsonl", *options)
    assert (code, out) == (3, "")
    assert message in err


@pytest.mark.parametrize("place", ["file/scores.json", "folder"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(place, tmp_path, capsys):
    (tmp_path / "file").write_text("a")
    (tmp_path / "folder").mkdir()
    save_model(tmp_path / "m", tiny_model("ngram"), tiny_tokenizer(), info=ModelInfo())
    (tmp_path / "a.txt").write_text("The fox.", "utf-8")
    words = [str(tmp_path / "m"), "--data", str(tmp_path / "a.txt"), "--out", str(tmp_path / place)]
    assert main(["evaluate", *words, "--log", "plain"]) in (1, 3)
    error = capsys.readouterr().err
    assert "is a file, not a folder" in error or "is a folder" in error
    assert "opening" not in error


def test_lm_eval_that_is_missing_names_the_command_that_installs_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    assert main(["evaluate", "lm-eval", "--model", "zhixing", "--tasks", "x"]) == 1
    assert "pip install 'zhixing[harness]'" in capsys.readouterr().err


def test_a_second_model_that_is_missing_is_told_before_the_first_is_opened(folders, capsys):
    code, out, err = run(capsys, "compare", folders / "decoder", folders / "none", "--data", "x")
    assert (code, out) == (1, "")
    assert f"there is no folder {folders / 'none'}" in err
    assert "opening" not in err
    code, _, err = run(capsys, "compare", folders / "decoder", folders / "lstm")
    assert code == 3
    assert "--data is missing" in err
    assert "opening" not in err


def test_scores_that_are_there_are_not_replaced_unasked(folders, tmp_path, capsys):
    out = tmp_path / "scores.json"
    out.write_text("kept")
    words = (folders / "lstm", "--data", folders / "text.jsonl", "--out", out)
    code, _, err = run(capsys, *words)
    assert code == 3
    assert f"--out {out} exists; choose another name, or replace it with --fresh" in err
    assert out.read_text() == "kept"
    assert run(capsys, *words, "--fresh")[0] == 0
    assert json.loads(out.read_text("utf-8"))["documents"] == 3
    code, _, err = run(capsys, *words[:3], "--out", folders / "text.jsonl", "--fresh")
    assert code == 3
    assert "is a file that is read" in err


def test_what_cannot_be_compared_is_told_with_what_to_type(folders, capsys):
    code, _, err = run(capsys, "compare", folders / "lstm", folders / "decoder", "--data", "none")
    assert code == 1
    assert "--data none does not exist" in err
    assert "opening" not in err
    rows = folders / "text.jsonl"
    code, _, err = run(capsys, "compare", rows, rows)
    assert code == 3
    assert f"zhixing evaluate score --task TASK {rows} REFERENCES --against {rows}" in err
