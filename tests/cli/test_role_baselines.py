"""`zhixing evaluate baselines` on predicates with roles: counted ones, the rule, and the recipes of derived roles, made small."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.measured import measured, write_parts
from tests.house.tree import ROOT
from tests.trained import train
from zhixing.cli import main
from zhixing.corpus.derived_roles import RULES, predicates

Run = Callable[..., dict[str, Any]]
NOUNS = {
    "en": ("man/nn", "dog/nn", "girl/nn", "house/nn"),
    "zh": ("男人/n", "狗/n", "女孩/n", "房子/n"),
}
TURNS = {
    "en": ("the/at {} saw/vbd the/at {} ./.", "the/at {} was/bedz seen/vbn by/in the/at {} ./."),
    "zh": ("{} 看到/v 了/u {} 。/w", "{} 被/p {} 看见/v 。/w"),
}


def derived(language: str) -> list[dict[str, Any]]:
    """Every noun with every other in each turn, with the roles of the rule."""
    made = []
    for turn in TURNS[language]:
        for one in NOUNS[language]:
            for other in NOUNS[language]:
                pairs = [token.rsplit("/", 1) for token in turn.format(one, other).split()]
                words, pos = ([*column] for column in zip(*pairs, strict=True))
                for place, tags in predicates(RULES[language], words, pos):
                    made.append({"tokens": words, "tags": tags, "predicate": place, "pos": pos})
    return made


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return partial(measured, capsys)


@pytest.mark.parametrize(
    ("language", "recipe", "source"),
    [
        ("en", "derived-roles-english", "brown-derived-roles"),
        ("zh", "derived-roles-chinese", "peoples-daily-derived-roles"),
    ],
)
def test_the_recipe_made_small_learns_the_rule_from_words(
    language: str,
    recipe: str,
    source: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    monkeypatch.chdir(tmp_path)
    examples = derived(language)
    data = write_parts(Path("runs") / source, examples)
    labels = {tag for row in examples for tag in row["tags"]}
    small = {
        "tokenizer.vocab": 320,
        "data.time": 32,
        "data.validate_tokens": 1024,
        "model.labels": len(labels),
        "model.encoder.embedding": 24,
        "model.encoder.width": 24,
        "model.encoder.dropout": 0.0,
        "train.steps": 70,
        "train.batch_tokens": 512,
        "train.lr": 0.01,
        "train.validate_every": 70,
        "train.save_every": 70,
    }
    settings = [word for key, value in small.items() for word in ("--set", f"{key}={value}")]
    file = ROOT / "recipes" / f"{recipe}.toml"
    assert main(["train", str(file), *settings, "--log", "none"]) == 0
    found = run(data, "--model", Path("runs") / recipe)
    scores = {each["name"]: each["scores"]["f1"]["value"] for each in found["systems"]}
    assert scores.pop(f"runs/{recipe}") == 1.0
    assert scores.pop("the rule, parts of speech by a hidden Markov model") == 1.0
    assert {*scores} == {"places and words", "the rule, most frequent parts of speech"}
    assert any("derived by a rule" in line for line in found["told"])


def test_roles_are_counted_by_place_where_there_is_no_rule(tmp_path: Path, run: Run) -> None:
    learnt = [
        {"tokens": ["I", "sing"], "tags": ["B-A0", "B-V"], "predicate": 1},
        {"tokens": ["I", "sing", "it"], "tags": ["B-A0", "B-V", "B-A1"], "predicate": 1},
    ]
    test = [
        {"tokens": ["We", "sing", "I"], "tags": ["B-A0", "B-V", "O"], "predicate": 1},
        {"tokens": ["I", "sing"], "tags": ["B-V", "O"], "predicate": 0},
    ]
    found = run(write_parts(tmp_path / "d", learnt, test=test), "--out", tmp_path / "out.jsonl")
    (system,) = found["systems"]
    assert system["name"] == "places and words"
    # We: as other words there; I behind the verb: as other words there; sing behind one: the same
    assert [json.loads(line)["places and words"] for line in (tmp_path / "out.jsonl").read_text().splitlines()] == [
        ["B-A0", "B-V", "B-A1"], ["B-V", "B-A1"]
    ]  # fmt: skip
    assert system["scores"]["precision"]["value"] == pytest.approx(1 / 3)
    assert system["scores"]["recall"]["value"] == 1.0
    assert system["scores"]["recall"]["count"] == 2
    again = run(
        write_parts(tmp_path / "e", learnt, test=[learnt[1], {**learnt[1], "predicate": 0}])
    )
    assert again["systems"][0]["scores"]["f1"]["count"] == 1  # one sentence, with both predicates


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({}, ":2 has the predicate None"),
        ({"predicate": 2}, ":2 has the predicate 2; every row names the place of one of its 2"),
        ({"predicate": [0, 1]}, r":2 has the predicate \[0, 1\]"),
        ({"predicate": 1, "pos": ["a", "b"]}, "1 of 2 rows have parts of speech"),
        ({"predicate": 1, "pos": None}, r":2: its parts of speech \(pos\) are no list of texts"),
        ({"predicate": 1, "pos": ["a", 1]}, r":2: its parts of speech \(pos\) are no list"),
        ({"predicate": 1, "tags": ["O"]}, ":2 has 2 tokens and 1 tags"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(
    row: dict[str, Any], problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"tokens": ["I", "sing"], "tags": ["B-A0", "B-V"], "predicate": 1}
    other = {key: value for key, value in good.items() if key != "predicate"} | row
    data = write_parts(tmp_path / "d", [good], train=[good, other])
    assert main(["evaluate", "baselines", str(data)]) == 1
    assert re.search(problem, " ".join(capsys.readouterr().err.split()))


def test_a_tagger_that_knows_no_predicates_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(tmp_path, "tag", "tagger", steps=2)
    good = {"tokens": ["I", "sing"], "tags": ["B-A0", "B-V"], "predicate": 1}
    data = write_parts(tmp_path / "d", [good])
    assert main(["evaluate", "baselines", str(data), "--model", str(folder)]) == 1
    assert "has learnt tags without a predicate" in capsys.readouterr().err
