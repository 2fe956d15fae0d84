"""A text with its origin, and what a filter says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One text with its origin. `id` is stable from run to run; `language` is a BCP 47 tag such as en or zh."""

    id: str
    text: str
    source: str
    license: str = ""
    language: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Whether a document stays, why (a short stable name such as `too_short`), and the measured score."""

    keep: bool
    reason: str
    score: float
