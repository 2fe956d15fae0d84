import math
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.train.tiny import (
    SYMBOLS,
    TIME,
    TINY,
    first_difference,
    some_rows,
    tiny_inputs,
    weights_of,
)
from zhixing.checkpoint.folder import load_model
from zhixing.checkpoint.steps import steps
from zhixing.core.errors import (
    ConfigError,
    InterruptedRunError,
    UnsupportedError,
    UsageError,
    ZhixingError,
)
from zhixing.core.files import locked
from zhixing.core.records import Record, read_records
from zhixing.train.config import TrainConfig
from zhixing.train.folder import Start
from zhixing.train.hooks import Hook
from zhixing.train.loop import accumulate, new_state, run
from zhixing.train.report import StepReport
from zhixing.train.validate import Validation, hold_out, validate


def config(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate({**TINY.model_dump(), **changes})


class Call(Hook):
    """Call something after a step."""

    def __init__(self, step: int, action: Callable[[], object]) -> None:
        self.step, self.action = step, action

    def on_step(self, report: StepReport, progress: float) -> None:
        if report.step == self.step:
            self.action()


def records(folder: Path, kind: str, name: str) -> list[Record]:
    found = read_records(folder / "records.jsonl")
    return [record for record in found if (record.kind, record.name) == (kind, name)]


# ---- one step


@pytest.mark.parametrize("kind", ["decoder", "lstm"])
def test_the_gradient_does_not_depend_on_the_size_of_micro_batches(kind: str) -> None:
    gradients = []
    for micro_batch in (8, 4, 2, 3):  # 3: the last part is smaller
        inputs = tiny_inputs(kind)
        inputs.model.eval()  # dropout draws per call
        rows = some_rows(inputs, 8)
        count = sum(int((row.targets >= 0).sum()) for row in rows)
        counts = {"loss": count}
        parts = accumulate(
            inputs.model, inputs.objective, rows, counts, config(micro_batch=micro_batch)
        )
        gradients.append({name: w.grad for name, w in inputs.model.named_parameters()})
        assert parts["loss"] == pytest.approx(math.log(4 + SYMBOLS), rel=0.05)
    for other in gradients[1:]:
        for name, gradient in gradients[0].items():
            torch.testing.assert_close(other[name], gradient, rtol=1e-5, atol=1e-6)


def test_averaging_the_means_of_micro_batches_would_be_noticed() -> None:
    """The mistake of many trainers, on the same rows: each micro-batch divided by its own count."""
    inputs = tiny_inputs()
    inputs.model.eval()
    rows = some_rows(inputs, 8)
    counts = [int((row.targets >= 0).sum()) for row in rows]
    assert len(set(counts)) > 1
    accumulate(inputs.model, inputs.objective, rows, {"loss": sum(counts)}, config())
    right = inputs.model.embed.weight.grad.clone()
    inputs.model.zero_grad()
    for row, count in zip(rows, counts, strict=True):
        divisor = {"loss": count * len(rows)}
        accumulate(inputs.model, inputs.objective, [row], divisor, config())
    assert (inputs.model.embed.weight.grad - right).abs().max() > 1e-4


def test_a_model_without_weights_is_refused() -> None:
    inputs = tiny_inputs()
    inputs.model.requires_grad_(False)
    with pytest.raises(UnsupportedError, match="no weights to train"):
        new_state(TINY, inputs)


def test_bf16_keeps_weights_and_optimizer_in_float32(tmp_path: Path) -> None:
    inputs = tiny_inputs()
    run(config(precision="bf16", steps=2), inputs, tmp_path / "run")
    assert {w.dtype for w in inputs.model.parameters()} == {torch.float32}
    state = new_state(TINY, inputs)
    assert all(w.dtype == torch.float32 for w in state.optimizer.tensors().values())


# ---- a whole run


def test_a_run_leaves_a_model_that_loads_with_the_weights_it_had(tmp_path: Path) -> None:
    inputs = tiny_inputs()
    result = run(TINY, inputs, tmp_path / "run")
    loaded = load_model(tmp_path / "run")
    assert first_difference(weights_of(loaded.model), weights_of(inputs.model)) is None
    assert result.step == loaded.manifest.step == 12
    assert result.tokens == loaded.manifest.tokens > 0
    assert len(steps(tmp_path / "run")) == TINY.keep


def test_two_runs_of_the_same_recipe_are_equal_bit_for_bit(tmp_path: Path) -> None:
    one, other = tiny_inputs(), tiny_inputs()
    run(TINY, one, tmp_path / "one")
    run(TINY, other, tmp_path / "other")
    assert first_difference(weights_of(one.model), weights_of(other.model)) is None


def test_the_curve_has_each_step_once_and_validation_where_asked(tmp_path: Path) -> None:
    run(TINY, tiny_inputs(), tmp_path / "run")
    assert [r.step for r in records(tmp_path / "run", "train", "loss")] == list(range(1, 13))
    validations = records(tmp_path / "run", "validation", "loss")
    assert [r.step for r in validations] == [4, 8, 12]
    assert len({r.count for r in validations}) == 1
    bits = records(tmp_path / "run", "validation", "bits_per_byte")
    targets_per_byte = bits[0].value / validations[0].value * math.log(2)
    shard = tiny_inputs().validation.shards[0]
    assert targets_per_byte == pytest.approx((len(shard.ids) - len(shard.ends)) / 500)


def test_validation_is_not_training_time(tmp_path: Path) -> None:
    reports: list[StepReport] = []

    class Collect(Hook):
        def on_step(self, report: StepReport, progress: float) -> None:
            reports.append(report)

    result = run(TINY, tiny_inputs(), tmp_path / "run", hooks=[Collect()])
    assert result.seconds == pytest.approx(sum(report.seconds for report in reports))


def test_a_run_by_time_ends_near_its_budget(tmp_path: Path) -> None:
    result = run(config(steps=None, budget_seconds=0.5), tiny_inputs(), tmp_path / "run")
    slowest = result.seconds / result.step
    assert abs(result.seconds - 0.5) <= 3 * slowest


def test_without_validation_documents_the_last_weights_are_the_result(tmp_path: Path) -> None:
    inputs = tiny_inputs()
    inputs = replace(inputs, validation=None)
    result = run(TINY, inputs, tmp_path / "run")
    assert result.best is None
    assert result.selected_step == 12


# ---- best, last, early


def overfit(**changes: object) -> TrainConfig:
    """Training on three documents: the held-out loss falls and then rises."""
    return config(
        steps=60, validate_every=5, save_every=25, lr=0.03, warmup=0.0, schedule="constant",
        final=0.1, **changes,
    )  # fmt: skip


def test_the_best_weights_become_the_model(tmp_path: Path) -> None:
    inputs = tiny_inputs(documents=3)
    result = run(overfit(), inputs, tmp_path / "run")
    losses = {r.step: r.value for r in records(tmp_path / "run", "validation", "loss")}
    assert result.selected_step == min(losses, key=losses.__getitem__) < 60
    assert load_model(tmp_path / "run").manifest.step == result.selected_step
    again = run(overfit(), tiny_inputs(documents=3), tmp_path / "run", start=Start.RESUME)
    assert again.selected_step == result.selected_step
    assert not (tmp_path / "run" / "best").exists()


def test_last_keeps_the_last_weights(tmp_path: Path) -> None:
    result = run(overfit(select="last"), tiny_inputs(documents=3), tmp_path / "run")
    assert load_model(tmp_path / "run").manifest.step == result.selected_step == 60


def test_patience_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    result = run(overfit(patience=2), tiny_inputs(documents=3), tmp_path / "run")
    assert result.stopped_early
    assert result.best is not None
    assert result.step == result.best.step + 2 * 5 < 60
    again = run(overfit(patience=2), tiny_inputs(documents=3), tmp_path / "run", start=Start.RESUME)
    assert (again.step, again.stopped_early) == (result.step, True)


# ---- things that go wrong


def test_a_used_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    run(TINY, tiny_inputs(), tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=r"a finished run; add --resume .* --fresh .* --out"):
        run(TINY, tiny_inputs(), tmp_path / "run")
    after = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert after == before


def test_weights_that_broke_in_the_last_step_do_not_become_the_best() -> None:
    inputs = tiny_inputs()
    with torch.no_grad():
        inputs.model.embed.weight.fill_(math.nan)
    held = hold_out(inputs.validation, inputs.objective, most=4, micro_batch=4)
    with pytest.raises(ZhixingError, match="held-out loss after step 7 is nan"):
        validate(inputs.model, held, step=7, dtype=torch.float32, should_stop=lambda: False)


def test_fresh_begins_again_although_the_manifest_is_broken(tmp_path: Path) -> None:
    run(config(steps=1), tiny_inputs(), tmp_path)
    (tmp_path / "manifest.json").write_text("{", "utf-8")
    assert run(config(steps=2), tiny_inputs(), tmp_path, start=Start.FRESH).step == 2


def test_fresh_deletes_what_the_run_made_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run(TINY, tiny_inputs(), folder)
    (folder / "notes.txt").write_text("mine")
    result = run(config(steps=3), tiny_inputs(), folder, start=Start.FRESH)
    assert result.step == 3
    assert (folder / "notes.txt").read_text() == "mine"
    assert [r.step for r in records(folder, "train", "loss")] == [1, 2, 3]
    assert [path.name for path in steps(folder)] == ["step-00000003"]


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path / "run"), pytest.raises(ZhixingError, match="another run is working"):
        run(TINY, tiny_inputs(), tmp_path / "run")


