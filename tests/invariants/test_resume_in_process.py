"""Stopping after any step and continuing in a new process state gives what an uninterrupted run gives."""

from pathlib import Path

import pytest
import torch

from tests.train.tiny import TINY, first_difference, tiny_inputs, weights_of
from zhixing.core.records import read_records
from zhixing.train import session
from zhixing.train.config import TrainConfig
from zhixing.train.folder import Start
from zhixing.train.hooks import Hook
from zhixing.train.loop import run
from zhixing.train.report import StepReport
from zhixing.train.state import TrainState

CONFIG = TrainConfig.model_validate({**TINY.model_dump(), "steps": 7, "save_every": 2})


class CrashError(Exception):
    pass


class CrashAfter(Hook):
    """Die in the middle of things: after a step was taken, before it was saved."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step(self, report: StepReport, progress: float) -> None:
        if report.step == self.step:
            raise CrashError


def interrupted(
    kind: str, config: TrainConfig, folder: Path, *, crash: int
) -> dict[str, torch.Tensor]:
    with pytest.raises(CrashError):
        run(config, tiny_inputs(kind), folder, hooks=[CrashAfter(crash)])
    torch.manual_seed(999)  # a new process would not have our random numbers
    inputs = tiny_inputs(kind)
    run(config, inputs, folder, start=Start.RESUME)
    return weights_of(inputs.model)


def uninterrupted(kind: str, config: TrainConfig, folder: Path) -> dict[str, torch.Tensor]:
    inputs = tiny_inputs(kind)
    run(config, inputs, folder)
    return weights_of(inputs.model)


def lasting_records(folder: Path) -> list[tuple[str, str, int | None, float]]:
    """All that is not a time."""
    return [
        (record.kind, record.name, record.step, record.value)
        for record in read_records(folder / "records.jsonl")
        if record.name not in ("tokens_per_second", "seconds")
    ]


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("kind", ["decoder", "lstm"])
def test_resuming_after_any_step_equals_not_stopping(
    tmp_path: Path, kind: str, optimizer: str
) -> None:
    config = TrainConfig.model_validate(
        {**CONFIG.model_dump(), "optimizer": optimizer, "micro_batch": 3}
    )
    whole = uninterrupted(kind, config, tmp_path / "whole")
    for crash in range(1, 8):
        folder = tmp_path / f"crash-{crash}"
        assert first_difference(interrupted(kind, config, folder, crash=crash), whole) is None
        assert lasting_records(folder) == lasting_records(tmp_path / "whole")


def test_falling_back_to_an_older_state_gives_the_same_result(tmp_path: Path) -> None:
    whole = uninterrupted("decoder", CONFIG, tmp_path / "whole")
    with pytest.raises(CrashError):
        run(CONFIG, tiny_inputs(), tmp_path / "run", hooks=[CrashAfter(7)])
    (tmp_path / "run/checkpoints/step-00000006/model.safetensors").write_bytes(b"cut short")
    inputs = tiny_inputs()
    run(CONFIG, inputs, tmp_path / "run", start=Start.RESUME)
    assert first_difference(weights_of(inputs.model), whole) is None
    assert lasting_records(tmp_path / "run") == lasting_records(tmp_path / "whole")


def test_a_row_order_of_several_epochs_is_continued(tmp_path: Path) -> None:
    """Five documents are read again and again: the cursor's epoch matters, not its offset alone."""
    weights = []
    for name, crash in (("whole", None), ("cut", 6)):
        if crash is not None:
            with pytest.raises(CrashError):
                run(
                    CONFIG,
                    tiny_inputs(documents=5),
                    tmp_path / name,
                    hooks=[CrashAfter(crash)],
                )
        inputs = tiny_inputs(documents=5)
        run(CONFIG, inputs, tmp_path / name, start=Start.RESUME)
        weights.append(weights_of(inputs.model))
    assert first_difference(*weights) is None


def _forget(field: str, state: TrainState, fresh: TrainState) -> None:
    if field == "random":
        state.random.manual_seed(12345)
    elif field == "optimizer":
        for part in state.optimizer.parts:
            part.state.clear()
    elif field == "weights":
        with torch.no_grad():
            next(state.model.parameters()).view(-1)[0] += 1e-3
    else:
        setattr(state, field, getattr(fresh, field))


@pytest.mark.parametrize("field", ["cursor", "random", "optimizer", "weights", "step"])
def test_forgetting_any_part_of_the_state_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """The deliberate mistake: restore everything but one thing."""
    whole = uninterrupted("decoder", CONFIG, tmp_path / "whole")
    restore = session.restore

    def forgetful(state: TrainState, *rest: object) -> None:
        fresh = TrainState(model=state.model, optimizer=state.optimizer, random=state.random)
        restore(state, *rest)  # type: ignore[arg-type]
        _forget(field, state, fresh)

    monkeypatch.setattr(session, "restore", forgetful)
    cut = interrupted("decoder", CONFIG, tmp_path / "cut", crash=4)
    assert first_difference(cut, whole) is not None
