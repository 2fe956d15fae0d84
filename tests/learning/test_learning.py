"""Training works: loss falls to where it must, in seconds, with either optimizer and either family."""

import math
from pathlib import Path

import numpy as np
import pytest

from tests.train.tiny import TIME, TINY, folder_in_memory, tiny_inputs
from zhixing.core.records import read_records
from zhixing.data.loader import Loader
from zhixing.data.order import Cursor
from zhixing.train.config import TrainConfig
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
    ("decoder", {"optimizer": "muon", "lr": 0.02}),
    ("decoder", {"optimizer": "adamw", "lr": 0.02}),
    ("lstm", {"optimizer": "muon", "lr": 0.02}),
    ("lstm", {"optimizer": "adamw", "lr": 0.02}),
]


@pytest.mark.parametrize(("kind", "changes"), LEARNERS)
def test_one_batch_is_learnt_by_heart(kind: str, changes: dict[str, object]) -> None:
    """Only the first symbol after each BEGIN, of several documents that begin alike, cannot be known."""
    inputs = without_dropout(tiny_inputs(kind, documents=4))
    settings = config(steps=150, schedule="cosine", weight_decay=0.0, **changes)
    row = next(iter(Loader(inputs.train, time=TIME, seed=1, cursor=Cursor(seed=1))))
    state = new_state(settings, inputs)
    stream = iter(lambda: row, None)
    losses = [step(state, stream, settings, time=TIME).loss for _ in range(150)]
    assert losses[0] > 3.5
    assert losses[-1] < 0.05
