"""What the README tells a person to type works.

A ```bash block is run, as it stands, in an empty folder with `zhixing` on the PATH and the repository's
recipes and scripts beside it. A block below the line `<!-- heavy -->` takes minutes or the network: its
commands are not run; their verbs, flags and recipes are checked against the program.
"""

import importlib
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from cyclopts import App

from tests.house.markdown import Block, blocks, commands
from tests.house.tree import ROOT, documents
from zhixing.cli import COMMANDS

READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
OWN_COMMANDS = ("scripts/quickstart", "scripts/check")


def _bash(pages: list[Path] | tuple[Path, ...], *, heavy: bool) -> list[Block]:
    found = [block for page in pages for block in blocks(page)]
    return [b for b in found if b.language in ("bash", "sh", "console") and b.heavy is heavy]


def _label(block: Block) -> str:
    return f"{block.page.name}: {next(commands(block), '')[:40]}"


@pytest.mark.parametrize("block", _bash(READMES, heavy=False), ids=_label)
def test_the_block_runs(block: Block, tmp_path: Path) -> None:
    for name in ("recipes", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.body],
        cwd=tmp_path,
        env=_environment_with_zhixing(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]


@pytest.mark.parametrize("block", _bash(documents(), heavy=True), ids=_label)
def test_heavy_commands_use_verbs_flags_and_recipes_that_exist(block: Block) -> None:
    faults = [fault for command in commands(block) for fault in _faults(command)]
    assert faults == []


def test_commands_listed_on_pages_use_verbs_flags_and_recipes_that_exist() -> None:
    """Lines of other blocks that begin with zhixing; three spaces or more part a command from what is said of it."""
    listed = [
        (block.page.name, re.split(r"\s{3,}", line)[0])
        for page in documents()
        for block in blocks(page)
        if block.language in ("", "text")
        for line in block.body.splitlines()
        if line.startswith("zhixing ")
    ]
    assert len(listed) > 20
    faults = [f"{page}: {fault}" for page, command in listed for fault in _faults(command)]
    assert faults == []


def test_the_readmes_give_the_two_commands() -> None:
    for page in READMES:
        given = [command for block in blocks(page) for command in commands(block)]
        assert [name for name in OWN_COMMANDS if not any(name in line for line in given)] == []


def test_both_readmes_give_the_same_commands() -> None:
    english, chinese = (
        [
            command
            for block in blocks(page)
            if block.language == "bash"
            for command in commands(block)
        ]
        for page in READMES
    )
    assert english == chinese


def test_a_wrong_flag_is_noticed() -> None:
    assert _faults("zhixing --version") == []
    assert _faults("zhixing nosuchverb") != []
    assert _faults("zhixing data nosuchverb") != []
    assert _faults("zhixing data") != []
    assert _faults("zhixing evaluate runs/a --no-such-flag") != []
    assert _faults("zhixing evaluate compare a b --suite x") != []
    assert _faults("zhixing evaluate runs/a --window 64") == []
    assert _faults("zhixing quickstart --no-such-flag") != []
    assert _faults("zhixing train recipes/missing.toml") != []
    assert _faults("scripts/missing") != []


def _faults(command: str) -> list[str]:
    """What of a shell command does not exist; programs other than ours are not judged."""
    words = shlex.split(command.split("|")[0], comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    faults = [
        f"{command}: there is no {word}"
        for word in words
        if word.startswith(("recipes/", "scripts/", "./scripts/")) and not (ROOT / word).exists()
    ]
    if words[:1] != ["zhixing"]:
        return faults
    return faults + _wrong_flags(command, words[1:])


def _wrong_flags(command: str, words: list[str]) -> list[str]:
    verbs = [] if words[0].startswith("-") else words[:1]
    if verbs and verbs[0] not in COMMANDS:
        return [f"{command}: there is no verb {verbs[0]}"]
    if verbs and COMMANDS[verbs[0]][0].endswith(":app"):  # `data build` and the like
        app = _app(verbs[0])
        if len(words) > 1 and words[1] in app:
            verbs = words[:2]
        elif app.default_command is None and words[1:2] != ["--help"]:
            return [f"{command}: {verbs[0]} has no {' '.join(words[1:2]) or 'command of its own'}"]
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    return [
        f"{command}: {' '.join(verbs)} has no {flag}"
        for flag in flags
        if not re.search(rf"{re.escape(flag)}(?![\w-])", _help(*verbs))
    ]


def _app(verb: str) -> App:
    module, _, name = COMMANDS[verb][0].partition(":")
    app = getattr(importlib.import_module(module), name)
    assert isinstance(app, App)
    return app


@cache
def _help(*verbs: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-m", "zhixing", *verbs, "--help"],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return shown.stdout


def _environment_with_zhixing(folder: Path) -> dict[str, str]:
    """The environment with a `zhixing` that runs this checkout with this Python."""
    programs = folder / ".programs"
    programs.mkdir()
    command = programs / "zhixing"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zhixing "$@"\n')
    command.chmod(0o755)
    own = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return os.environ | own
