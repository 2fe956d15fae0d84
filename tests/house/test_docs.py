"""What the pages say is there: links, symbols, the two walks, and the same pages in both languages."""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house.markdown import blocks, headings, links, stars, symbols
from tests.house.tree import ROOT, documents, parse, short

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


def test_both_languages_link_to_the_same_headings() -> None:
    english, chinese = ROOT / "docs/en", ROOT / "docs/zh"
    pages = sorted(page.relative_to(english) for page in english.rglob("*.md"))
    differing = {str(p): (_aims(english / p), _aims(chinese / p)) for p in pages}
    assert {p: both for p, both in differing.items() if both[0] != both[1]} == {}


def test_bold_text_is_read_as_bold(tmp_path: Path) -> None:
    assert {short(page): found for page in documents() if (found := stars(page))} == {}
    (tmp_path / "page.md").write_text("**好。**字\n\n**好**。字\n", "utf-8")
    assert stars(tmp_path / "page.md") == ["**好。**字"]


@pytest.mark.parametrize("page", TOURS, ids=short)
def test_the_tour_fits_a_page(page: Path) -> None:
    assert len(page.read_text("utf-8").splitlines()) <= 60


def test_both_tours_take_the_same_two_walks() -> None:
    english, chinese = ([_steps(walk) for walk in _walks(page)] for page in TOURS)
    assert english == chinese
    assert [len(walk) >= 8 for walk in english] == [True, True]


def test_each_step_of_a_walk_is_called_by_the_one_above_it() -> None:
    wrong = [
        f"nothing in the module of {caller} calls {callee}"
        for walk in _walks(TOURS[0])
        for caller, callee in _calls(_steps(walk))
        if not _module_calls(caller, callee)
    ]
    assert wrong == []


def test_a_step_that_is_not_called_is_noticed() -> None:
    reading = "zhixing.core.config.read_recipe"
    assert _module_calls(reading, "zhixing.core.config.merge_overrides")
    assert _module_calls("zhixing.core.config.Config.hash", "zhixing.core.files.sha256_json")
    assert not _module_calls(reading, "zhixing.core.files.atomic_folder")


def _walks(page: Path) -> list[str]:
    """The ```text blocks with one indented symbol a line."""
    return [b.body for b in blocks(page) if b.language == "text" and "zhixing." in b.body]


def _steps(walk: str) -> list[tuple[int, str]]:
    """How deep, and which symbol."""
    lines = [line for line in walk.splitlines() if line.strip()]
    return [(len(line) - len(line.lstrip()), line.split()[0]) for line in lines]


def _calls(steps: list[tuple[int, str]]) -> Iterator[tuple[str, str]]:
    """Each step with the nearest one above it that is less deep."""
    for index, (depth, callee) in enumerate(steps):
        above = [name for before, name in steps[:index] if before < depth]
        if above:
            yield above[-1], callee


def _module_calls(caller: str, callee: str) -> bool:
    """Whether the file of `caller` has a call of the last name of `callee`, or of what it imported it as."""
    tree, name = parse(_file_of(caller)), callee.rpartition(".")[2]
    names = {name}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname for alias in node.names if alias.name == name and alias.asname}
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    written = {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in called}
    return bool(names & written)


def _file_of(symbol: str) -> Path:
    """The file of the module that a symbol is written in; the checked functions do not tell."""
    parts = symbol.split(".")
    files = [ROOT.joinpath(*parts[:end]).with_suffix(".py") for end in range(len(parts), 0, -1)]
    return next(file for file in files if file.is_file())


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not anchor or target.suffix != ".md" or anchor.lower() in headings(target)


def _aims(page: Path) -> list[tuple[str, int]]:
    """Where the links of a page lead, whatever its language: which page, and which of its headings from 1 (0: the page)."""
    aims = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        place = 1 + headings(target).index(anchor.lower()) if anchor else 0
        aims.append((re.sub(r"^docs/(en|zh)/", "", short(target)), place))
    return sorted(aims)


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
        name = ".".join(parts[:end])
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not name.startswith(error.name or name):
                raise  # a module that exists and cannot be imported
            continue
        break
    for part in parts[end:]:
        fields = inspect.get_annotations(found) if inspect.isclass(found) else {}
        found = fields[part] if part in fields else getattr(found, part)
    return found
