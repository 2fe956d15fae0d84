"""Searches end to end: the tiny recipe learns from queries and documents, is measured, and finds documents in a file."""

import json
from pathlib import Path

import numpy as np
import pytest

import zhixing
from tests.evaluate.test_search_baselines import ENGLISH, search
from zhixing.cli import main
from zhixing.core.errors import UnsupportedError
from zhixing.evaluate.baselines.retrieval import open_search


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs/help/animals, and in runs/tiny what has learnt from it."""
    folder = tmp_path_factory.mktemp("searches")
    (folder / "runs/help/animals").mkdir(parents=True)
    search(folder / "runs/help/animals", ENGLISH)
    learn(folder, "tiny")
    return folder


def learn(folder: Path, name: str, *more: str) -> None:
    command = ["train", "retrieve-tiny", "--out", str(folder / "runs" / name), "--log", "none"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*command, "--set", "tokenizer.vocab=300", *more]) == 0


def test_the_tiny_recipe_learns_from_queries_and_is_measured(place: Path, capsys) -> None:
    asked = ["evaluate", "baselines", str(place / "runs/help/animals"), "--log", "none", "--json"]
    assert main([*asked, "--model", str(place / "runs/tiny")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["told"][0].startswith("4 documents; 2 queries to learn from, 1 to choose on")
    *_, tiny = found["systems"]
    shown = ["mrr", "recall@1", "recall@10", "ndcg@10"]
    assert [*tiny["scores"]][:4] == shown
    assert tiny["scores"]["recall@10"]["value"] == 1  # of four documents
    assert [each["name"] for each in tiny["against_best_baseline"]] == shown


def test_longer_texts_are_cut_and_told(place: Path, tmp_path: Path) -> None:
    long = {**ENGLISH, "long": "the dog and the fox " * 20}
    model = zhixing.load(place / "runs/tiny")
    answers, told = open_search(search(tmp_path, long)).ask(model)
    assert told == "1 of 5 documents cut to 32 tokens"
    assert {len(each) for each in answers} == {5}
    with pytest.raises(UnsupportedError, match=r"texts\[0\]: .* more than the 32"):
        model.embed([long["long"]])
    whole, start = model.embed([long["long"], "the dog and the fox"], cut=True)
    assert not np.allclose(whole, start)


def test_a_model_that_knows_no_token_of_the_texts_is_refused(place: Path, tmp_path: Path) -> None:
    learn(place, "letters", "--set", "tokenizer.kind=characters", "--set", "train.steps=1")
    contest = open_search(
        search(tmp_path, {name: "狗在房子里睡觉" for name in ENGLISH} | {"x": "河"})
    )
    with pytest.raises(UnsupportedError, match="of the tokens of the documents are unknown"):
        contest.ask(zhixing.load(place / "runs/letters"))
