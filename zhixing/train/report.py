"""What one step and one validation tell about themselves, as points of a curve."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from zhixing.core.records import Record
from zhixing.train.validate import Validation


@dataclass(frozen=True, kw_only=True, slots=True)
class StepReport:
    """Step number (from 1), targets predicted, nats per target, gradient norm before clipping, lr, seconds.

    `parts`: the losses that `loss` is the sum of, by name, when there are several.
    """

    step: int
    tokens: int
    loss: float
    grad_norm: float
    lr: float
    seconds: float
    parts: Mapping[str, float] = field(default_factory=dict)


def step_records(report: StepReport, *, target: str, seed: int, run: str) -> Iterator[Record]:
    """The points of the training curve at one step; `target` is what losses are counted in."""
    values = [
        ("loss", report.loss, f"nats/{target}"),
        ("grad_norm", report.grad_norm, f"nats/{target}"),
        ("lr", report.lr, "1"),
        (f"{target}s_per_second", report.tokens / report.seconds, f"{target}s/s"),
        *((f"loss/{name}", value, "nats") for name, value in report.parts.items()),
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
    result: Validation, *, target: str, seconds: float, tokens: int, seed: int, run: str
) -> Iterator[Record]:
    """The points of the held-out curve, with the training `seconds` and `tokens` (targets) that led there."""
    count = result.main.count
    values = [
        ("loss", result.loss, f"nats/{target}", count),
        ("seconds", seconds, "s", count),
        ("tokens", float(tokens), f"{target}s", count),
    ]
    if result.bits_per_byte is not None:
        values.append(("bits_per_byte", result.bits_per_byte, "bits/byte", count))
    if len(result.losses) > 1:
        values += [
            (f"loss/{k}", each.mean, "nats", each.count) for k, each in result.losses.items()
        ]
    values += [(name, each.mean, "1", each.count) for name, each in result.scores.items()]
    for name, value, unit, count in values:
        yield Record(
            kind="validation",
            name=name,
            value=value,
            unit=unit,
            count=count,
            step=result.step,
            seed=seed,
            run=run,
        )
