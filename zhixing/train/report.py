"""What one step and one validation tell about themselves, as points of a curve."""

from collections.abc import Iterator
from dataclasses import dataclass

from zhixing.core.records import Record
from zhixing.train.validate import Validation


@dataclass(frozen=True, kw_only=True, slots=True)
class StepReport:
    """Step number (from 1), targets predicted, nats per target, gradient norm before clipping, lr, seconds."""

    step: int
    tokens: int
    loss: float
    grad_norm: float
    lr: float
    seconds: float


def step_records(report: StepReport, *, seed: int, run: str) -> Iterator[Record]:
    """The points of the training curve at one step."""
    values = [
        ("loss", report.loss, "nats/token"),
        ("grad_norm", report.grad_norm, "nats/token"),
        ("lr", report.lr, "1"),
        ("tokens_per_second", report.tokens / report.seconds, "tokens/s"),
    ]
    for name, value, unit in values:
        yield Record(
            kind="train",
            name=name,
            value=value,
            unit=unit,
            count=report.tokens,
            step=report.step,
            seed=seed,
            run=run,
        )


def validation_records(
    result: Validation, *, seconds: float, tokens: int, seed: int, run: str
) -> Iterator[Record]:
    """The points of the held-out curve, with the training `seconds` and `tokens` that led there."""
    values = [
        ("loss", result.loss, "nats/token"),
        ("seconds", seconds, "s"),
        ("tokens", float(tokens), "tokens"),
    ]
    if result.bits_per_byte is not None:
        values.append(("bits_per_byte", result.bits_per_byte, "bits/byte"))
    for name, value, unit in values:
        yield Record(
            kind="validation",
            name=name,
            value=value,
            unit=unit,
            count=result.targets,
            step=result.step,
            seed=seed,
            run=run,
        )
