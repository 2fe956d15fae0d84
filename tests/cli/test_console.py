"""What a terminal shows while a command works."""

import json
import math
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from zhixing.cli import console
from zhixing.cli.console import print_json

ROOT = Path(__file__).parents[2]
SHOW_CURSOR = b"\x1b[?25h"


def test_an_error_under_a_bar_gives_the_cursor_back() -> None:
    code = "from zhixing.cli.console import Bars; Bars().start('x', 10); raise SystemExit(1)"
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=theirs, env=environment)
    os.close(theirs)
    shown = os.read(ours, 1 << 16)
    os.close(ours)
    assert b"x" in shown
    assert SHOW_CURSOR in shown


def test_a_result_for_machines_is_json_whatever_is_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"score": math.nan, "text": "知行", "file": "\udcff"})
    console.JsonLines().finish("\udcff")
    captured = capsys.readouterr()
    assert captured.out == '{"score": null, "text": "\\u77e5\\u884c", "file": "\\udcff"}\n'
    assert json.loads(captured.err)["summary"] == "\udcff"


def test_what_is_kept_on_a_stop_goes_to_the_output_and_not_to_the_bar() -> None:
    code = """
from zhixing.cli.console import Bars
from zhixing.cli.contest_table import kept_on_stop
from zhixing.core.errors import InterruptedRunError
bars = Bars()
bars.start("x", 10)
try:
    with kept_on_stop(bars, lambda: print("kept") or "told"):
        raise KeyboardInterrupt
except InterruptedRunError as error:
    assert str(error) == "interrupted; told"
"""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "TERM": "xterm"}
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, env=environment)
    os.close(theirs)
    os.close(ours)
    assert (ran.returncode, ran.stdout) == (0, b"kept\n")
