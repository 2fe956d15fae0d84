"""One run at work: its state, and what happens between two steps (save, measure, write the curve, finish)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zhixing.checkpoint.adapter import Base
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.checkpoint.steps import load_step, save_step
from zhixing.core.errors import InterruptedRunError
from zhixing.core.files import sha256_json
from zhixing.core.interrupt import StopRequest
from zhixing.core.records import RecordWriter
from zhixing.data.source import Source
from zhixing.model.assembly import Network
from zhixing.model.protocol import device_of
from zhixing.objective.learnt import Learnt
from zhixing.objective.protocol import Objective
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.train import folder as run_folder
from zhixing.train.config import TrainConfig
from zhixing.train.hooks import Hook
from zhixing.train.precision import resolve
from zhixing.train.report import StepReport, step_records, validation_records
from zhixing.train.schedule import progress
from zhixing.train.state import (
    Best,
    TrainState,
    capture_plain,
    capture_tensors,
    refuse_changes,
    restore,
)
from zhixing.train.validate import HeldOut, Validation, hold_out, validate

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a run is given, next to its settings."""

    model: Network
    """Trained in place, on the device where it is."""
    tokenizer: Tokenizer
    """Saved with the model."""
    objective: Objective[Any, Any]
    """What it is asked to learn."""
    train: Source[Any]
    """Items to learn from."""
    validation: Source[Any] | None
    """Held-out items. Without any nothing is validated and the last weights are the result."""
    time: int
    """Tokens per item, or most of them."""
    seed: int = 42
    """Of the order of the items and of dropout."""
    validate_tokens: int | None = None
    """Validate on about this many held-out tokens, always the same; None: on all."""
    tokens_per_byte: float | None = None
    """Targets per UTF-8 byte of all held-out text, for bits per byte; None: it is not measured."""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    """All settings that led here, as JSON: a resumed run must have the same."""
    learnt: Learnt | None = None
    """What the finished model can be asked; None for one that continues or writes texts."""
    length_penalty: float = 1.0
    """Of the search for a target, saved with the model."""
    base: Base | None = None
    """The model whose adapter is trained, in the folder of which only the adapter is saved; None: all is saved."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Learning rates of weights by name, as shares of those of the settings; of the others it is 1."""
    card: str = ""
    """Text of the model card."""
    resume_command: str = "run(..., start=Start.RESUME)"
    """What an interrupted person should type."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How a run ended: after `step` steps, with the weights of `selected_step` in `folder`."""

    folder: Path
    step: int
    tokens: int
    seconds: float
    selected_step: int
    best: Best | None
    stopped_early: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What the functions below share. Only `state` changes."""

    config: TrainConfig
    inputs: Inputs
    folder: Path
    state: TrainState
    held_out: HeldOut | None
    hooks: Sequence[Hook]
    records: RecordWriter
    stop: StopRequest

    @property
    def is_stale(self) -> bool:
        """True when validation has not improved for as long as the settings allow."""
        return self.config.patience is not None and self.state.stale >= self.config.patience

    @property
    def is_over(self) -> bool:
        """True when no more steps are to be taken."""
        state = self.state
        done = progress(self.config, step=state.step, seconds=state.seconds)
        return done >= 1.0 or self.is_stale


def facts(config: TrainConfig, inputs: Inputs) -> dict[str, Any]:
    """What must not change between the parts of a run, by the names that a person knows."""
    return {
        **inputs.recipe,
        "train": config.model_dump(mode="json"),
        "data": {**inputs.recipe.get("data", {}), "time": inputs.time},
        "seed": inputs.seed,
        "weights": {name: list(w.shape) for name, w in inputs.model.named_parameters()},
        "tokenizer.json": inputs.tokenizer.hash,
        "training documents": list(inputs.train.hashes),
        "validation documents": list(inputs.validation.hashes) if inputs.validation else [],
    }


def held_out(inputs: Inputs, *, micro_batch: int) -> HeldOut | None:
    """What to validate on; None when nothing is held out."""
    if inputs.validation is None:
        return None
    tokens = inputs.validate_tokens
    return hold_out(
        inputs.validation,
        inputs.objective,
        most=None if tokens is None else max(1, tokens // inputs.time),
        micro_batch=micro_batch,
        tokens_per_byte=inputs.tokens_per_byte,
    )


def save(session: Session) -> None:
    """Write a state to resume from; afterwards the models that were best before are not needed."""
    state = session.state
    path = save_step(
        session.folder,
        state.model,
        session.inputs.tokenizer,
        tensors=capture_tensors(state),
        state={
            **capture_plain(state),
            "facts": facts(session.config, session.inputs),
            "records_bytes": run_folder.records_length(session.folder),
        },
        info=_info(session, state.step, state.tokens),
        keep=session.config.keep,
    )
    state.saved = state.step
    if state.best is not None:
        run_folder.keep_one_best(session.folder, state.best.step)
    for hook in session.hooks:
        hook.on_save(path)


def load(state: TrainState, path: Path, now: Mapping[str, Any]) -> int:
    """Put `state` back to the saved one in `path`; return how many bytes of records belong to it.

    Raises ConfigError when the facts `now` are not those of the saved run.
    """
    loaded, tensors, plain = load_step(path)
    refuse_changes(plain["facts"], now)
    restore(state, loaded.model, tensors, plain)
    return int(plain["records_bytes"])


def settle(session: Session) -> None:
    """Between two steps: save what is due, then measure what is due; InterruptedRunError if asked to stop."""
    state, config = session.state, session.config
    if state.saved != state.step and (session.is_over or _is_due(config.save_every, state.step)):
        save(session)
    is_due = session.is_over or _is_due(config.validate_every, state.step)
    if state.validated != state.step and is_due and not session.stop.is_requested:
        measure(session)
    if session.stop.is_requested:
        _stop(session)
    if session.is_over and state.saved != state.step:  # validation ended it
        save(session)


def measure(session: Session) -> None:
    """Validate, remember the weights if they are the best so far, write the curve."""
    state, config = session.state, session.config
    if session.held_out is None:
        return
    result = validate(
        state.model,
        session.held_out,
        step=state.step,
        dtype=resolve(config.precision, device_of(state.model)),
        should_stop=lambda: session.stop.is_requested,
    )
    if result is None:
        return
    state.validated = state.step
    _compare(session, result)
    for record in validation_records(
        result,
        target=session.inputs.objective.target,
        seconds=state.seconds,
        tokens=state.tokens,
        seed=session.inputs.seed,
        run=session.folder.name,
    ):
        session.records.write(record)
    for hook in session.hooks:
        hook.on_validate(result)


def log(session: Session, report: StepReport) -> None:
    """Write a point of the training curve when it is due, and tell the hooks."""
    if report.step % session.config.log_every == 0 or report.step == 1 or session.is_over:
        target, seed = session.inputs.objective.target, session.inputs.seed
        for record in step_records(report, target=target, seed=seed, run=session.folder.name):
            session.records.write(record)
    done = progress(session.config, step=session.state.step, seconds=session.state.seconds)
    for hook in session.hooks:
        hook.on_step(report, done)


def finish(session: Session) -> Result:
    """Write the selected weights as a model folder, and say how the run ended."""
    state = session.state
    step, tokens = _select(session)
    run_folder.publish(
        session.folder,
        state.model,
        session.inputs.tokenizer,
        info=_info(session, step, tokens),
    )
    run_folder.drop_best(session.folder)
    return Result(
        folder=session.folder,
        step=state.step,
        tokens=state.tokens,
        seconds=state.seconds,
        selected_step=step,
        best=state.best,
        stopped_early=session.is_stale,
    )


def _select(session: Session) -> tuple[int, int]:
    """Leave the selected weights in the model; return after how many steps and tokens they came."""
    state, best = session.state, session.state.best
    last = (state.step, state.tokens)
    if session.config.select == "last" or best is None or best.step == state.step:
        return last
    folder = run_folder.best_folder(session.folder, best.step)
    if not folder.exists() and run_folder.published_step(session.folder) == best.step:
        folder = session.folder  # this run was finished before
    if not folder.exists():
        _log.warning("the weights of the best step %d are lost; the last ones are used", best.step)
        return last
    state.model.load_state_dict(load_network(folder).model.state_dict())
    return best.step, best.tokens


def _is_due(every: int | None, step: int) -> bool:
    return every is not None and step > 0 and step % every == 0


def _compare(session: Session, result: Validation) -> None:
    state = session.state
    if state.best is not None and result.loss >= state.best.loss:
        state.stale += 1
        return
    state.best, state.stale = Best(step=state.step, tokens=state.tokens, loss=result.loss), 0
    if session.config.select == "best":
        save_model(
            run_folder.best_folder(session.folder, state.step),
            state.model,
            session.inputs.tokenizer,
            info=_info(session, state.step, state.tokens),
        )


def _stop(session: Session) -> None:
    state = session.state
    if state.saved != state.step or not state.step:
        save(session)
    assert session.stop.signal is not None
    raise InterruptedRunError(
        f"stopped by {session.stop.signal.name} after step {state.step}, which is saved in "
        f"{session.folder}; to continue, type: {session.inputs.resume_command}"
    )


def _info(session: Session, step: int, tokens: int) -> ModelInfo:
    return ModelInfo(
        step=step,
        tokens=tokens,
        config_hash=sha256_json(session.inputs.recipe),
        card=session.inputs.card,
        base=session.inputs.base,
        learnt=session.inputs.learnt,
        length_penalty=session.inputs.length_penalty,
    )
