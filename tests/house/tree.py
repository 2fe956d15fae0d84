"""The repository as the house tests see it: its files, its syntax trees, its modules."""

import ast
import importlib
import pkgutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import zhixing

ROOT = Path(__file__).parents[2]
CODE_FOLDERS = ("zhixing", "benchmarks", "scripts")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def code_files() -> list[Path]:
    """Every Python file of the package, the benchmarks and the scripts."""
    return sorted(file for folder in CODE_FOLDERS for file in (ROOT / folder).rglob("*.py"))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(parse(path)):
        if isinstance(node, Function):
            yield node


@cache
def tracked_files() -> tuple[Path, ...]:
    """What git tracks or would track; everything but hidden folders where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        files = (f for f in ROOT.rglob("*") if f.is_file())
        return tuple(f for f in files if not _is_hidden(f.relative_to(ROOT)))
    names = listed.stdout.decode().split("\0")
    return tuple(sorted({ROOT / name for name in names if name and (ROOT / name).is_file()}))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part in ("__pycache__", "runs") for part in path.parts)


@cache
def modules() -> tuple[ModuleType, ...]:
    """Every module of the package, imported; `__main__` runs the command and is left out."""
    names = [m.name for m in pkgutil.walk_packages(zhixing.__path__, "zhixing.")]
    return (zhixing, *(importlib.import_module(n) for n in names if not n.endswith("__main__")))


def documents() -> list[Path]:
    """Every Markdown page."""
    return [file for file in tracked_files() if file.suffix == ".md"]
