"""`zhixing evaluate baselines` on tagged sentences: a trained tagger and every baseline; what does not fit is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.measured import measured, write_parts
from tests.trained import rows, train
from zhixing.cli import main

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The systems by their names."""
    return lambda *asked: {each["name"]: each for each in measured(capsys, *asked)["systems"]}


def characters(text: str, letters: str) -> dict[str, Any]:
    """Characters and one letter a tag: w a word begins, o it goes on; p, l, g a name begins, i goes on."""
    names = {
        "w": "B-WORD", "o": "I-WORD", "p": "B-PER", "l": "B-LOC", "g": "B-ORG", "-": "O",
    }  # fmt: skip
    tags: list[str] = []
    for letter in letters:
        tags.append(f"I-{tags[-1][2:]}" if letter == "i" else names[letter])
    return {"tokens": [*text], "tags": tags}


def test_a_trained_tagger_is_set_beside_the_counted_ones(tmp_path: Path, run: Run) -> None:
    folder = train(tmp_path, "tag", "tagger", steps=150)
    data = write_parts(tmp_path / "data", rows("tag"))
    found = run(data, "--model", folder, "--out", tmp_path / "out.jsonl")
    scores = found[str(folder)]["scores"]
    assert scores["f1"]["value"] == 1.0
    assert scores["accuracy"]["count"] == len(rows("tag"))
    assert "accuracy_new_words" not in scores
    written = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)[str(folder)] for line in written] == [r["tags"] for r in rows("tag")]


def test_baselines_count_the_training_part(tmp_path: Path, run: Run) -> None:
    learnt = [
        {"tokens": ["we", "can"], "tags": ["pps", "md"]},
        {"tokens": ["the", "can"], "tags": ["at", "nn"]},
        {"tokens": ["a", "can"], "tags": ["at", "nn"]},
    ]
    right = {"tokens": ["we", "can", "go"], "tags": ["pps", "md", "vb"]}
    found = run(write_parts(tmp_path, [right], train=learnt))
    assert [*found] == ["hidden Markov model", "most frequent tag"]  # the best first
    assert [each["scores"]["accuracy"]["value"] for each in found.values()] == pytest.approx(
        [2 / 3, 1 / 3]
    )
    assert {each["scores"]["accuracy_new_words"]["value"] for each in found.values()} == {0.0}


def test_jieba_finds_words_or_names_as_the_tags_ask(tmp_path: Path, run: Run) -> None:
    words = characters("我们在北京大学学习。", "wowwooowow"), characters("上海", "wo")
    assert run(write_parts(tmp_path, words))["jieba"]["scores"]["f1"]["value"] == 1.0
    names = characters("江泽民在北京说", "pii-li-"), characters("联合国", "gii")
    found = run(write_parts(tmp_path, names))["jieba"]
    assert found["scores"]["f1"]["value"] == 1.0
    assert {kind: each["count"] for kind, each in found["details"]["types"].items()} == {
        "LOC": 1, "ORG": 1, "PER": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "row",
    [
        {"tokens": ["a"], "tags": ["nn"]},
        {"tokens": ["你好"], "tags": ["B-WORD"]},
        {"tokens": ["", "大"], "tags": ["O", "B-LOC"]},
    ],
)
def test_jieba_is_left_out_where_it_cannot_tag(
    row: dict[str, Any], tmp_path: Path, run: Run
) -> None:
    assert [*run(write_parts(tmp_path, [row]))] == ["most frequent tag", "hidden Markov model"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": ["a"], "tags": ["x", "y"]}, ":1 has 1 tokens and 2 tags"),
        ({"tokens": "a", "tags": ["x"]}, ":1 has not the lists"),
        ({"tokens": ["a"], "tags": [" "]}, ":1 has an empty tag"),
        ({"tokens": [], "tags": []}, "has no words with tags"),
        ({"words": ["a"]}, ":1 has the keys words; measured are examples of {text, label} or"),
    ],
)
def test_what_does_not_fit_is_named(
    row: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "baselines", str(write_parts(tmp_path, [row])), "--log", "none"]) == 1
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_page_names_leaks_and_refuses_what_belongs_to_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(write_parts(tmp_path, [{"tokens": ["a"], "tags": ["x"]}]))
    assert main(["evaluate", "baselines", data, "--log", "none"]) == 0
    printed = capsys.readouterr().out
    assert "accuracy 1.000" in printed
    assert "note: 1 of the test sentences are also learnt from" in printed
    assert main(["evaluate", "baselines", data, "--positive", "x"]) == 3
    assert "--positive would do nothing" in capsys.readouterr().err


def test_no_file_that_is_read_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_parts(tmp_path, [characters("北京", "li")])
    before = (data / "test.jsonl").read_bytes()
    for out, told in [(data / "test.jsonl", "is a file that is read"), (tmp_path, "is a folder")]:
        assert main(["evaluate", "baselines", str(data), "--out", str(out)]) == 3
        assert told in capsys.readouterr().err
    assert (data / "test.jsonl").read_bytes() == before
