import pytest
from pydantic import ValidationError

from zhixing.core.errors import ConfigError
from zhixing.train.config import TrainConfig, rows_per_step


@pytest.mark.parametrize("given", [{}, {"steps": 10, "budget_seconds": 5.0}])
def test_steps_and_budget_exclude_each_other_and_one_is_needed(given: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="exactly one of steps and budget_seconds"):
        TrainConfig.model_validate(given)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", 0),
        ("batch_tokens", 0),
        ("micro_batch", 0),
        ("optimizer", "lion"),
        ("lr", 0.0),
        ("matrix_lr", -1.0),
        ("betas", (0.9, 1.0)),
        ("momentum", 1.0),
        ("weight_decay", -0.1),
        ("warmup", 1.5),
        ("schedule", "linear"),
        ("final", -0.1),
        ("clip", 0.0),
        ("precision", "fp8"),
        ("validate_every", 0),
        ("save_every", 0),
        ("keep", 0),
        ("patience", 0),
        ("log_every", 0),
        ("select", "worst"),
        ("laerning_rate", 1.0),
    ],
)
def test_values_out_of_range_and_unknown_keys_are_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        TrainConfig.model_validate({"steps": 10, key: value})


@pytest.mark.parametrize(
    "given",
    [
        {"cooldown": 0.5},
        {"schedule": "constant", "final": 0.5},
        {"optimizer": "adamw", "matrix_lr": 0.5},
        {"optimizer": "adamw", "momentum": 0.5},
    ],
)
def test_a_setting_that_would_do_nothing_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="does nothing with"):
        TrainConfig.model_validate({"steps": 10, **given})


def test_a_resolved_config_can_be_read_again() -> None:
    for extra in ({"optimizer": "adamw"}, {"schedule": "constant"}, {"schedule": "wsd"}):
        config = TrainConfig.model_validate({"steps": 10, **extra})
        assert TrainConfig.model_validate(config.model_dump(mode="json")) == config


def test_warmup_and_cooldown_may_not_overlap() -> None:
    with pytest.raises(ValidationError, match="overlap"):
        TrainConfig(steps=10, schedule="wsd", warmup=0.6, cooldown=0.5)


def test_an_uneven_batch_names_both_settings_and_the_nearest_values() -> None:
    config = TrainConfig(steps=1, batch_tokens=1000)
    with pytest.raises(ConfigError, match=r"batch_tokens = 1000.*data\.time = 256.*768 or 1024"):
        rows_per_step(config, 256)
    with pytest.raises(ConfigError, match=r"write 2048"):
        rows_per_step(config, 2048)


def test_a_micro_batch_larger_than_the_step_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"micro_batch = 9 .* 8 rows"):
        rows_per_step(TrainConfig(steps=1, batch_tokens=1024, micro_batch=9), 128)
