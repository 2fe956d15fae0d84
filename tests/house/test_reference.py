"""The committed recipe reference is the one that the program would write now."""

import re
import tomllib
from pathlib import Path

from pydantic import Field

from tests.house.tree import ROOT
from zhixing.cli.reference import Translation, page, pages
from zhixing.core.config import Config


class Part(Config):
    """A part."""

    kind: str = "a"
    """Which part."""
    share: float | None = Field(default=None, gt=0, le=0.5)
    """How much | of it."""
    names: tuple[str, ...] = Field(default=("x", "引"), min_length=1)
    """Several."""


class Whole(Config):
    """A whole."""

    steps: int = Field(ge=1)
    """How many."""
    parts: list[Part] = Field(default_factory=list)
    """Its parts."""
    half: Part = Part(share=0.5)
    """One with a default of its own."""


def test_the_committed_pages_are_up_to_date() -> None:
    stale = [
        str(path)
        for path, text in pages(ROOT).items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    assert stale == [], "run: python -m zhixing.cli.reference"


def test_a_table_has_type_default_range_and_meaning_of_every_key() -> None:
    lines = page(Whole, Translation("en", {})).splitlines()
    assert "| `steps` | whole number | required | ≥ 1 | How many. |" in lines
    assert "| `parts` | list of table | `[]` |  | Its parts. |" in lines
    assert "## `[[parts]]`" in lines
    assert "| `share` | number | not set | > 0, ≤ 0.5 | How much \\| of it. |" in lines
    assert '| `names` | list of text | `["x", "引"]` | not empty | Several. |' in lines


def test_a_table_shows_the_defaults_of_its_place_not_those_of_its_class() -> None:
    text = page(Whole, Translation("en", {}))
    assert "| `share` | number | `0.5` |" in text[text.index("`[half]`") :]


def test_the_chinese_page_is_chinese_and_falls_back_to_english_by_sentence() -> None:
    lines = page(Whole, Translation("zh", {"How many.": "多少步。"})).splitlines()
    assert lines[0] == "# 配方参考"
    assert "| `steps` | 整数 | 必填 | ≥ 1 | 多少步。 |" in lines
    assert "| `parts` | 列表，元素为表 | `[]` |  | Its parts. |" in lines


def test_every_sentence_of_the_chinese_page_is_translated_and_no_translation_is_left_over() -> None:
    english = set(_sentences(ROOT / "docs/en/recipes.md"))
    translated = set(tomllib.loads((ROOT / "docs/zh/recipes.toml").read_text("utf-8")))
    assert english - translated == set()
    assert translated - english == set()


def _sentences(path: Path) -> list[str]:
    """The last cell of every row and the line below every heading, as the classes say them."""
    rows = [line for line in path.read_text("utf-8").splitlines() if line.startswith("| `")]
    cells = [re.split(r"(?<!\\)\|", row)[-2].strip().replace("\\|", "|") for row in rows]
    intros = re.findall(r"^## .+\n\n(.+)$", path.read_text("utf-8"), re.MULTILINE)
    return [sentence for sentence in (*cells, *intros) if sentence]
