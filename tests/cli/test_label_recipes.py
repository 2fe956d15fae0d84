"""The recipes that learn labels, tiny: a few steps on a few made-up texts, then classified and calibrated."""

import json
from pathlib import Path

import pytest

import zhixing
from tests.trained import write_rows
from zhixing.cli import main

LABELS = {
    "language-id": 7,
    "moderation-model": 4,
    "genre-brown": 4,
    "genre-brown-15": 15,
    "spam": 2,
}


def of_folder(folder: Path) -> list[str]:
    files = {part: folder / f"{part}.jsonl" for part in ("train", "validation")}
    return [
        x for part, file in files.items() for x in ("--set", f"objective.examples.{part}={file}")
    ]


@pytest.mark.parametrize("name", LABELS)
def test_the_recipe_learns_its_labels_and_is_calibrated(name: str, tmp_path: Path, capsys) -> None:
    labels = [f"label-{number:02}" for number in range(LABELS[name])]
    made = [{"text": f"text {n} of {label}", "label": label} for label in labels for n in range(6)]
    wrong = {"text": "text 0 of label-00", "label": labels[1]}
    for part in ("train", "validation", "test"):
        write_rows(tmp_path / f"{part}.jsonl", [*made, wrong])
    chosen = {
        "tokenizer.vocab": 300,
        "data.time": 64,
        "model.buckets": 512,
        "train.steps": 16,
        "train.batch_tokens": 2 * 1024,
        "train.validate_every": 8,
        "train.save_every": 8,
    }
    settings = [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]
    out = tmp_path / "run"
    settings += of_folder(tmp_path)
    assert main(["train", name, "--out", str(out), "--log", "none", *settings]) == 0
    model = zhixing.load(out)
    (found,) = model.classify(["text 1 of label-01"])
    assert sorted(found.probabilities) == labels
    capsys.readouterr()
    assert main(["calibrate", str(out), str(tmp_path), "--json", "--log", "none"]) == 0
    temperature = json.loads(capsys.readouterr().out)["temperature"]
    learnt = zhixing.load(out).learnt
    assert learnt is not None
    assert learnt.temperature == temperature


def test_text_and_label_exchanged_are_told_before_anything_is_learnt(
    tmp_path: Path, capsys
) -> None:
    rows = [
        {"text": "good" if n % 2 else "bad", "label": f"a film of {n} hours"} for n in range(30)
    ]
    for part in ("train", "validation", "test"):
        write_rows(tmp_path / f"{part}.jsonl", rows)
    chosen = of_folder(tmp_path)
    told = "30 rows have 30 different labels, such as 'a film of 0 hours'"
    assert main(["train", "spam", "--out", str(tmp_path / "run"), "--log", "none", *chosen]) == 1
    assert told in capsys.readouterr().err
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
    assert told in capsys.readouterr().err


def test_one_label_alone_is_told(tmp_path: Path, capsys) -> None:
    for part in ("train", "validation", "test"):
        write_rows(
            tmp_path / f"{part}.jsonl", [{"text": f"text {n}", "label": "only"} for n in range(4)]
        )
    chosen = of_folder(tmp_path)
    assert main(["train", "spam", "--out", str(tmp_path / "run"), "--log", "none", *chosen]) == 1
    assert "has the labels only; there must be two at least" in capsys.readouterr().err
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
    assert "every example has the label 'only'" in capsys.readouterr().err


def test_texts_of_the_test_that_were_learnt_are_counted(tmp_path: Path, capsys) -> None:
    rows = [{"text": f"text {n}", "label": "ab"[n % 2]} for n in range(8)]
    for part in ("train", "validation"):
        write_rows(tmp_path / f"{part}.jsonl", rows)
    write_rows(
        tmp_path / "test.jsonl", [{"text": "TEXT  3", "label": "b"}, {"text": "new", "label": "c"}]
    )
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 0
    told = capsys.readouterr().out
    assert "note: 1 of the test texts are also learnt from: the scores are too good" in told
    assert "1 references have labels that are not known: c" in told
