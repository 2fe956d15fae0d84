"""The notebook runs from top to bottom in an empty folder; that in Chinese has the same code and the same answers."""

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
EXACT = ("王明", "Anna Berg", "上海", "四零七")
"""Parts of answers that do not depend on the last digits of a float."""


def outputs(book: Any) -> str:
    found = [out for cell in book.cells for out in cell.get("outputs", ())]
    return "\n".join(out.get("text") or out["data"]["text/plain"] for out in found)


def notebook(language: str) -> Any:
    return nbformat.read(NOTEBOOKS / f"tasks-{language}.ipynb", as_version=4)


def test_the_notebook_runs_and_shows_what_is_stored_in_it(tmp_path: Path) -> None:
    run = notebook("en")
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(run, timeout=240, resources=resources).execute()
    for each in (run, notebook("en"), notebook("zh")):
        for answer in EXACT:
            assert answer in outputs(each)
        assert "accuracy                  1.0000" in outputs(each)
    for name, asked in (
        ("names", '"王", "明", "去", "了", "上"'),
        ("questions", "李娜去了上海"),
        ("digits", "407"),
    ):
        rows = (tmp_path / f"{name}.jsonl").read_text("utf-8")
        assert asked not in rows, "the notebook says that no example has it"


def test_every_cell_can_be_run_again() -> None:
    cells = [cell.source for cell in notebook("en").cells if cell.cell_type == "code"]
    written = [line for cell in cells for line in cell.splitlines() if line.startswith(("!zhixing train", "!zhixing apply"))]  # fmt: skip
    assert len(written) == 5
    assert all("--fresh" in line for line in written)


def test_both_languages_have_the_same_code() -> None:
    codes = [
        [cell.source for cell in notebook(language).cells if cell.cell_type == "code"]
        for language in ("en", "zh")
    ]
    assert codes[0] == codes[1]
