import math

import numpy as np
import pytest

from zhixing.core.errors import DataError
from zhixing.report.ladder import CurvePoint
from zhixing.report.overtake import HORIZON, Kind, PowerLaw, fit_power_law, overtake


def curve(times, value) -> list[CurvePoint]:
    return [CurvePoint(train_seconds=t, tokens=int(t), bits_per_byte=value(t)) for t in times]


TIMES = [5.0 * (i + 1) for i in range(12)]


@pytest.mark.parametrize(
    ("floor", "scale", "exponent"), [(1.2, 4.0, 0.3), (0.0, 5.0, 0.15), (2.0, 9.0, 1.1)]
)
def test_the_fit_finds_the_law_that_made_the_points(floor, scale, exponent):
    seconds = np.array(TIMES)
    law = fit_power_law(seconds, floor + scale * seconds**-exponent)
    assert law.error < 1e-3
    assert law.at(200.0) == pytest.approx(floor + scale * 200.0**-exponent, abs=0.02)


def test_the_fit_is_no_worse_than_a_random_search_over_the_bounds():
    random = np.random.default_rng(5)
    seconds = np.array(TIMES)
    bits = 1.5 + 3.0 * seconds**-0.4 + 0.02 * random.standard_normal(len(seconds))
    law = fit_power_law(seconds, bits)
    for _ in range(20_000):
        floor, scale = random.uniform(0, 3), random.uniform(0, 8)
        other = floor + scale * seconds ** -random.uniform(0.05, 2.0)
        assert np.sqrt(((other - bits) ** 2).mean()) >= law.error - 1e-4


def test_the_fit_keeps_its_bounds_on_curves_that_are_no_law():
    seconds = np.array(TIMES)
    for bits in (seconds * 0.1, np.full(12, 2.0), -seconds, 5.0 - np.log(seconds)):
        law = fit_power_law(seconds, bits)
        assert law.floor >= 0.0
        assert law.scale >= 0.0
        assert 0.05 <= law.exponent <= 2.0 + 1e-9
        assert math.isfinite(law.at(1e9))


def test_a_curve_that_rises_never_overtakes():
    rising = overtake("m", curve(TIMES, lambda t: 3.0 + 0.01 * t), 2.0)
    assert (rising.kind, rising.seconds) == (Kind.BEYOND, None)


def test_a_crossing_that_was_measured_is_interpolated_over_log_time():
    points = curve([10.0, 40.0], lambda t: 3.0 if t == 10.0 else 1.0)
    found = overtake("m", points, 2.0)
    assert found.kind is Kind.MEASURED
    assert found.seconds == pytest.approx(20.0)


def test_a_curve_that_begins_below_has_overtaken_at_its_first_point():
    assert overtake("m", curve([10.0, 20.0], lambda t: 1.0), 2.0).seconds == 10.0


def test_a_crossing_beyond_the_end_is_extrapolated_and_says_so():
    found = overtake("m", curve(TIMES, lambda t: 1.2 + 4.0 * t**-0.4), 1.8)
    expected = (4.0 / 0.6) ** (1 / 0.4)
    assert found.kind is Kind.EXTRAPOLATED
    assert found.seconds == pytest.approx(expected, rel=0.02)
    assert found.low <= found.seconds <= found.high


def test_nothing_is_promised_beyond_the_horizon():
    law = lambda t: 1.2 + 4.0 * t**-0.3  # noqa: E731
    just = HORIZON * TIMES[-1]
    assert overtake("m", curve(TIMES, law), law(just * 0.8)).kind is Kind.EXTRAPOLATED
    assert overtake("m", curve(TIMES, law), law(just * 1.3)).kind is Kind.BEYOND
    assert overtake("m", curve(TIMES, law), 1.1).kind is Kind.BEYOND


def test_three_points_are_too_few_to_extrapolate():
    found = overtake("m", curve([10.0, 20.0, 30.0], lambda t: 1.0 + 9.0 / t), 1.1)
    assert (found.kind, found.law) == (Kind.UNKNOWN, None)


def test_noise_widens_the_range():
    random = np.random.default_rng(3)
    clean = overtake("m", curve(TIMES, lambda t: 1.2 + 4.0 * t**-0.4), 1.8)
    noisy = overtake(
        "m", curve(TIMES, lambda t: 1.2 + 4.0 * t**-0.4 + 0.01 * random.standard_normal()), 1.8
    )
    assert clean.high - clean.low < 20.0
    assert noisy.high is None or noisy.high - noisy.low > 2 * (clean.high - clean.low)


def test_the_order_of_the_points_does_not_matter():
    points = curve(TIMES, lambda t: 1.2 + 4.0 * t**-0.4)
    assert overtake("m", points[::-1], 1.8) == overtake("m", points, 1.8)


def test_points_without_time_are_refused():
    with pytest.raises(DataError, match="three points"):
        fit_power_law(np.array([0.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0]))


def test_a_law_reaches_its_levels_when_it_says():
    law = PowerLaw(floor=1.0, scale=4.0, exponent=0.5, error=0.0)
    assert law.at(law.seconds_to(1.4)) == pytest.approx(1.4)
    assert law.seconds_to(1.0) is None
    assert law.seconds_to(1.0 + 1e-300) is None
