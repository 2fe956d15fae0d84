"""`zhixing theory`: the list, an idea in both languages, and a name that does not exist."""

import json

import pytest

from zhixing.cli import main
from zhixing.theory.catalogue import IDEAS, load


def test_without_a_name_all_ideas_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theory"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(IDEAS)
    assert main(["theory", "--language", "zh"]) == 0
    assert "注意力" in capsys.readouterr().out


@pytest.mark.parametrize(("language", "said"), [("en", "The error at the logits."), ("zh", "误差")])
def test_an_idea_is_worked_out_step_by_step(
    language: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["theory", "mlp", "--language", language]) == 0
    out = capsys.readouterr().out
    assert said in out
    assert "h1 = W1 x + b1 = [15  34]" in out
    assert f"docs/{language}/theory/mlp.md" in out
    assert "Rumelhart" in out


def test_json_has_every_step_with_all_digits(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theory", "ngram", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    steps = {step["name"]: step["value"] for step in told["steps"]}
    assert steps.keys() == load("ngram").names
    assert steps["p_b_after_a"] == load("ngram").value("p_b_after_a")
    assert set(told["steps"][0]["says"]) == {"en", "zh"}


def test_the_list_is_there_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theory", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["ideas"]) == list(IDEAS)


def test_an_unknown_idea_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theory", "atention"]) == 3
    told = capsys.readouterr().err
    assert "there is no idea called 'atention'" in told
    assert "did you mean 'attention'?" in told
    assert main(["theory", "zzz"]) == 3
    assert "did you mean" not in capsys.readouterr().err


def test_a_language_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["theory", "mlp", "--language", "fr"]) == 3
