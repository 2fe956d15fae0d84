"""scripts/environment.sh installs once, notices changes, survives failure and two runs at once; the others do as they say.

The installer is a stand-in for `uv` that writes down how it was called; everything else is the real script.
"""

import gzip
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.house.tree import ROOT

PREPARE = "source scripts/environment.sh; prepare_environment {extra}"
RECORD_CALL = '#!/bin/sh\nmkdir busy || echo OVERLAP >>calls\necho "$*" >>calls\nrmdir busy\n'
FAIL = "#!/bin/sh\necho the disk said no\nexit 1\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment whose pip always fails, and an installer on the PATH."""
    folder = tmp_path / "a checkout"
    (folder / ".venv/bin").mkdir(parents=True)
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    (folder / "pyproject.toml").write_text("[project]\n")
    python = f'[ "$1 $2" = "-m pip" ] && [ "$3" = install ] && exec false\nexec "{sys.executable}" "$@"\n'
    _program(folder / ".venv/bin/python", "#!/bin/sh\n" + python)
    _program(folder / "programs/uv", RECORD_CALL)
    return folder


def test_a_second_run_installs_nothing(checkout: Path) -> None:
    assert _prepare(checkout, "all").returncode == 0
    second = _prepare(checkout, "all")
    assert (second.returncode, second.stderr) == (0, "")
    assert _calls(checkout) == ["pip install --python .venv/bin/python -e .[all]"]


def test_the_development_environment_serves_users_too_but_not_the_other_way(checkout: Path) -> None:
    _prepare(checkout, "all")
    _prepare(checkout, "dev")
    _prepare(checkout, "all")
    assert [call[-5:] for call in _calls(checkout)] == ["[all]", "[dev]"]


def test_a_changed_project_file_is_installed_again(checkout: Path) -> None:
    _prepare(checkout, "all")
    (checkout / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    _prepare(checkout, "all")
    assert len(_calls(checkout)) == 2


def test_a_failed_installation_shows_its_log_and_is_tried_again(checkout: Path) -> None:
    _program(checkout / "programs/uv", FAIL)
    failed = _prepare(checkout, "all")
    assert failed.returncode == 1
    assert "the installation failed" in failed.stderr
    assert "the disk said no" in failed.stderr
    _program(checkout / "programs/uv", RECORD_CALL)
    assert _prepare(checkout, "all").returncode == 0
    assert len(_calls(checkout)) == 1


def test_two_runs_at_once_install_once(checkout: Path) -> None:
    runs = [_start(checkout, "all") for _ in range(3)]
    assert [run.wait() for run in runs] == [0, 0, 0]
    assert len(_calls(checkout)) == 1


def test_a_moved_environment_is_not_used(checkout: Path) -> None:
    (checkout / ".venv/made-in").write_text("/somewhere/else\n")
    # Making a new one is real work; it is enough to see that the old one is refused.
    shown = _bash(checkout, "source scripts/environment.sh; venv_is_usable && echo usable")
    assert shown.stdout == ""


def test_no_python_is_said_in_one_line(checkout: Path) -> None:
    bare = checkout / "bare"
    bare.mkdir()
    for name in ("bash", "mkdir", "cat"):
        (bare / name).symlink_to(shutil.which(name) or "")
    (checkout / ".venv/bin/python").unlink()
    run = _bash(checkout, PREPARE.format(extra="all"), path=str(bare))
    assert run.returncode == 1
    assert run.stderr.startswith("zhixing: Python 3.11, 3.12 or 3.13 is needed and none was found")
    assert len(run.stderr.splitlines()) == 1


def test_a_wrong_interpreter_is_refused_by_name(checkout: Path) -> None:
    run = _bash(checkout, PREPARE.format(extra="all"), ZHIXING_PYTHON="/bin/false")
    assert run.returncode == 1
    assert "ZHIXING_PYTHON=/bin/false is not a working Python" in run.stderr


def _prepare(folder: Path, extra: str) -> subprocess.CompletedProcess[str]:
    return _bash(folder, PREPARE.format(extra=extra))


def _bash(
    folder: Path, script: str, *, path: str = "", ZHIXING_PYTHON: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("bash") or "bash", "-uo", "pipefail", "-c", script],
        cwd=folder,
        env=_environment(folder, path) | ({} if path else {"ZHIXING_PYTHON": ZHIXING_PYTHON}),
        capture_output=True,
        text=True,
        check=False,
    )


