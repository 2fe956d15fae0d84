import json

import pytest

from zhixing.cli import main
from zhixing.evaluate.harness import DocumentScore
from zhixing.evaluate.metrics import Scored
from zhixing.evaluate.result import save_result
from zhixing.evaluate.score import Signature


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["m", "--data", "d", "--suite", "blimp"], "there is: likelihood"),
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
