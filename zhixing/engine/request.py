"""What goes into the engine and what comes out, checked when it is made.

A setting out of range is an error that names the setting, never a value that is quietly clipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, TypedDict

from pydantic import Field, ValidationError, field_validator

from zhixing.core.config import Config, key_of, plain_words
from zhixing.core.errors import UsageError


class Finish(StrEnum):
    """Why a request ended."""

    END = "end"
    """The model said so."""
    STOP = "stop"
    """A stop string was reached; it is not part of the text."""
    LENGTH = "length"
    """`max_tokens` were generated, or the model's context is full."""


class SamplingParams(Config):
    """How tokens are chosen; validated, frozen. Ranges are checked when it is made."""

    max_tokens: int = Field(default=256, ge=1)
    """Most tokens to generate, the end token included."""
    temperature: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    """Logits are divided by it; 0 is greedy: always the most probable token."""
    top_k: int | None = Field(default=None, ge=1)
    """Keep this many most probable tokens; None keeps all."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Keep the fewest most probable tokens that reach this probability together; 1 keeps all."""
    min_p: float = Field(default=0.0, ge=0, le=1)
    """Keep tokens at least this share as probable as the most probable one; 0 keeps all."""
    repetition_penalty: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Logits of tokens seen in prompt or answer are divided by it where positive, multiplied where negative."""
    stop: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """The text ends before the first of these strings."""
    seed: int = Field(default=42, ge=0, lt=2**63)
    """Same seed, model and prompt: same text, whatever else the engine does meanwhile."""
    top_logprobs: int = Field(default=0, ge=0)
    """How many of the most probable tokens to report beside each chosen one."""

    @field_validator("stop", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """A single string is one stop string, not one per character."""
        return (value,) if isinstance(value, str) else value


class Sampling(TypedDict, total=False):
    """The fields of `SamplingParams` as keyword arguments."""

    max_tokens: int
    temperature: float
    top_k: int | None
    top_p: float
    min_p: float
    repetition_penalty: float
    stop: str | Sequence[str]
    seed: int
    top_logprobs: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A prompt as token ids, and how to continue it. `arrival` is seconds on a monotonic clock."""

    id: str
    tokens: tuple[int, ...]
    params: SamplingParams
    arrival: float = 0.0


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


def sampling_params(values: Mapping[str, Any]) -> SamplingParams:
    """`SamplingParams` of a user's settings. Raises UsageError naming every setting that is wrong."""
    try:
        return SamplingParams.model_validate(values)
    except ValidationError as error:
        raise UsageError("; ".join(_told(fault, values) for fault in error.errors())) from error


def _told(fault: Any, values: Mapping[str, Any]) -> str:
    key = key_of(fault)
    if fault["type"] == "extra_forbidden":
        return f"there is no setting {key!r}; there are {', '.join(SamplingParams.model_fields)}"
    return f"{key} = {values.get(key, fault['input'])!r}: {plain_words(fault['msg'])}"
