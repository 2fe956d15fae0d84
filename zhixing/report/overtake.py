"""When does a network that learns step by step overtake a model that counts once?

Measured where the curve crosses the level of the reference, by interpolation over the logarithm of time. Otherwise
the tail of the curve is fitted by a power law

    bits per byte = floor + scale * seconds ^ -exponent          floor, scale >= 0;  0.05 <= exponent <= 2

(the form of Kaplan et al. 2020, section 3, with a floor as in Hoffmann et al. 2022, equation 2), and followed
to the level, but never further than HORIZON times the time that was measured. Given the exponent the other two
follow by least squares, so the fit is a search over one number: deterministic, no start values. The spread is
the range when each point of the tail is left out in turn. Left out: the effect of the learning-rate schedule,
which bends the end of a curve down; an extrapolation says what this schedule would do if it went on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.report.ladder import CurvePoint, Report, Rung

HORIZON = 30.0
"""How many times the measured time an extrapolation may reach."""
TAIL = 8.0
"""The fit uses the points after 1 / TAIL of the time: the last three doublings."""
FEWEST_POINTS = 4
EXPONENTS = np.geomspace(0.05, 2.0, 400)

Floats: TypeAlias = NDArray[np.float64]


class Kind(StrEnum):
    """How an overtaking is known."""

    MEASURED = "measured"
    """The curve crosses the level."""
    EXTRAPOLATED = "extrapolated"
    """The fit crosses the level within the horizon."""
    BEYOND = "beyond"
    """The fit does not cross the level within the horizon."""
    UNKNOWN = "unknown"
    """Too few points for a fit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PowerLaw:
    """bits per byte = floor + scale * seconds ^ -exponent; `error` is the root mean square of the fit."""

    floor: float
    scale: float
    exponent: float
    error: float

    def at(self, seconds: float) -> float:
        """Bits per byte after `seconds`."""
        return float(self.floor + self.scale * seconds**-self.exponent)

    def seconds_to(self, level: float) -> float | None:
        """When the law falls to `level`; None when it never does."""
        if level <= self.floor or self.scale == 0.0:
            return None
        with np.errstate(over="ignore"):
            seconds = float(np.power(self.scale / (level - self.floor), 1.0 / self.exponent))
        return seconds if np.isfinite(seconds) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Overtake:
    """When `model` falls below the `level` of the reference.

    `seconds` of training, with the range `low` to `high` of the leave-one-out fits (`high` None: some of them never
    get there within `horizon` seconds); None when not reached or not known. `law` is the fit, where one was made.
    """

    model: str
    kind: Kind
    level: float
    seconds: float | None
    low: float | None
    high: float | None
    horizon: float
    law: PowerLaw | None


def reference_level(rung: Rung) -> float:
    """The best the rung reached on the validation split, or its test score when it has no curve."""
    if rung.curve:
        return min(point.bits_per_byte for point in rung.curve)
    return rung.bits_per_byte["all"].value


def overtakes(report: Report) -> tuple[Overtake, ...]:
    """For every rung that learns step by step (two points or more): when it overtakes the reference."""
    reference = report.rung(report.reference)
    if reference is None:
        return ()
    level = reference_level(reference)
    return tuple(
        overtake(rung.model, rung.curve, level)
        for rung in report.rungs
        if rung is not reference and len(rung.curve) > 1
    )


def overtake(model: str, curve: Sequence[CurvePoint], level: float) -> Overtake:
    """When the curve of `model` falls below `level`, measured or extrapolated."""
    points = sorted(curve, key=lambda point: point.train_seconds)
    seconds = np.array([max(point.train_seconds, 1e-3) for point in points])
    bits = np.array([point.bits_per_byte for point in points])
    horizon = HORIZON * float(seconds[-1])
    crossed = _measured(seconds, bits, level)
    tail = seconds >= seconds[-1] / TAIL
    if tail.sum() < FEWEST_POINTS:
        tail[-FEWEST_POINTS:] = True
    seconds, bits = seconds[tail], bits[tail]
    law = fit_power_law(seconds, bits) if len(seconds) >= FEWEST_POINTS else None
    if crossed is not None:
        return _result(model, Kind.MEASURED, level, (crossed, crossed, crossed), horizon, law)
    if law is None:
        return _result(model, Kind.UNKNOWN, level, (None, None, None), horizon, law)
    reached = _within(law, level, float(seconds[-1]), horizon)
    if reached is None:
        return _result(model, Kind.BEYOND, level, (None, None, None), horizon, law)
    others = [
        _within(
            fit_power_law(np.delete(seconds, i), np.delete(bits, i)),
            level,
            float(seconds[-1]),
            horizon,
        )
        for i in range(len(seconds))
    ]
    times = [time for time in others if time is not None]
    high = max([reached, *times]) if len(times) == len(others) else None
    spread = (reached, min([reached, *times]), high)
    return _result(model, Kind.EXTRAPOLATED, level, spread, horizon, law)


def fit_power_law(seconds: Floats, bits: Floats) -> PowerLaw:
    """Least squares over floor, scale and exponent within their bounds; three points at least, times above zero."""
    if len(seconds) < 3 or len(seconds) != len(bits) or not (seconds > 0).all():
        raise DataError("a power law needs three points or more, each after more than zero seconds")
    unit = float(seconds.max())
    basis = (seconds / unit)[None, :] ** -EXPONENTS[:, None]  # (exponents, points)
    floor, scale = _best_line(basis, bits)
    errors = ((floor[:, None] + scale[:, None] * basis - bits) ** 2).mean(axis=1)
    best = int(np.argmin(errors))
    exponent = float(EXPONENTS[best])
    return PowerLaw(
        floor=float(floor[best]),
        scale=float(scale[best] * unit**exponent),
        exponent=exponent,
        error=float(np.sqrt(errors[best])),
    )


def _best_line(basis: Floats, bits: Floats) -> tuple[Floats, Floats]:
    """For each row: the floor and scale, none negative, that bring floor + scale * row closest to bits."""
    centred = basis - basis.mean(axis=1, keepdims=True)
    variance = np.maximum((centred**2).sum(axis=1), 1e-300)
    scale = np.maximum(centred @ (bits - bits.mean()) / variance, 0.0)
    floor = bits.mean() - scale * basis.mean(axis=1)
    without = np.maximum(basis @ bits, 0.0) / (basis**2).sum(axis=1)
    scale = np.where(floor < 0.0, without, scale)
    return np.maximum(floor, 0.0), scale


def _measured(seconds: Floats, bits: Floats, level: float) -> float | None:
    below = np.flatnonzero(bits < level)
    if not len(below):
        return None
    last = int(below[0])
    if last == 0:
        return float(seconds[0])
    share = (bits[last - 1] - level) / (bits[last - 1] - bits[last])
    return float(seconds[last - 1] * (seconds[last] / seconds[last - 1]) ** share)


def _within(law: PowerLaw, level: float, measured: float, horizon: float) -> float | None:
    """When the law gets to the level: not before the measured end, where it was not there, nor after the horizon."""
    seconds = law.seconds_to(level)
    if seconds is None or seconds > horizon:
        return None
    return max(seconds, measured)


def _result(
    model: str,
    kind: Kind,
    level: float,
    times: tuple[float | None, float | None, float | None],
    horizon: float,
    law: PowerLaw | None,
) -> Overtake:
    seconds, low, high = times
    return Overtake(
        model=model,
        kind=kind,
        level=level,
        seconds=seconds,
        low=low,
        high=high,
        horizon=horizon,
        law=law,
    )
