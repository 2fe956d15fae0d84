import time

import pytest

from zhixing.kernels import energy
from zhixing.kernels.energy import EnergyMeter


def package(root, name: str, microjoules: int, wraps_at: int = 262_143_328_850):
    folder = root / name
    folder.mkdir()
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{wraps_at}\n")
    return folder / "energy_uj"


def test_packages_are_added_and_their_parts_are_not(tmp_path):
    first = package(tmp_path, "intel-rapl:0", 1_000_000)
    second = package(tmp_path, "intel-rapl:1", 5_000_000)
    part = package(tmp_path, "intel-rapl:0:0", 0)
    with EnergyMeter(powercap=tmp_path) as meter:
        first.write_text("3000000")
        second.write_text("5500000")
        part.write_text("900000")
    assert (meter.joules, meter.is_measured) == (2.5, True)
    assert meter.method.startswith("measured")


def test_a_counter_that_starts_again_is_followed(tmp_path):
    counter = package(tmp_path, "intel-rapl:0", 262_143_000_000)
    with EnergyMeter(powercap=tmp_path) as meter:
        counter.write_text("671150")
    assert meter.joules == pytest.approx(1.0)


def test_without_counters_the_energy_is_an_estimate_from_processor_time(tmp_path):
    with EnergyMeter(powercap=tmp_path, watts_per_core=20.0) as meter:
        began = time.process_time()
        while time.process_time() - began < 0.1:
            sum(range(1000))
    assert meter.method == "estimated: processor seconds x 20 W per core"
    assert not meter.is_measured
    assert 1.5 < meter.joules < 20.0


def test_a_counter_that_may_have_wrapped_twice_is_not_believed(tmp_path, monkeypatch):
    package(tmp_path, "intel-rapl:0", 0)
    monkeypatch.setattr(energy, "MOST_WATTS", 1e15)
    with EnergyMeter(powercap=tmp_path) as meter:
        time.monotonic()
    assert not meter.is_measured


def test_one_unreadable_package_makes_the_whole_an_estimate(tmp_path):
    package(tmp_path, "intel-rapl:0", 0)
    package(tmp_path, "intel-rapl:1", 0).write_text("not a number")
    with EnergyMeter(powercap=tmp_path) as meter:
        pass
    assert not meter.is_measured