def _start(folder: Path, extra: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", PREPARE.format(extra=extra)],
        cwd=folder,
        env=_environment(folder, ""),
        stderr=subprocess.DEVNULL,
    )


def _environment(folder: Path, path: str) -> dict[str, str]:
    programs = path or f"{folder}/programs{os.pathsep}{os.environ['PATH']}"
    return {"PATH": programs, "HOME": str(folder)}


def _calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def test_the_numbers_of_a_run_are_put_into_the_readme(tmp_path: Path) -> None:
    numbers = {"parameters": 1_600_000, "train_seconds": 75.2, "bytes": 6_500_000}
    speeds = {"train_tokens_per_second": 25_278.4, "generate_tokens_per_second": 732.1}
    bits = {"bits_per_byte": {"all": 1.9694, "en": 1.835}, "low": 1.866, "high": 2.079}
    result = {"seconds": 280.4, "ladder": [{"model": "gpt", **numbers, **speeds, **bits}]}
    (tmp_path / "gpt").mkdir()
    (tmp_path / "gpt/recipe.toml").write_text('name = "gpt"\nseed = 7\n')
    (tmp_path / "result.json").write_text(json.dumps(result))
    script = _loaded("fill_readme")
    script.PAGES = {"en": tmp_path / "README.md"}
    script.PAGES["en"].write_text("before\n<!-- ladder -->\nold\n<!-- /ladder -->\nafter\n")
    script.main(tmp_path)
    page = script.PAGES["en"].read_text()
    row = "| GPT | 1.969 [1.866, 2.079] | 1.835 | – | 1.6 M | 75 s | 25,278 | 732 | 6.5 MB |"
    assert row in page.splitlines()
    assert "One run, seed 7, 280 s in all" in page
    assert page.startswith("before\n<!-- ladder -->\n| model |")
    assert page.endswith("\n<!-- /ladder -->\nafter\n")


def test_a_large_text_has_the_size_asked_for_and_other_words(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    english = " ".join(f"word{n}" for n in range(60))
    texts = {"train": [english, "春眠不觉晓处处闻啼鸟夜来风雨声" * 4], "validation": [], "test": []}
    for split, documents in texts.items():
        lines = (
            {"id": f"{n}", "text": text, "source": "own", "language": "en"}
            for n, text in enumerate(documents)
        )
        path = tmp_path / f"corpus/{split}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    script = _loaded("large_text")
    script.FILE_BYTES = 4000
    script.main(tmp_path / "corpus", tmp_path / "out", 20_000)
    assert [path.name for path in sorted((tmp_path / "out").iterdir())][:4] == [
        "part-000.jsonl", "part-001.jsonl.gz", "part-002.txt", "part-003.txt.gz",
    ]  # fmt: skip
    rows = (tmp_path / "out/part-000.jsonl").read_text("utf-8").splitlines()
    found = [json.loads(row)["text"] for row in rows]
    assert sum(len(text.encode()) for text in found) >= 4000
    assert not {*found} & {*texts["train"]}
    assert {len(text.split(" ")) for text in found if text.isascii()} == {60}
    with gzip.open(tmp_path / "out/part-003.txt.gz", "rt", encoding="utf-8") as file:
        assert "\n\n" in file.read()


def test_the_memory_of_a_command_is_that_of_its_processes_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    hold = "import time; held = b'x' * 60_000_000; time.sleep(2)"
    begin = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {hold!r}])"
    program = f"{begin}; {hold}; sys.exit(3)"
    script = _loaded("peak_memory")
    assert script.main([sys.executable, "-c", program]) == 3
    told = capsys.readouterr().out
    assert 114 < float(told.split()[1]) < 300, told
    assert told.endswith("exit code 3\n")


def _loaded(name: str) -> ModuleType:
    """A script as a module."""
    specification = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    return script
