"""A command in a process of its own that is sent a signal while it works; and Ctrl-C at a word that is shown."""

import io
import subprocess
import sys
from collections.abc import Sequence


def stopped(command: Sequence[str], number: int) -> tuple[int, str]:
    """The exit code of `zhixing COMMAND --log plain` and what it told, with the signal sent at its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "zhixing", *command, "--log", "plain"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()  # "… reading and cleaning"
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    return process.returncode, told


class CtrlC(io.StringIO):
    """An output whose reader presses Ctrl-C, once, when it shows `word`."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word

    def write(self, text: str) -> int:
        """Take the text first: it is shown."""
        count = super().write(text)
        if self._word and self._word in text:
            self._word = ""
            raise KeyboardInterrupt
        return count
