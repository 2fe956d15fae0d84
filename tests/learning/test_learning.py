"""Training works: loss falls to where it must, in seconds, with either optimizer and either family."""

from itertools import repeat
from pathlib import Path

import pytest

from tests.train.tiny import TIME, TINY, tiny_inputs
from zhixing.data.order import Cursor
from zhixing.train.config import TrainConfig, rows_per_step
from zhixing.train.loop import new_state, run, step
from zhixing.train.session import Inputs


def config(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate({**TINY.model_dump(), **changes})


def without_dropout(inputs: Inputs) -> Inputs:
    for module in inputs.model.modules():
        if hasattr(module, "p"):
            module.p = 0.0
    return inputs


LEARNERS = [
    ("decoder", {"optimizer": "muon", "lr": 0.02}, 0.75),
    ("decoder", {"optimizer": "adamw", "lr": 0.02}, 0.75),
    ("lstm", {"optimizer": "muon", "lr": 0.05, "matrix_lr": 0.05}, 0.75),
    ("lstm", {"optimizer": "adamw", "lr": 0.05}, 0.75),
]
"""Family, settings, and the held-out loss it must reach in 250 steps."""


@pytest.mark.parametrize(("kind", "changes", "_"), LEARNERS)
def test_one_batch_is_learnt_by_heart(kind: str, changes: dict[str, object], _: float) -> None:
    inputs = without_dropout(tiny_inputs(kind, documents=4))
    settings = config(steps=150, schedule="wsd", weight_decay=0.0, **changes)
    row, after = next(inputs.train.read(Cursor(seed=1)))
    same = repeat(([row] * rows_per_step(settings, TIME), after))
    state = new_state(settings, inputs)
    losses = [step(state, same, inputs.objective, settings).loss for _ in range(150)]
    assert losses[0] > 3.5
    assert losses[-1] < 0.05


@pytest.mark.parametrize(("kind", "changes", "bound"), LEARNERS)
def test_a_rule_is_learnt_and_holds_for_new_documents(
    tmp_path: Path, kind: str, changes: dict[str, object], bound: float
) -> None:
    """Guessing costs ln 63 = 4.14 nats. The first symbol and the length cannot be known: about 0.5."""
    inputs = without_dropout(tiny_inputs(kind, documents=300))
    settings = config(
        steps=250, batch_tokens=16 * TIME, validate_every=50, save_every=None, **changes
    )
    result = run(settings, inputs, tmp_path / "run")
    assert result.best is not None
    assert 0.4 < result.best.loss < bound
