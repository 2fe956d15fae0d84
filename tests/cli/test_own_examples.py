"""What the page of objectives says of a user's own file: its recipe trains from every kind of row in its table."""

import re
from pathlib import Path
from typing import Any

import pytest

import zhixing
from tests.house.markdown import blocks
from tests.house.tree import ROOT
from tests.trained import rows, write_rows
from zhixing.cli import main

PAGES = [ROOT / f"docs/{language}/objectives.md" for language in ("en", "zh")]
METHODS = {"span": "answer", "seq2seq": "translate", "similar": "embed", "preference": "generate"}


def _recipe(page: Path) -> str:
    """The recipe of the page, without what is said of its lines."""
    (found,) = (b.body for b in blocks(page) if b.language == "toml" and "runs/own-data" in b.body)
    return re.sub(r" +#.*", "", found)


def _models(page: Path) -> dict[str, list[str]]:
    """Objective -> the settings of a model that can learn it, as the table has them."""
    found = re.findall(
        r"^\|.+\| `([\w-]+)` \| (`kind = .+?) \|.+\|$", page.read_text("utf-8"), re.M
    )
    return {kind: re.findall(r"`([^`]+)`", settings) for kind, settings in found}


def test_both_pages_say_the_same() -> None:
    assert _recipe(PAGES[0]) == _recipe(PAGES[1])
    assert _models(PAGES[0]) == _models(PAGES[1])


@pytest.mark.parametrize("kind", _models(PAGES[0]))
def test_the_recipe_of_the_page_learns_every_kind_of_row(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs/own-data"
    folder.mkdir(parents=True)
    for part in ("train", "validation"):
        write_rows(folder / f"{part}.jsonl", _written(kind))
    recipe = _recipe(PAGES[0]).replace('kind = "classify"', f'kind = "{kind}"')
    model = "\n".join(_models(PAGES[0])[kind])
    Path("own.toml").write_text(recipe.replace('kind = "cnn"', model), "utf-8")
    less = ["--set", "train.budget_seconds=0.2", "--set", "train.batch_tokens=256"]
    assert main(["train", "own.toml", "--log", "none", *less]) == 0
    assert METHODS.get(kind, kind) in zhixing.load("runs/own").methods


def _written(kind: str) -> list[dict[str, Any]]:
    """Examples of an objective whose models write."""
    names = ("Anna", "Otto", "王明", "李娜")
    match kind:
        case "seq2seq":
            return [{"src": name, "tgt": name[::-1]} for name in names]
        case "chat":
            return [{"messages": [_said("user", name), _said("assistant", "hello")]} for name in names]  # fmt: skip
        case "preference":
            return [{"prompt": name, "chosen": "yes", "rejected": "no"} for name in names]
        case _:
            return rows(kind)


def _said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}
