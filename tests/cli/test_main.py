"""The command as a person meets it: exit codes, one clear line, no traceback."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import zhixing
from zhixing.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zhixing", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_version_and_help_go_to_standard_output_and_succeed() -> None:
    shown = run("--version")
    assert (shown.returncode, shown.stdout.strip()) == (0, zhixing.__version__)
    shown = run("--help")
    assert shown.returncode == 0
    assert [verb for verb in COMMANDS if verb not in shown.stdout] == []


@pytest.mark.parametrize(
    "arguments", [["nosuchverb"], ["doctor", "--no-such-flag"], ["doctor", "--json=perhaps"]]
)
def test_wrong_usage_exits_with_3_and_names_what_was_wrong(arguments: list[str]) -> None:
    wrong = run(*arguments)
    assert wrong.returncode == 3
    assert arguments[-1].split("=")[0].lstrip("-") in wrong.stdout + wrong.stderr
    assert "Traceback" not in wrong.stderr


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_has_help(verb: str) -> None:
    shown = run(verb, "--help")
    assert shown.returncode == 0, shown.stderr
    assert "not there yet" not in shown.stdout.lower()


def test_our_errors_become_one_line_and_their_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from zhixing.cli import doctor
    from zhixing.core.errors import GateError

    def fail(**_: object) -> None:
        raise GateError("bits per byte 2.1 is above the gate 2.0")

    monkeypatch.setattr(doctor, "examine", fail)
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == "zhixing: bits per byte 2.1 is above the gate 2.0\n"


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_ctrl_c_and_termination_exit_with_130_and_no_traceback(number: str) -> None:
    code = "import os, signal; from zhixing import cli\n"
    code += "from zhixing.cli import doctor\n"
    code += f"doctor.examine = lambda **_: os.kill(os.getpid(), signal.{number})\n"
    code += "raise SystemExit(cli.main(['doctor']))"
    stopped = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert (stopped.returncode, stopped.stderr) == (130, "zhixing: interrupted\n")


@pytest.mark.parametrize("command", ["doctor", "data list", "--help"])
def test_a_reader_that_goes_away_is_not_an_error(command: str) -> None:
    command = f'"{sys.executable}" -m zhixing {command} | true; echo "${{PIPESTATUS[0]}}"'
    piped = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (piped.stdout.strip(), piped.stderr) == ("0", "")


def test_a_place_that_may_not_be_opened_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    assert main(["data", "show", "closed"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("zhixing: closed")
    assert "cannot be opened (Permission denied); check who may" in told
    assert len(told.splitlines()) == 1


def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        stopped = subprocess.run(
            [sys.executable, "-m", "zhixing", "data", "list"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert stopped.returncode == 1
    assert stopped.stderr.startswith("zhixing: the output: No space left on device; free some")
    assert len(stopped.stderr.splitlines()) == 1


def test_what_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> bool:
        raise OSError(errno.EIO, "Input/output error", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    assert main(["data", "show", "broken"]) == 1
    assert capsys.readouterr().err == "zhixing: broken: Input/output error\n"
