"""What the pages say is there: links, symbols, the two walks, and the same pages in both languages."""

import importlib
import inspect
import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.house.markdown import anchors, blocks, links, symbols
from tests.house.tree import ROOT, documents, short

TOURS = (ROOT / "docs/en/tour.md", ROOT / "docs/zh/tour.md")


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{short(page)}: {link}"
        for page in documents()
        for link in links(page)
        if not _leads_somewhere(page, link)
    ]
    assert broken == []


def test_every_symbol_named_in_a_page_exists() -> None:
    missing = [
        f"{short(page)}: {name}"
        for page in documents()
        for name in symbols(page)
        if not _exists(name)
    ]
    assert missing == []


def test_a_symbol_that_does_not_exist_is_noticed() -> None:
    assert _exists("zhixing.core.records.Record.value")
    assert _exists("zhixing.core.config.read_recipe")
    assert not _exists("zhixing.core.config.read_recipes")


def test_english_and_chinese_have_the_same_pages() -> None:
    english, chinese = (
        {file.relative_to(folder) for file in folder.rglob("*.md")}
        for folder in (ROOT / "docs/en", ROOT / "docs/zh")
    )
    assert english == chinese
    assert english


@pytest.mark.parametrize("page", TOURS, ids=short)
def test_the_tour_fits_a_page(page: Path) -> None:
    assert len(page.read_text("utf-8").splitlines()) <= 60


def test_both_tours_take_the_same_two_walks() -> None:
    english, chinese = ([block.body for block in _walks(page)] for page in TOURS)
    assert [_steps(walk) for walk in english] == [_steps(walk) for walk in chinese]
    assert [len(_steps(walk)) >= 4 for walk in english] == [True, True]


def test_each_step_of_a_walk_really_calls_the_next() -> None:
    for walk in _walks(TOURS[0]):
        steps = _steps(walk.body)
        for caller, callee in itertools.pairwise(steps):
            source = inspect.getsource(_find(caller))
            assert _last_name(callee) in source, f"{caller} does not call {callee}"


def _walks(page: Path) -> list[Any]:
    """Blocks marked ```text that hold a walk: one symbol a line."""
    return [b for b in blocks(page) if b.language == "text" and "zhixing." in b.body]


def _steps(walk: str) -> list[str]:
    return [word for line in walk.splitlines() for word in line.split() if word[:8] == "zhixing."]


def _last_name(symbol: str) -> str:
    """What a caller writes: the function, or the class for a `forward` that is never named."""
    *_, owner, name = symbol.split(".")
    return owner if name == "forward" else name


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor.lower() in anchors(target)


def _exists(symbol: str) -> bool:
    try:
        _find(symbol)
    except AttributeError:
        return False
    return True


def _find(symbol: str) -> Any:
    """Import as much as is a module, then walk attributes; fields of configs and records count."""
    parts = symbol.split(".")
    found: Any = None
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        break
    for part in parts[end:]:
        fields = inspect.get_annotations(found) if inspect.isclass(found) else {}
        found = fields[part] if part in fields else getattr(found, part)
    return found
