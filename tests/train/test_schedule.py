import pytest

from zhixing.train.config import TrainConfig
from zhixing.train.schedule import progress, rate


def test_the_rate_rises_from_zero_to_its_highest_during_warmup() -> None:
    config = TrainConfig(steps=10, warmup=0.2)
    assert rate(config, 0.0) == 0.0
    assert rate(config, 0.1) == pytest.approx(0.5)
    assert rate(config, 0.2) == 1.0


def test_cosine_is_half_way_down_in_the_middle() -> None:
    config = TrainConfig(steps=10, warmup=0.0, final=0.2)
    assert [rate(config, p) for p in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.6, 0.2])


def test_wsd_is_flat_and_then_a_straight_line() -> None:
    config = TrainConfig(steps=10, schedule="wsd", warmup=0.1, cooldown=0.4, final=0.0)
    assert [rate(config, p) for p in (0.1, 0.6, 0.8, 1.0)] == pytest.approx([1.0, 1.0, 0.5, 0.0])


def test_constant_stays() -> None:
    config = TrainConfig(steps=10, schedule="constant", warmup=0.0)
    assert {rate(config, p / 10) for p in range(11)} == {1.0}


@pytest.mark.parametrize("schedule", ["cosine", "wsd", "constant"])
@pytest.mark.parametrize(("warmup", "cooldown"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_the_rate_stays_between_zero_and_one(schedule: str, warmup: float, cooldown: float) -> None:
    table = {"steps": 10, "schedule": schedule, "warmup": warmup}
    if schedule == "wsd":
        table["cooldown"] = cooldown
    config = TrainConfig.model_validate(table)
    assert all(0.0 <= rate(config, p / 100) <= 1.0 for p in range(101))


def test_progress_by_steps_is_the_middle_of_each_step() -> None:
    config = TrainConfig(steps=4)
    assert [progress(config, step=s, seconds=99.0) for s in range(5)] == [
        0.125,
        0.375,
        0.625,
        0.875,
        1.0,
    ]


def test_progress_by_time_ends_with_the_step_whose_middle_is_nearest_the_end() -> None:
    config = TrainConfig(budget_seconds=10.0)
    assert progress(config, step=0, seconds=0.0) == 0.0
    assert progress(config, step=2, seconds=4.0) == pytest.approx(0.5)
    assert progress(config, step=4, seconds=8.0) == pytest.approx(0.9)  # one more, to 10 s
    assert progress(config, step=3, seconds=9.0) == 1.0  # one more would end at 12 s
