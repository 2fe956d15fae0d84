"""`zhixing calibrate`: a temperature in the folder that classify uses, what it changes, abstention, and the refusals."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax

import zhixing
from tests.trained import rows, train, write_rows
from zhixing.api.results import ABSTAIN
from zhixing.cli import main
from zhixing.core.errors import CheckpointError, UnsupportedError, UsageError
from zhixing.evaluate.tasks.calibration import cross_entropy

LABELS = ("en", "zh")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier, and examples of which an eighth has the wrong label: it is too sure of itself."""
    folder = tmp_path_factory.mktemp("calibrate")
    train(folder, "classify", "bag2", steps=200)
    (folder / "places").mkdir()
    right = rows("classify")
    wrong = [{"text": right[0]["text"], "label": "zh"}]
    for part in ("train", "validation", "test"):
        write_rows(folder / "places" / f"{part}.jsonl", [*right, *wrong])
    return folder


def copied(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made / "classify-bag2", tmp_path / "model"))


def calibrate(model: Path, made: Path, *more: str) -> int:
    return main(["calibrate", str(model), str(made / "places"), "--log", "none", *more])


def test_the_temperature_is_the_best_one_and_classify_divides_by_it(
    made: Path, tmp_path: Path, capsys
) -> None:
    model = copied(made, tmp_path)
    before = zhixing.load(model)
    texts = [row["text"] for row in rows("classify")]
    first = before.classify(texts)
    assert calibrate(model, made, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    held = [*rows("classify"), {"text": texts[0], "label": "zh"}]
    logits = np.array(
        [[*each.scores.values()] for each in before.classify([r["text"] for r in held])]
    )
    truths = [LABELS.index(row["label"]) for row in held]
    best = found["temperature"]
    assert best > 1.0
    for other in (1.0, best * 1.05, best / 1.05):
        assert cross_entropy(logits, truths, best) < cross_entropy(logits, truths, other)
    after = zhixing.load(model)
    assert after.learnt is not None
    assert after.learnt.temperature == best
    for one, other in zip(first, after.classify(texts), strict=True):
        assert (one.label, one.scores) == (other.label, other.scores)
        expected = softmax(np.array([*one.scores.values()]) / best)
        assert [*other.probabilities.values()] == pytest.approx(expected)
        assert other.probability == max(other.probabilities.values())
    assert calibrate(model, made, "--json") == 0, "again: the logits are the same"
    again = json.loads(capsys.readouterr().out)
    assert again["temperature"] == best
    assert again["scores"]["before"] == found["scores"]["after"]


def test_scores_before_and_after_and_the_table_of_abstention(
    made: Path, tmp_path: Path, capsys
) -> None:
    assert calibrate(copied(made, tmp_path), made, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    scores = {
        when: {each["name"]: each["value"] for each in found["scores"][when]}
        for when in ("before", "after")
    }
    assert scores["before"]["accuracy"] == scores["after"]["accuracy"] == pytest.approx(8 / 9)
    for name in ("calibration_error", "cross_entropy"):
        assert scores["after"][name] < scores["before"][name]
    shares = [each["coverage"]["value"] for each in found["answered"]]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 1.0, "of two labels one has a half"
    assert found["answered"][-1]["accuracy"] is None, "nothing is so probable any more"
    assert sum(each["count"] for each in found["bins"]["after"]) == 9
    assert calibrate(copied(made, tmp_path / "two"), made) == 0
    told = capsys.readouterr().out
    assert "temperature" in told
    assert "--at-least 0.9" in told


def test_below_what_is_asked_for_the_label_is_abstain(made: Path, tmp_path: Path, capsys) -> None:
    model = copied(made, tmp_path)
    assert calibrate(model, made) == 0
    capsys.readouterr()
    opened = zhixing.load(model)
    texts = [row["text"] for row in rows("classify")]
    plain = opened.classify(texts)
    between = sorted(each.probability or 0.0 for each in plain)[3:5]
    threshold = sum(between) / 2
    asked = opened.classify(texts, at_least=threshold)
    assert 0 < sum(each.label == ABSTAIN for each in asked) < len(texts)
    for one, other in zip(plain, asked, strict=True):
        assert other.probability == one.probability
        assert other.label == (one.label if (one.probability or 0) >= threshold else ABSTAIN)
    write_rows(tmp_path / "texts.jsonl", [{"text": text} for text in texts])
    line = ["apply", str(model), str(tmp_path / "texts.jsonl"), "--task", "classify"]
    assert main([*line, "--at-least", f"{threshold}", "--log", "none"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(each)["label"] for each in lines] == [each.label for each in asked]
    assert main([*line, "--at-least", "1.5"]) == 3
    assert "between 0 and 1" in capsys.readouterr().err
    with pytest.raises(UsageError, match="between 0 and 1"):
        opened.classify(texts, at_least=-0.1)


def test_the_plot_is_a_file_with_both_languages(made: Path, tmp_path: Path, capsys) -> None:
    plot = tmp_path / "plots" / "reliability.svg"
    assert calibrate(copied(made, tmp_path), made, "--plot", str(plot)) == 0
    drawn = plot.read_text("utf-8")
    assert drawn.startswith("<svg ")
    for told in ("http://www.w3.org/2000/svg", "--rung-2", "confidence · 置信度", "after · 校准后"):
        assert told in drawn
    assert calibrate(copied(made, tmp_path / "b"), made, "--plot", "plot.png") == 3
    assert "--plot plot.png must end in .svg" in capsys.readouterr().err
    plot.unlink()
    plot.mkdir()
    assert calibrate(copied(made, tmp_path / "c"), made, "--plot", str(plot)) == 3
    assert f"--plot {plot} is a folder" in capsys.readouterr().err


def test_what_cannot_be_calibrated_is_refused_and_left_as_it_was(
    made: Path, tmp_path: Path, capsys
) -> None:
    model = copied(made, tmp_path)
    kept = (model / "objective.json").read_bytes()
    sure = tmp_path / "sure"
    sure.mkdir()
    for part in ("train", "validation", "test"):
        write_rows(sure / f"{part}.jsonl", rows("classify"))
    assert main(["calibrate", str(model), str(sure), "--log", "none"]) == 1
    assert "right on every one of the 8 validation texts" in capsys.readouterr().err
    write_rows(sure / "validation.jsonl", [*rows("classify"), {"text": "a", "label": "fr"}])
    assert main(["calibrate", str(model), str(sure), "--log", "none"]) == 1
    assert "'fr', which the model has not learnt; its labels are en, zh" in capsys.readouterr().err
    write_rows(sure / "validation.jsonl", rows("classify"))
    write_rows(sure / "test.jsonl", [*rows("classify"), {"text": "a", "label": "fr"}])
    assert main(["calibrate", str(model), str(sure), "--log", "none"]) == 1
    assert f"{sure}: the test texts have the label 'fr'" in capsys.readouterr().err
    write_rows(sure / "train.jsonl", [{"text": f"text {n}", "label": "en"} for n in range(4)])
    assert main(["calibrate", str(model), str(sure), "--log", "none"]) == 1
    assert "every example has the label 'en'" in capsys.readouterr().err
    assert (model / "objective.json").read_bytes() == kept


def test_a_hinge_loss_has_no_temperature_and_does_not_abstain(
    made: Path, tmp_path: Path, capsys
) -> None:
    model = train(tmp_path, "classify", "bag2", steps=1, more='loss = "hinge"')
    assert calibrate(model, made) == 1
    assert "hinge loss" in capsys.readouterr().err
    with pytest.raises(UnsupportedError, match="hinge loss"):
        zhixing.load(model).classify(["a"], at_least=0.5)


def test_a_folder_that_was_edited_is_not_written_to(made: Path, tmp_path: Path) -> None:
    from zhixing.checkpoint.folder import write_learnt

    model = copied(made, tmp_path)
    learnt = zhixing.load(model).learnt
    assert learnt is not None
    (model / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="not as it was saved"):
        write_learnt(model, learnt)


def test_all_other_files_of_the_folder_stay(made: Path, tmp_path: Path, capsys) -> None:
    model = copied(made, tmp_path)
    names = {
        path.relative_to(model): path.read_bytes() for path in model.rglob("*") if path.is_file()
    }
    assert calibrate(model, made) == 0
    changed = {path for path, content in names.items() if (model / path).read_bytes() != content}
    assert changed == {Path("objective.json"), Path("manifest.json")}


def test_a_folder_behind_a_link_is_calibrated_and_the_link_stays(
    made: Path, tmp_path: Path
) -> None:
    (link := tmp_path / "link").symlink_to(model := copied(made, tmp_path))
    assert calibrate(link, made) == 0
    assert link.is_symlink()
    learnt = json.loads((model / "objective.json").read_text("utf-8"))
    assert learnt["temperature"] != 1.0


def test_a_folder_that_is_no_model_or_cannot_be_written_is_told_before_the_work(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    words = ["calibrate", str(made / "places"), str(made / "places"), "--log", "plain"]
    assert main(words) == 1
    assert "is not a model folder" in capsys.readouterr().err
    model = copied(made, tmp_path)
    monkeypatch.setattr(
        os, "access", lambda *_: False
    )  # tests may run as root, who may do everything
    assert main(["calibrate", str(model), str(made / "places"), "--log", "plain"]) == 1
    told = capsys.readouterr().err
    assert f"{tmp_path} cannot be written" in told
    assert "…" not in told
