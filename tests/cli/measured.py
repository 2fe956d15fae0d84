"""Folders of examples, and what `zhixing evaluate baselines` says of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.trained import write_rows
from zhixing.cli import main

PARTS = ("train", "validation", "test")


def write_parts(
    folder: Path, examples: Sequence[dict[str, Any]], **others: Sequence[dict[str, Any]]
) -> Path:
    """The same examples for every part, but for the parts that have others."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        write_rows(folder / f"{part}.jsonl", others.get(part, examples))
    return folder


def measured(capsys: pytest.CaptureFixture[str], folder: Path, *words: object) -> dict[str, Any]:
    """All that --json says."""
    capsys.readouterr()
    asked = ["evaluate", "baselines", str(folder), *map(str, words)]
    assert main([*asked, "--json", "--log", "none"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found
