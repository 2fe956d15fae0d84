"""What a report is made of: plain frozen values, so that a report can be made from files, tests or other tools.

Nothing here computes. Units are in the names; None means not measured.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zhixing.core.card import CorpusCard
from zhixing.core.errors import DataError
from zhixing.core.provenance import Provenance
from zhixing.report.words import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A value with its 95 % interval; None where a single document allows none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """Quality on the validation split after `train_seconds` of training and `tokens` tokens."""

    train_seconds: float
    tokens: int
    bits_per_byte: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Rung:
    """One model of the ladder. `bits_per_byte` and `perplexity` (per token) are by language, "all" included.

    A model that is trained in one go has a `curve` of one point. `energy_method` says how the joules are known, and
    begins with "measured" or "estimated".
    """

    model: str
    title: Words
    parameters: int
    bytes: int
    train_seconds: float
    train_tokens_per_second: float | None
    generate_tokens_per_second: float | None
    peak_memory_bytes: int | None
    joules: float | None
    energy_method: str
    bits_per_byte: Mapping[str, Interval]
    perplexity: Mapping[str, Interval]
    curve: tuple[CurvePoint, ...]

    def __post_init__(self) -> None:
        if "all" not in self.bits_per_byte:
            raise DataError(
                f'the model {self.model!r} has no bits per byte for "all" languages together; '
                f"given: {', '.join(sorted(self.bits_per_byte)) or 'none'}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """What a model wrote after a prompt. `text` does not repeat the prompt."""

    model: str
    language: str
    prompt: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A paired comparison of two rungs in bits per byte over all documents; below zero: `a` is better."""

    a: str
    b: str
    difference: float
    low: float | None
    high: float | None
    p_value: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything one page shows. `reference` is the rung whose level the others are to overtake.

    `signature` says how the scores were made, `command` makes the report again, `seconds` is what all of it took.
    """

    rungs: tuple[Rung, ...]
    samples: tuple[Sample, ...]
    card: CorpusCard
    provenance: Provenance
    signature: str
    command: str
    seconds: float
    documents: int
    differences: tuple[Difference, ...] = ()
    reference: str = "ngram"
    notes: tuple[Words, ...] = field(default=())

    def __post_init__(self) -> None:
        names = [rung.model for rung in self.rungs]
        if not names:
            raise DataError("a report needs at least one model")
        if len(set(names)) != len(names):
            raise DataError(f"two models of the report have the same name: {', '.join(names)}")

    def rung(self, model: str) -> Rung | None:
        """The rung of that name."""
        return next((rung for rung in self.rungs if rung.model == model), None)
