"""`zhixing generate`: continue a prompt with any model, shown as it is made.

The text goes to standard output and nothing else does; what was read and how fast it went goes to standard error.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.console import FLAT, Json, JsonLines, Log, print_json, reporter
from zhixing.core.errors import UsageError
from zhixing.core.files import decode_utf8, read_bytes
from zhixing.engine.request import Finish, SamplingParams, TokenEvent, sampling_params

if TYPE_CHECKING:
    from zhixing.api import Model


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the prompt comes from: one of these, else standard input."""

    prompt: str | None = None
    """Text to continue; an empty one begins from nothing."""
    file: Path | None = None
    """Read the prompt from this UTF-8 file; one last newline is dropped."""


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """How tokens are chosen: the fields of SamplingParams, which checks them."""

    max_tokens: int = 256
    """Most tokens to generate, the end token included."""
    temperature: float = 1.0
    """Below 1 safer, above 1 wilder; 0 always takes the most probable token."""
    top_k: int | None = None
    """Keep this many most probable tokens."""
    top_p: float = 1.0
    """Keep the fewest most probable tokens that reach this probability together."""
    min_p: float = 0.0
    """Keep tokens at least this share as probable as the most probable one."""
    repetition_penalty: float = 1.0
    """Above 1 makes tokens of the prompt and the answer so far less probable."""
    stop: tuple[str, ...] = ()
    """End the text before this string; may be given several times."""
    seed: int = 42
    """Same seed, model and prompt: same text."""
    top_logprobs: int = 0
    """Report this many most probable tokens beside each chosen one (with --json)."""


def generate(
    model: Annotated[
        Path, Parameter(help="A model folder, ours or of a Hugging Face family that we know.")
    ],
    *,
    source: Annotated[Source, FLAT] = Source(),
    choosing: Annotated[Choosing, FLAT] = Choosing(),
    num: Annotated[
        int, Parameter(help="How many continuations to make; each takes the next seed.")
    ] = 1,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Continue a prompt: `zhixing generate runs/quickstart/gpt --prompt "Once"`."""
    sampling = sampling_params(asdict(choosing))
    if num < 1:
        raise UsageError(f"--num {num} must be at least 1")
    if sampling.top_logprobs and not as_json:
        raise UsageError("--top-logprobs can only be shown with --json")
    prompt = read_prompt(source)
    opened = open_model(model, log)
    speed = Speed()
    answers = []
    try:
        for index in range(num):
            settings = sampling.model_copy(update={"seed": sampling.seed + index})
            if num > 1:
                tell(f"[{index + 1} of {num}, seed {settings.seed}]", log)
            events = follow(opened.run(prompt, settings), speed, show=not as_json)
            tell_cut_short(events, settings, log)
            answers.append(answer_values(events, settings.seed))
    finally:
        if speed.tokens:
            tell(speed.summary(), log)
    if as_json:
        result = {"model": str(model), "prompt": prompt, "generations": answers, **speed.figures()}
        print_json(result)


def read_prompt(source: Source) -> str:
    """The prompt that the user gave. Raises UsageError when there is none or two, DataError when it is not text."""
    if source.prompt is not None and source.file is not None:
        raise UsageError("--prompt and --file were both given; one is enough")
    if source.prompt is not None:
        return source.prompt
    if source.file is not None:
        return _decode(read_bytes(source.file), str(source.file))
    if sys.stdin.isatty():
        raise UsageError(
            'no prompt: type --prompt "some text", --file NAME, or pipe a text into this command'
        )
    return _decode(sys.stdin.buffer.read(), "standard input")


class Speed:
    """Counts tokens against the clock, the reading of the prompt apart."""

    def __init__(self) -> None:
        self.tokens = 0
        self._reading = 0.0
        self._writing = 0.0
        self._mark = 0.0

    def begin(self) -> None:
        """An answer is asked for."""
        self._mark = time.monotonic()

    def count(self, *, is_first: bool) -> None:
        """A token has come."""
        now = time.monotonic()
        self.tokens += 1
        if is_first:
            self._reading += now - self._mark
        else:
            self._writing += now - self._mark
        self._mark = now

    def figures(self) -> dict[str, float]:
        """Tokens, seconds and their quotient."""
        seconds = self._reading + self._writing
        rate = self.tokens / seconds if seconds else 0.0
        return {"tokens": self.tokens, "seconds": seconds, "tokens_per_second": rate}

    def summary(self) -> str:
        """The same in one line."""
        figures = self.figures()
        return (
            f"{self.tokens} tokens in {figures['seconds']:.2f} s, "
            f"{figures['tokens_per_second']:.1f} tokens/s (first token after {self._reading:.2f} s)"
        )


def open_model(folder: Path, log: Log) -> "Model":
    """Open a folder, telling what it holds."""
    progress = reporter(log)
    progress.start(f"opening {folder}")
    from zhixing.api import load

    model = load(folder)
    progress.finish(f"{folder}: {model.kind}, {model.num_parameters:,} parameters")
    return model


def follow(made: Iterator[TokenEvent], speed: Speed, *, show: bool) -> list[TokenEvent]:
    """Take every event to the end, showing the text as it comes."""
    events: list[TokenEvent] = []
    speed.begin()
    try:
        for event in made:
            speed.count(is_first=not events)
            events.append(event)
            if show and event.text:
                sys.stdout.write(event.text)
                sys.stdout.flush()
    finally:
        if show and events:
            print(flush=True)
    return events


def answer_values(events: list[TokenEvent], seed: int) -> dict[str, Any]:
    """One continuation under the names of `zhixing.api.Generation`."""
    answer: dict[str, Any] = {
        "text": "".join(event.text for event in events),
        "ids": [event.token for event in events],
        "logprobs": [event.logprob for event in events],
        "finish": events[-1].finish,
        "seed": seed,
    }
    if any(event.top for event in events):
        answer["top_logprobs"] = [event.top for event in events]
    return answer


def tell_cut_short(events: Sequence[TokenEvent], settings: SamplingParams, log: Log) -> None:
    """Say so where a text ended because the context was full."""
    made, wanted = len(events), settings.max_tokens
    if events[-1].finish == Finish.LENGTH and made < wanted:
        tell(f"stopped after {made} of {wanted} tokens: what the model reads at once is full", log)


def tell(line: str, log: Log) -> None:
    """One line for people on standard error; a bar would fight with the streamed text."""
    if log == "json":
        JsonLines().finish(line)
    elif log != "none":
        print(line, file=sys.stderr, flush=True)


def _decode(content: bytes, origin: str) -> str:
    return decode_utf8(content, origin).removesuffix("\n").removesuffix("\r")