def test_resuming_with_another_setting_names_the_setting(tmp_path: Path) -> None:
    run(TINY, tiny_inputs(), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"train\.lr was 0\.003 .* is 0\.001 now"):
        run(config(lr=0.001), tiny_inputs(), tmp_path / "run", start=Start.RESUME)
    with pytest.raises(ConfigError, match=r"training documents was .*60.*is .*61"):
        run(TINY, tiny_inputs(documents=61), tmp_path / "run", start=Start.RESUME)
    with pytest.raises(ConfigError, match=r"weights\."):
        run(TINY, tiny_inputs("lstm"), tmp_path / "run", start=Start.RESUME)


def test_resuming_when_every_saved_state_is_broken_is_refused(tmp_path: Path) -> None:
    run(TINY, tiny_inputs(), tmp_path / "run")
    for path in steps(tmp_path / "run"):
        (path / "training.safetensors").write_bytes(b"cut")
    with pytest.raises(ZhixingError, match="none of the saved states"):
        run(TINY, tiny_inputs(), tmp_path / "run", start=Start.RESUME)


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_a_loss_that_is_no_number_names_the_step_and_spoils_nothing(
    tmp_path: Path, optimizer: str
) -> None:
    inputs = tiny_inputs()

    def poison() -> None:
        with torch.no_grad():
            inputs.model.embed.weight.fill_(math.inf)

    with pytest.raises(ZhixingError, match=r"broke down at step 8: loss nan.*step 5 stays saved"):
        run(config(optimizer=optimizer), inputs, tmp_path / "run", hooks=[Call(7, poison)])
    assert [path.name for path in steps(tmp_path / "run")] == ["step-00000005"]
    again = tiny_inputs()
    result = run(config(optimizer=optimizer), again, tmp_path / "run", start=Start.RESUME)
    assert result.step == 12
    assert math.isfinite(float(again.model.embed.weight.detach().sum()))


