"""Floors import only what is below them; importing defines and does nothing else; the command starts at once."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.tree import ROOT

LIBRARIES_NOT_FOR_FREE = (
    "torch", "numpy", "pydantic", "rich", "cyclopts", "tokenizers", "safetensors", "jinja2", "psutil",
)  # fmt: skip

WATCH_IMPORTS = """
import importlib, os, pkgutil, sys

package = os.path.join(os.getcwd(), "zhixing") + os.sep
watched = ("open", "socket.", "subprocess.Popen", "os.system", "os.mkdir", "os.remove", "urllib.")

def is_ours(frame):
    while frame is not None:
        name = frame.f_code.co_filename
        if "importlib" in name:  # our import statement made somebody else's file open
            return False
        if name.startswith(package):
            return True
        frame = frame.f_back
    return False

def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".py"):
        return  # pydantic reads our source for the descriptions of fields
    if event.startswith(watched) and is_ours(sys._getframe(1)):
        print(event, arguments[:1], file=sys.stderr)
        os._exit(9)

sys.addaudithook(hook)
import zhixing
for module in pkgutil.walk_packages(zhixing.__path__, "zhixing."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def test_contracts_between_floors_hold() -> None:
    linted = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_package_stands_on_a_floor() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip() for layer in layers for name in re.split(r"[|:]", layer)}
    package = ROOT / "zhixing"
    present = {f"zhixing.{file.parent.name}" for file in package.glob("*/__init__.py")}
    present |= {f"zhixing.{file.stem}" for file in package.glob("*.py") if file.stem[0] != "_"}
    assert present == named


def test_importing_any_module_reads_writes_and_starts_nothing() -> None:
    watched = _python("-c", WATCH_IMPORTS)
    assert watched.returncode == 0, watched.stderr


def test_the_watch_notices_work_at_import(tmp_path: Path) -> None:
    package = tmp_path / "zhixing"
    package.mkdir()
    package.joinpath("__init__.py").write_text("print(open('/etc/hostname').read())\n")
    watched = _python("-c", WATCH_IMPORTS, folder=tmp_path)
    assert watched.returncode == 9, watched.stderr


def test_importing_zhixing_loads_no_library() -> None:
    loaded = _python("-c", "import sys, zhixing; print(*sys.modules)").stdout.split()
    assert [name for name in LIBRARIES_NOT_FOR_FREE if name in loaded] == []


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys; from zhixing.cli import main; main(['--help']); print('MODULES', *sys.modules)"
    )
    loaded = _python("-c", code).stdout.rpartition("MODULES")[2].split()
    assert loaded
    heavy = ("torch", "numpy", "pydantic", "tokenizers", "safetensors", "matplotlib")
    assert [name for name in heavy if name in loaded] == []


def test_importing_zhixing_takes_under_50_milliseconds() -> None:
    # Processor time: on a busy machine the clock measures the neighbours.
    code = "import time; a = time.process_time(); import zhixing; print(time.process_time() - a)"
    best = min(float(_python("-c", code).stdout) for _ in range(5))
    assert best < 0.050


def test_help_takes_under_300_milliseconds() -> None:
    best = min(_processor_seconds("-m", "zhixing", "--help") for _ in range(5))
    assert best < 0.300


def _python(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def _processor_seconds(*arguments: str) -> float:
    child = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_utime + usage.ru_stime
