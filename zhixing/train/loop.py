"""The training loop: add up the gradients of a step, move the weights, now and then save and measure.

    run ── step ── objective.losses ── model
     └──── settle: save, then validate; a crash while validating loses nothing

What is learnt is an argument: the loop knows an objective as items, their collation, and losses that are sums with
counts (objective/protocol.py). The loss of a step is the sum over all its targets divided once by their number, so
that the size of micro-batches, packing and padding change nothing. A run of `steps` gives the same weights bit for bit wherever it is interrupted
and resumed, on one machine with one number of threads: with another number of threads torch adds in another order.
Left out: several processes; the same promise on a GPU, where some sums have no fixed order.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import add
from pathlib import Path
from threading import current_thread, main_thread
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn

from zhixing.core.batches import chunks
from zhixing.core.errors import DataError, UnsupportedError, ZhixingError
from zhixing.core.files import locked
from zhixing.core.interrupt import StopRequest, stop_requests
from zhixing.core.records import RecordWriter
from zhixing.data.order import Cursor
from zhixing.model.assembly import Network
from zhixing.model.protocol import device_of
from zhixing.objective.loss import Counts, Losses, add_counts
from zhixing.objective.protocol import Objective
from zhixing.train import folder as run_folder
from zhixing.train.batches import Steps, on_device
from zhixing.train.config import TrainConfig, rows_per_step
from zhixing.train.folder import Start
from zhixing.train.hooks import Hook
from zhixing.train.optimizer import build_optimizer, split
from zhixing.train.precision import computing_in, resolve
from zhixing.train.report import StepReport
from zhixing.train.schedule import progress, rate
from zhixing.train.session import (
    Inputs,
    Result,
    Session,
    facts,
    finish,
    held_out,
    load,
    log,
    settle,
)
from zhixing.train.side_by_side import backward, threads_for
from zhixing.train.state import TrainState


def run(
    config: TrainConfig,
    inputs: Inputs,
    folder: Path,
    *,
    start: Start = Start.NEW,
    hooks: Sequence[Hook] = (),
) -> Result:
    """Train `inputs.model` and leave the finished model, its curves and states to resume from in `folder`.

    Raises UsageError if the folder holds a run and `start` is NEW; ConfigError if a resumed run was begun with
    other settings; InterruptedRunError after Ctrl-C or SIGTERM, when the state is saved; ZhixingError when loss or
    gradient stop being finite numbers: the last saved state stays as it is.
    """
    rows = rows_per_step(config, inputs.time)
    with locked(folder):
        newest = run_folder.prepare(folder, start)
        state = new_state(config, inputs)
        kept = 0 if newest is None else load(state, newest, facts(config, inputs))
        run_folder.cut_records(folder, kept)
        with RecordWriter(folder / run_folder.RECORDS) as records, _listening() as stop:
            session = Session(
                config=config,
                inputs=inputs,
                folder=folder,
                state=state,
                held_out=held_out(inputs, micro_batch=config.micro_batch or rows),
                hooks=hooks,
                records=records,
                stop=stop,
            )
            return _train(session)


def _train(session: Session) -> Result:
    state, config, inputs = session.state, session.config, session.inputs
    steps = inputs.train.batches(state.cursor, rows_per_step(config, inputs.time))
    state.model.train()
    settle(session)
    while not session.is_over:
        report = step(state, steps, inputs.objective, config)
        log(session, report)
        settle(session)
    return finish(session)


def step(
    state: TrainState,
    steps: Steps[Any],
    objective: Objective[Any, Any],
    config: TrainConfig,
) -> StepReport:
    """Take the next of `steps`; `state` moves on by one.

    Raises ZhixingError, before any weight has moved, when loss or gradient is not a finite number.
    """
    began = perf_counter()
    items, cursor = next(steps)
    counts = add_counts(map(objective.counts, items))
    share = rate(config, progress(config, step=state.step, seconds=state.seconds))
    parts = accumulate(state.model, objective, items, counts, config)
    loss, count = sum(parts.values()), next(iter(counts.values()))
    parts |= penalise(state.model, config)
    grad_norm = _clip(state.model, config.clip)
    _refuse_not_finite(state, loss, grad_norm, config)
    state.optimizer.set_rate(share)
    state.optimizer.step()
    seconds = perf_counter() - began
    state.step += 1
    state.tokens += count
    state.seconds += seconds
    state.cursor = cursor
    return StepReport(
        step=state.step,
        tokens=count,
        loss=loss,
        grad_norm=grad_norm,
        lr=config.lr * share,
        seconds=seconds,
        parts=parts if len(parts) > 1 else {},
    )


def accumulate(
    model: Network,
    objective: Objective[Any, Any],
    items: Sequence[Any],
    counts: Counts,
    config: TrainConfig,
) -> dict[str, float]:
    """Leave in `model` the gradient of the losses over `counts` targets of `items`; return the losses, divided.

    Raises DataError when there is no target to learn from.
    """
    learnt = {name: count for name, count in counts.items() if count}
    if not learnt:
        raise DataError(f"not one of {len(items)} examples has a target to learn from")
    device = device_of(model)
    dtype = resolve(config.precision, device)

    def compute(part: Sequence[Any]) -> tuple[Tensor, dict[str, Tensor]]:
        batch = on_device(objective.collate(part), device)
        with computing_in(dtype, device):
            losses = objective.losses(model, batch)
        return _divided(losses, learnt), {name: losses[name].total.detach() for name in learnt}

    totals = dict.fromkeys(learnt, 0.0)
    threads = threads_for(model, objective)
    for part in chunks(items, config.micro_batch or len(items)):
        for found in backward(model, compute, part, threads=threads):
            totals = {name: totals[name] + float(found[name]) for name in learnt}
    return {name: totals[name] / count for name, count in learnt.items()}


def _divided(losses: Losses, counts: Counts) -> Tensor:
    """The sum of the losses, each divided by its targets in the whole step."""
    return reduce(add, [losses[name].total / count for name, count in counts.items()])


def penalise(model: Network, config: TrainConfig) -> dict[str, float]:
    """Add the gradient of l1 · Σ|w| + l2 / 2 · Σ w² over the weights that decay; return both penalties.

    Once a step, not once a micro-batch: they do not depend on the data.
    """
    if not config.l1 and not config.l2:
        return {}
    weights = [*split(model).matrices.values()]
    l1 = config.l1 * reduce(add, [weight.abs().sum() for weight in weights])
    l2 = config.l2 / 2 * reduce(add, [weight.square().sum() for weight in weights])
    torch.autograd.backward(l1 + l2)
    found = {"l1": float(l1.detach()), "l2": float(l2.detach())}
    return {name: value for name, value in found.items() if value}


def new_state(config: TrainConfig, inputs: Inputs) -> TrainState:
    """The state before the first step; seeds the random numbers of dropout."""
    weights = [weight for weight in inputs.model.parameters() if weight.requires_grad]
    if not weights:
        raise UnsupportedError(
            f"a {type(inputs.model).__name__} has no weights to train by gradient"
        )
    random = _generator(weights[0].device)
    random.manual_seed(inputs.seed)
    return TrainState(
        model=inputs.model,
        optimizer=build_optimizer(inputs.model, config, inputs.rates),
        random=random,
        cursor=Cursor(seed=inputs.seed),
    )


def _generator(device: torch.device) -> torch.Generator:
    """The generator that dropout draws from on `device`."""
    if device.type == "cuda":
        return torch.cuda.default_generators[device.index or 0]
    return torch.default_generator


def _clip(model: Network, longest: float | None) -> float:
    """Norm of the whole gradient; the gradient is scaled down to `longest` if it is longer."""
    return float(nn.utils.clip_grad_norm_(model.parameters(), longest or math.inf))


def _refuse_not_finite(
    state: TrainState, loss: float, grad_norm: float, config: TrainConfig
) -> None:
    if math.isfinite(loss) and math.isfinite(grad_norm):
        return
    rates = f"train.lr (now {config.lr})"
    if config.optimizer == "muon":
        rates += f" or train.matrix_lr (now {config.matrix_lr})"
    saved = f"the state of step {state.saved} stays saved" if state.saved else "nothing was saved"
    raise ZhixingError(
        f"training broke down at step {state.step + 1}: loss {loss}, gradient norm {grad_norm}; "
        f"{saved}. Lower {rates}, raise train.warmup, or set train.clip, and begin again with --fresh"
    )


@contextmanager
def _listening() -> Iterator[StopRequest]:
    """Ctrl-C and SIGTERM as a request; Python delivers signals to the main thread only."""
    if current_thread() is not main_thread():
        yield StopRequest()
        return
    with stop_requests() as stop:
        yield stop
