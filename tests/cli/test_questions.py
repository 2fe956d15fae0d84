"""Questions from the catalogue to a measured model: examples, training with a least score, baselines, answers line by line."""

import json
import math
from pathlib import Path

import pytest
import torch

import zhixing
from tests.cli.beginnings import origin, recipe, train
from tests.corpus.test_questions import nouns, page
from tests.trained import MODELS, rows, write_recipe, write_rows
from zhixing.checkpoint.folder import load_network
from zhixing.cli import main
from zhixing.corpus.catalogue import Entry, Origin
from zhixing.evaluate.tasks.answers import score_answer
from zhixing.model.recurrent_reader import RecurrentReader


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is fetched instead of packages of the catalogue."""
    place = tmp_path / "package"
    for name, text in {
        "usr/share/wordnet/data.noun": nouns(),
        **{f"help/zh-CN/text/a/{n}.html": page(n, "zh") for n in range(60)},
    }.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, "utf-8")

    def fetch(entry: Entry, **_: object) -> tuple[Path, Origin]:
        return place, entry.origins[0]

    monkeypatch.setattr("zhixing.corpus.fetch.fetch", fetch)
    return place


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_model_of_questions_is_trained_measured_and_asked(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    assert (
        main(["data", "examples", "wordnet-questions", str(data), "--json", "--log", "none"]) == 0
    )
    written = json.loads(capsys.readouterr().out)
    assert written["parts"]["train"] == len(lines(data / "train.jsonl"))
    assert written["without_answer"]["test"] > 0
    places = [f"objective.examples.{part}={data / part}.jsonl" for part in ("train", "validation")]
    settings = [f"finetune.folder={origin(tmp_path, 'encoder')}", *places]
    chosen = [part for setting in settings for part in ("--set", setting)]
    assert (
        main(["train", "questions-tiny", "--out", str(run), "--json", "--log", "none", *chosen])
        == 0
    )
    found = json.loads(capsys.readouterr().out)["validation"]
    model = zhixing.load(run)
    assert model.learnt is not None
    assert model.learnt.least_score == found["least_score"]

    held = lines(data / "validation.jsonl")
    pairs = [(row["question"], row["context"]) for row in held]

    def f1(least: float | None) -> float:
        answers = model.answers(pairs, least_score=least)
        each = [
            score_answer(answer.text, row["answers"]["text"], language="en")[1]
            for answer, row in zip(answers, held, strict=True)
        ]
        return sum(each) / len(each)

    assert f1(None) == pytest.approx(found["validation_f1"])
    assert f1(None) >= max(f1(0.0), f1(-math.inf), f1(math.inf))

    words = ["evaluate", "baselines", str(data), "--model", str(run), "--markdown", "--log", "none"]
    assert main(words) == 0
    table = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[1] for row in table][2:] == [f"`{run}`"]
    assert {"TF-IDF window", "always no answer"} == {row.split(" | ")[1] for row in table[:2]}
    assert all("f1 " in row and "exact match " in row for row in table)

    asked, out = data / "test.jsonl", tmp_path / "answers.jsonl"
    assert (
        main(
            ["apply", str(run), "--task", "answer", str(asked), "--out", str(out), "--log", "none"]
        )
        == 0
    )
    capsys.readouterr()
    answers = lines(out)
    assert all(each["found"] == (each["score"] > model.learnt.least_score) for each in answers)
    words = ["evaluate", "score", "--task", "answers", "--language", "en", str(out), str(asked)]
    assert main(words) == 0
    assert "f1" in capsys.readouterr().out


def test_a_recurrent_reader_is_trained_measured_and_asked(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    assert main(["data", "examples", "wordnet-questions", str(data), "--log", "none"]) == 0
    places = [f"objective.examples.{part}={data / part}.jsonl" for part in ("train", "validation")]
    chosen = [part for setting in places for part in ("--set", setting)]
    words = ["train", "questions-lstm-tiny", "--out", str(run), "--json", "--log", "none"]
    assert main([*words, *chosen]) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])["validation"]
    model = zhixing.load(run)
    assert isinstance(model.network, RecurrentReader)
    assert model.learnt is not None
    assert (model.learnt.mark_shared, model.learnt.least_score) == (True, found["least_score"])
    words = ["evaluate", "baselines", str(data), "--model", str(run), "--markdown", "--log", "none"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"| {data.name} | `{run}` | f1 ")
    row = json.dumps({"question": "Where?", "context": "Anna Berg went to Rome. " * 40})
    asked, out = tmp_path / "asked.jsonl", tmp_path / "answers.jsonl"
    asked.write_text(row + "\n", "utf-8")  # far longer than data.time
    words = ["apply", str(run), "--task", "answer", str(asked), "--out", str(out), "--log", "none"]
    assert main(words) == 0
    (answer,) = lines(out)
    assert answer["found"] == (answer["score"] > model.learnt.least_score)
    assert main(["export", str(run), str(tmp_path / "hf"), "--to", "hf", "--log", "none"]) == 1
    assert "'recurrent-reader' in our own form" in capsys.readouterr().err


def marking(folder: Path, model: str) -> Path:
    """A recipe of one step that marks what is shared, for a model that need not have room for the mark."""
    write_rows(folder / "span.jsonl", rows("span"))
    return write_recipe(
        folder / "r.toml",
        "span",
        folder / "span.jsonl",
        f'tokenizer_text = "examples"\n[tokenizer]\nvocab = 320\n[model]\n{model}',
        "mark_shared = true",
        learn="steps = 1\nbatch_tokens = 128",
    )


def test_a_reader_of_two_segments_is_told_of_no_third(tmp_path: Path, capsys) -> None:
    path = marking(tmp_path, f"{MODELS['finder']}\nsegments = 2")
    assert train(path, tmp_path / "run") == 3
    assert "the model has 2; set model.segments = 3" in capsys.readouterr().err
    assert train(path, tmp_path / "two", "--set", "objective.mark_shared=false") == 0
    again = recipe(tmp_path, "span", tmp_path / "two", table='learn = "head"', steps=1)
    assert train(again, tmp_path / "again") == 0
    before, after = (load_network(tmp_path / name).model.state_dict() for name in ("two", "again"))
    moved = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert {name.split(".")[0] for name in moved} == {"output"}


def test_chinese_questions_are_written_and_listed(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["data", "examples", "help-questions-zh", str(out), "--log", "none"]) == 0
    made = [row for path in out.glob("*.jsonl") for row in lines(path)]
    assert any("哪一项" in row["question"] and row["answers"]["text"] for row in made)
    assert main(["data", "list"]) == 0
    assert "zhixing data examples help-questions-zh: synthetic questions" in capsys.readouterr().out
    told = ["data", "examples", "help-questions-zh", str(tmp_path / "b"), "--piece", "300"]
    assert main(told) == 3
    assert "would do nothing with help-questions-zh" in capsys.readouterr().err


@pytest.mark.parametrize("others", [[], rows("span")])
def test_a_question_that_leaves_no_room_does_not_fail_a_finished_training(
    others: list[dict], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = {**rows("span")[2], "question": "Where in all the world? " * 20}
    write_rows(tmp_path / "held.jsonl", [long, *others])
    path = recipe(tmp_path, "span", origin(tmp_path, "encoder"), steps=2)
    held = f"objective.examples.validation={tmp_path / 'held.jsonl'}"
    more = ["--set", held, "--set", "objective.examples.max_truncated=1"]
    assert main(["train", str(path), "--out", str(tmp_path / "run"), *more, "--log", "json"]) == 0
    told = capsys.readouterr().err
    if others:
        assert f"of {len(others)} validation questions; 1 that cannot be asked" in told
    else:
        assert "no validation questions to choose a least score by; 1 that cannot be" in told


def test_without_validation_zero_is_what_an_answer_has_to_score(tmp_path: Path) -> None:
    path = recipe(tmp_path, "span", origin(tmp_path, "encoder"), steps=2)
    assert train(path, tmp_path / "run") == 0
    model = zhixing.load(tmp_path / "run")
    assert model.learnt is not None
    assert model.learnt.least_score == 0.0


def test_a_third_segment_grows_out_of_the_second(tmp_path: Path) -> None:
    begin = origin(tmp_path, "encoder")
    path = recipe(tmp_path, "span", begin, more="mark_shared = true", steps=1)
    assert train(path, tmp_path / "run", "--set", "train.lr=1e-9") == 0
    before, after = load_network(begin), load_network(tmp_path / "run")
    assert after.learnt is not None
    assert after.learnt.mark_shared
    old, new = (each.model.stack.inputs.segments.weight for each in (before, after))  # type: ignore[attr-defined]
    assert torch.allclose(new, torch.cat([old, old[-1:]]), atol=1e-6)
    again = recipe(tmp_path, "span", tmp_path / "run", more="mark_shared = true", steps=1)
    assert train(again, tmp_path / "again", "--set", "train.lr=1e-9") == 0
    last = load_network(tmp_path / "again").model
    assert torch.allclose(last.stack.inputs.segments.weight, new, atol=1e-6)  # type: ignore[attr-defined]
    assert torch.allclose(  # the head that was learnt is taken over
        last.heads["span"].output.weight,
        after.model.heads["span"].output.weight,
        atol=1e-6,  # type: ignore[attr-defined]
    )


def test_a_model_without_a_third_segment_is_refused(tmp_path: Path, capsys) -> None:
    path = marking(tmp_path, MODELS["encoder"])
    assert train(path, tmp_path / "run") == 3
    assert (
        "needs 3 segments, and the model has 2; set model.segments = 3" in capsys.readouterr().err
    )
    assert train(path, tmp_path / "right", "--set", "model.segments=3") == 0
    (found,) = zhixing.load(tmp_path / "right").answers([("Where?", "Anna Berg went to Rome.")])
    assert found.text in "Anna Berg went to Rome."
