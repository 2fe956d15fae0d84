"""Rows of the table of applications: what is said of a difference, and who is called the best baseline."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.trained import train, write_rows
from zhixing.cli import main
from zhixing.cli.task_rows import told_difference
from zhixing.evaluate.tasks.measure import Judged, compare, length_ratio, mean


def difference(one: list[float], other: list[float], *, better: str) -> str:
    made = [replace(mean("errors", values, "x"), better=better) for values in (one, other)]
    (found,) = compare(*(Judged(task="t", measures=(each,)) for each in made))
    return told_difference(found)


def test_more_is_better_or_worse_as_the_measure_says() -> None:
    ones, zeros = [1.0] * 30, [0.0] * 30
    assert difference(ones, zeros, better="higher").endswith("p = 0.0005: better")
    assert difference(ones, zeros, better="lower").endswith("p = 0.0005: worse")
    assert difference(ones, ones, better="lower").endswith("no difference was found")


def test_a_ratio_that_is_best_at_one_is_different_and_not_better() -> None:
    right = ["four"] * 30
    made = [length_ratio([text] * 30, right) for text in ("eight ch", "ab")]
    (found,) = compare(*(Judged(task="t", measures=(each,)) for each in made))
    assert told_difference(found).endswith("p = 0.0005: different")


def test_a_model_that_nothing_stands_beside_is_no_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = train(tmp_path, "similar", "encoder", steps=1)
    pairs = [("a b", "c d", 1), ("e f", "g h", 2), ("i j", "k l", 3)]  # nothing is ever shared
    (tmp_path / "data").mkdir()
    write_rows(
        tmp_path / "data/test.jsonl",
        [{"text1": one, "text2": other, "label": label} for one, other, label in pairs],
    )
    asked = ["evaluate", "baselines", str(tmp_path / "data"), "--model", str(model)]
    capsys.readouterr()
    assert main([*asked, "--markdown", "--log", "none"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"| data | `{model}` | spearman ")
    assert line.endswith("| – |")
