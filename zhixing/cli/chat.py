"""`zhixing chat`: talk to a model that has learnt to answer, line by line, at a terminal or through a pipe.

Answers go to standard output and nothing else does. What was said stays in the model's sight as far as it has room.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.console import FLAT, Json, Log, print_json
from zhixing.cli.generate import (
    Choosing,
    Speed,
    answer_values,
    follow,
    open_model,
    tell,
    tell_cut_short,
)
from zhixing.core.errors import UsageError
from zhixing.core.files import decode_utf8
from zhixing.engine.request import SamplingParams, sampling_params

if TYPE_CHECKING:
    from zhixing.api import Model

PROMPT = "> "
_USUAL = Choosing()
_SYSTEM = Parameter(help="What the model is told before the conversation.")


def chat(
    model: Annotated[Path, Parameter(help="The folder of a model with a chat template.")],
    *,
    system: Annotated[str, _SYSTEM] = "",
    choosing: Annotated[Choosing, FLAT] = _USUAL,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Talk to a model: `zhixing chat runs/chat`, or with lines piped in.

    A line is a message, a blank line begins a new conversation, Ctrl-D ends, Ctrl-C leaves at once. An answer ends where the
    model says so; each takes the next seed.
    """
    sampling = sampling_params(asdict(choosing))
    if sampling.top_logprobs and not as_json:
        raise UsageError("--top-logprobs can only be shown with --json")
    opened = open_model(model, log)
    opened.require("chat")
    talk = _Talk(opened, system, sampling, log, show=not as_json)
    for line in _lines():
        if line.strip():
            talk.say(line)
        else:
            talk.begin()
    if talk.speed.tokens:
        tell(talk.speed.summary(), log)
    if as_json:
        told = {"model": str(model), "conversations": talk.finished(), **talk.speed.figures()}
        print_json(told)


class _Talk:
    """Conversations one after the other; only the last one is seen by the model."""

    def __init__(
        self, model: "Model", system: str, sampling: SamplingParams, log: Log, *, show: bool
    ) -> None:
        self.speed = Speed()
        self._model, self._sampling, self._log, self._show = model, sampling, log, show
        self._head = [{"role": "system", "content": system}] if system else []
        self._done: list[list[dict[str, Any]]] = []
        self._answers = 0
        self._messages: list[dict[str, Any]] = []
        self.begin()

    def begin(self) -> None:
        """Forget what was said."""
        if len(self._messages) > len(self._head):
            self._done.append(self._messages)
        self._messages = [*self._head]

    def say(self, line: str) -> None:
        """One message of the user, and its answer."""
        settings = self._sampling.model_copy(update={"seed": self._sampling.seed + self._answers})
        asked = [*self._messages, {"role": "user", "content": line}]
        plain = [{"role": each["role"], "content": each["content"]} for each in asked]
        reply = self._model.reply(plain, settings)
        if reply.left_out:
            tell(f"out of the model's sight: the first {reply.left_out} exchanges", self._log)
        events = follow(reply.events, self.speed, show=self._show)
        tell_cut_short(events, settings, self._log)
        made = answer_values(events, settings.seed)
        said = {"role": "assistant", "content": made.pop("text"), **made}
        self._messages = [*asked, said]
        self._answers += 1

    def finished(self) -> list[list[dict[str, Any]]]:
        """Every conversation, answers with what `zhixing generate --json` says of a text."""
        self.begin()
        return self._done


def _lines() -> Iterator[str]:
    """What the user types, or the lines of standard input."""
    if not sys.stdin.isatty():
        for number, line in enumerate(sys.stdin.buffer, start=1):
            yield decode_utf8(line, f"line {number} of standard input").rstrip("\r\n")
        return
    _edit_lines()
    while True:
        try:
            yield input(PROMPT)
        except EOFError:
            print()
            return


def _edit_lines() -> None:
    """Arrow keys and earlier lines, where Python has readline."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return
