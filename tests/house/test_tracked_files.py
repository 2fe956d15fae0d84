"""Nothing in the repository belongs to one machine, and no skipped test is forgotten."""

import ast
import re
from pathlib import Path

from tests.house.tree import ROOT, short, tracked_files

# Written in pieces, so that this file does not find itself.
PRIVATE = re.compile(
    "|".join(
        (
            r"(?<![\w.])/(?:root|work)" + r"/\w",
            r"(?<![\w.])/(?:home|Users)" + r"/\w",
            r"/opt/(?:pypi|wheels)",
            r"pypi\." + "org",
            r"python" + r"hosted\.org",
            r"download\.py" + r"torch\.org",
            r"registry\.npm" + r"js\.org",
            r"conda\.ana" + r"conda\.org",
        )
    )
)
SKIPS = ("skip", "skipif", "xfail", "importorskip")
ROW = re.compile(r"^\| *`(tests/[\w/]+\.py::\w+)` *\|(.+)\|(.+)\| *$", re.MULTILINE)


def test_no_tracked_file_names_a_machine_or_a_package_index() -> None:
    found = [
        f"{short(path)}:{number} {match.group()}"
        for path in tracked_files()
        for number, line in enumerate(_text(path).splitlines(), start=1)
        for match in PRIVATE.finditer(line)
        if path != Path(__file__)
    ]
    assert found == []


def test_the_search_finds_what_it_forbids() -> None:
    for text in ("cd /ro" + "ot/x", "https://pyp" + "i.org/simple", "/ho" + "me/ann/x"):
        assert PRIVATE.search(text), text
    assert not PRIVATE.search("a/work/around, ./home/x, docs/root/a")


def test_every_skip_has_its_row_in_quarantine_and_every_row_its_skip() -> None:
    rows = {match.group(1) for match in ROW.finditer((ROOT / "QUARANTINE.md").read_text("utf-8"))}
    skips = {name for path in (ROOT / "tests").rglob("test_*.py") for name in _skipped(path)}
    assert skips == rows


def test_a_skip_is_recognised(tmp_path: Path) -> None:
    source = "import pytest\n@pytest.mark.skipif(True, reason='')\ndef test_a(): ...\n"
    source += "def test_b():\n    pytest.importorskip('x')\ndef test_c(): ...\n"
    assert _skips(ast.parse(source)) == ["test_a", "test_b"]


def _skipped(path: Path) -> list[str]:
    return [f"{short(path)}::{name}" for name in _skips(ast.parse(path.read_text("utf-8")))]


def _skips(tree: ast.Module) -> list[str]:
    """Functions with a skip on them or in them; a skip outside any function is named `module`."""
    found = []
    for node in tree.body:
        name = node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else "module"
        if any(_is_skip(inner) for inner in ast.walk(node)) and name not in found:
            found.append(name)
    return found


def _is_skip(node: ast.AST) -> bool:
    if not isinstance(node, ast.Attribute) or node.attr not in SKIPS:
        return False
    return ast.unparse(node.value) in ("pytest", "pytest.mark")


def _text(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode("utf-8", "replace")
