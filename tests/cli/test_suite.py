"""`zhixing evaluate suite`: the shipped suite and one's own, with tiny language models."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.stopping import CtrlC
from tests.tiny import tiny_model, tiny_tokenizer
from tests.trained import rows, write_rows
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.evaluate.suite import SHIPPED, find_suite

OWN = """
shots = [0, 2]
[[sets]]
folder = "data"
language = "zh"
template = "{text}={label};"
words = { en = "英文" }
longest = 2
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for part in ("train", "validation", "test"):
        write_rows(tmp_path / "data" / f"{part}.jsonl", rows("classify"))
    for kind in ("decoder", "ngram"):
        save_model(tmp_path / kind, tiny_model(kind), tiny_tokenizer(), info=ModelInfo())
    (tmp_path / "own.toml").write_text(OWN, "utf-8")
    return tmp_path


def test_each_model_is_measured_with_each_number_of_examples(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", "suite", "own.toml", "decoder", "ngram", "--log", "none"]
    assert main([*asked, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["sets"]
    names = [each["name"] for each in found["systems"]]
    assert names == ["most frequent label"] + [
        f"{model}, {shots} examples, {how}"
        for model in ("decoder", "ngram")
        for shots in (0, 2)
        for how in ("as they are", "calibrated")
    ]
    for system in found["systems"]:
        assert system["scores"]["accuracy"]["count"] == len(rows("classify"))
    first, *others = (system["scores"]["accuracy"]["signature"] for system in found["systems"])
    assert first.startswith("scikit-learn-")
    for signature, shots in zip(others, (0, 0, 2, 2) * 2, strict=True):
        fields = dict(field.split(":") for field in signature.split("|")[:-1])
        assert fields["shots"] == f"{shots}"
        assert [*fields] == ["shots", "template", "tokenizer", "dtype", "seed", "calibrated"]
    assert [s["against_best_baseline"][0]["name"] for s in found["systems"][1:]] == ["accuracy"] * 8
    assert main([*asked, "--markdown", "--shots", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("| data | `decoder, 1 examples, as they are` | accuracy ")
    assert main([*asked[:4], "--set", "data", "--seed", "7", "--log", "none"]) == 0
    told = capsys.readouterr().out
    assert "shots:2|template:" in told
    assert "|seed:7|calibrated:yes" in told


def test_a_set_has_its_own_numbers_of_examples_and_the_command_line_others(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "own.toml").write_text(f"{OWN}shots = [1]\n", "utf-8")
    for more, counts in (((), ["1", "1"]), (("--shots", "0"), ["0", "0"])):
        asked = ["evaluate", "suite", "own.toml", "ngram", *more, "--json", "--log", "none"]
        assert main(asked) == 0
        (found,) = json.loads(capsys.readouterr().out)["sets"]
        assert [each["name"].split(", ")[1].split()[0] for each in found["systems"][1:]] == counts


def test_a_row_says_that_prompts_had_fewer_examples(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "own.toml").write_text(OWN.replace("longest = 2", ""), "utf-8")
    asked = ["evaluate", "suite", "own.toml", "decoder", "--shots", "8", "--log", "none"]
    assert main([*asked, "--markdown"]) == 0
    _, plain, calibrated = capsys.readouterr().out.splitlines()
    for line in (plain, calibrated):
        assert re.match(r"\| data \| `decoder, \d\.\d\d of 8 examples, ", line)


@pytest.mark.parametrize(
    ("change", "words", "code", "problem"),
    [
        ({}, ("few-shots", "decoder"), 3, "those that ship are: few-shot"),
        ({}, ("few-shot", "decoder"), 1, "there is no folder runs/reviews; type: zhixing data"),
        ({}, ("own.toml",), 3, "name a model folder"),
        ({}, ("own.toml", "nowhere"), 3, "nowhere: there is no such folder"),
        ({}, ("own.toml", "decoder", "--set", "x"), 3, "the suite has data"),
        ({}, ("own.toml", "decoder", "--shots", "-1"), 3, "--shots -1"),
        ({}, ("own.toml", "decoder", "--shots", "9"), 3, "shots = 9: there are 8 training texts"),
        ({}, ("own.toml", "decoder", "--seed", "-1"), 3, "a seed is zero or larger"),
        ({}, ("own.toml", "decoder", "--json", "--markdown"), 3, "give one of them"),
        ({"en =": "fr ="}, ("own.toml", "decoder"), 3, "the labels of data are en, zh"),
        ({'"英文"': '""'}, ("own.toml", "decoder"), 3, "nothing has no probability"),
        ({'"zh"': '"de"'}, ("own.toml", "decoder"), 3, "language"),
        ({"longest": "longst"}, ("own.toml", "decoder"), 3, "longst"),
    ],
)
def test_what_cannot_be_measured_is_told(
    place: Path,
    change: dict[str, str],
    words: tuple[str, ...],
    code: int,
    problem: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = OWN
    for old, new in change.items():
        text = text.replace(old, new)
    (place / "own.toml").write_text(text, "utf-8")
    assert main(["evaluate", "suite", *words, "--log", "none"]) == code
    assert problem in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("path", [*SHIPPED.glob("*.toml")], ids=lambda path: path.stem)
def test_the_shipped_suite_loads_and_says_how_its_folders_are_made(path: Path) -> None:
    for each in find_suite(path.stem).sets:
        command: list[Any] = each.made_by.split()
        assert command[:3] == ["zhixing", "data", "examples"]
        assert each.folder in command
        assert each.made_by in path.read_text("utf-8").split("shots =")[0]


def test_ctrl_c_loses_no_row_that_is_measured(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", "suite", "own.toml", "decoder", "ngram", "--log", "plain"]
    for form, count in ((), 5), (("--json",), 5):
        monkeypatch.setattr(sys, "stderr", told := CtrlC("ngram, 0 examples"))
        assert main([*asked, *form]) == 130
        assert "interrupted; what was measured is shown (systems: 5)" in told.getvalue()
        shown = capsys.readouterr().out
        if form:
            (found,) = json.loads(shown)["sets"]
            assert len(found["systems"]) == count
        else:
            assert shown.startswith("data: 8 texts to learn from")
            assert shown.count("training") == count
            assert "decoder, 2 examples, calibrated" in shown
