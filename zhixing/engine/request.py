"""What goes into the engine and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from zhixing.core.config import Config


class Finish(StrEnum):
    """Why a request ended."""

    END = "end"
    """The model said so."""
    STOP = "stop"
    """A stop string was reached; it is not part of the text."""
    LENGTH = "length"
    """`max_tokens` were generated."""


class SamplingParams(Config):
    """How tokens are chosen; validated, frozen. Ranges are checked when it is made."""

    max_tokens: int = 256
    temperature: float = 1.0
    """0 is greedy."""
    top_k: int | None = None
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 42
    top_logprobs: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A prompt as token ids, and how to continue it. `arrival` is seconds on a monotonic clock."""

    id: str
    tokens: tuple[int, ...]
    params: SamplingParams
    arrival: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenEvent:
    """One generated token.

    `text` is what can be shown after it, empty while a character is still incomplete or a stop string may be
    starting. `logprob` (nats) is under the model's own distribution at temperature 1. `finish` is None until the end.
    """

    request: str
    token: int
    logprob: float
    top: Mapping[int, float] = field(default_factory=dict)
    text: str = ""
    finish: Finish | None = None