# ---- Ctrl-C


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_saves_and_says_how_to_continue(
    tmp_path: Path, number: signal.Signals
) -> None:
    hook = Call(7, lambda: os.kill(os.getpid(), number))
    with pytest.raises(InterruptedRunError, match=r"step 7, .*zhixing train tiny.toml --resume"):
        run(TINY, tiny_inputs(), tmp_path / "run", hooks=[hook])
    assert steps(tmp_path / "run")[-1].name == "step-00000007"
    resumed, whole = tiny_inputs(), tiny_inputs()
    run(TINY, resumed, tmp_path / "run", start=Start.RESUME)
    run(TINY, whole, tmp_path / "whole")
    assert first_difference(weights_of(resumed.model), weights_of(whole.model)) is None


def test_a_second_ctrl_c_stops_at_once(tmp_path: Path) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(TINY, tiny_inputs(), tmp_path / "run", hooks=[Call(7, twice)])
    assert steps(tmp_path / "run")[-1].name == "step-00000005"


def test_ctrl_c_while_validating_keeps_the_step(tmp_path: Path) -> None:
    """Step 4 validates without being due to be saved."""
    inputs = tiny_inputs()

    def interrupt(module: torch.nn.Module, given: tuple[torch.Tensor], _: object) -> None:
        if not module.training and given[0].shape[1] == TIME:
            os.kill(os.getpid(), signal.SIGINT)

    inputs.model.stack.norm.register_forward_hook(interrupt)
    with pytest.raises(InterruptedRunError, match="step 4"):
        run(config(micro_batch=2), inputs, tmp_path / "run")
    resumed, whole = tiny_inputs(), tiny_inputs()
    run(config(micro_batch=2), resumed, tmp_path / "run", start=Start.RESUME)
    run(config(micro_batch=2), whole, tmp_path / "whole")
    assert first_difference(weights_of(resumed.model), weights_of(whole.model)) is None
    assert [r.step for r in records(tmp_path / "run", "validation", "loss")] == [4, 8, 12]


# ---- order


def test_a_state_is_saved_before_it_is_measured(tmp_path: Path) -> None:
    events: list[str] = []

    class Watch(Hook):
        def on_save(self, path: Path) -> None:
            events.append(f"save {path.name[-2:]}")

        def on_validate(self, result: Validation) -> None:
            events.append(f"validate {result.step}")

    run(config(save_every=4), tiny_inputs(), tmp_path / "run", hooks=[Watch()])
    assert events == ["save 04", "validate 4", "save 08", "validate 8", "save 12", "validate 12"]
