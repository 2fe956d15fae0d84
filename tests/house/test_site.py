"""The site builds strictly and offline: every link leads somewhere, every formula is MathML, nothing comes from elsewhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

FROM_ELSEWHERE = re.compile(
    r"<(?:script|img|link)\b[^>]*?(?:src|href)=[\"']?(https?:)?//[^\"'>]*", re.IGNORECASE
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = _checkout(tmp_path_factory.mktemp("site"))
    built = _build(folder)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


def test_every_page_is_built(site: Path) -> None:
    written = {
        p.relative_to(ROOT / "docs").with_suffix(".html") for p in (ROOT / "docs").rglob("*.md")
    }
    missing = {page.as_posix() for page in written if not (site / page).is_file()}
    assert missing == set()


def test_formulas_are_mathml_and_no_latex_is_left(site: Path) -> None:
    for language in ("en", "zh"):
        for page in (site / language / "theory").glob("*.html"):
            text = page.read_text("utf-8")
            assert "arithmatex" not in text, page.name
            assert page.stem == "index" or "<math" in text, page.name
            assert not re.search(r"\\(?:begin|frac|operatorname)\b", text), page.name


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    found = {
        f"{page.name}: {match.group()[:90]}"
        for page in site.rglob("*.html")
        for match in FROM_ELSEWHERE.finditer(page.read_text("utf-8"))
    }
    assert found == set()


def test_a_broken_link_or_formula_stops_the_build(tmp_path: Path) -> None:
    folder = _checkout(tmp_path)
    tour = folder / "docs/en/tour.md"
    text = tour.read_text("utf-8")
    tour.write_text(text + "\n[gone](nowhere.md)\n", "utf-8")
    broken = _build(folder)
    assert broken.returncode != 0
    assert "nowhere" in re.sub(r"\x1b\[[0-9;]*m", "", broken.stdout + broken.stderr)
    tour.write_text(text + "\n$$\n\\nosuchcommand{x}\n$$\n", "utf-8")
    assert _build(folder).returncode != 0


def _checkout(folder: Path) -> Path:
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    return folder


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    """What scripts/docs does once everything is installed."""
    return subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict", "--clean"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )
