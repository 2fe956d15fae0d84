"""Everything a run is at one moment, and its way to files and back: tensors by name, the rest as JSON.

A resumed run continues bit for bit only if nothing is missing here: weights, what the optimizer remembers, where
the data stream is, and the random numbers that dropout will draw. The learning rate follows from the progress.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from zhixing.core.errors import CheckpointError, ConfigError
from zhixing.data.order import Cursor
from zhixing.model.assembly import Network
from zhixing.train.optimizer import Optimizer

RANDOM = "random"
OPTIMIZER = "optimizer/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Best:
    """The step with the lowest validation loss so far (nats per token)."""

    step: int
    tokens: int
    loss: float


@dataclass(kw_only=True, slots=True)
class TrainState:
    """What changes while training (mutable)."""

    model: Network
    optimizer: Optimizer
    random: torch.Generator
    cursor: Cursor = field(default_factory=Cursor)
    step: int = 0
    """Optimizer steps taken."""
    tokens: int = 0
    """Targets predicted in all steps; padding does not count."""
    seconds: float = 0.0
    """Time spent in steps, without validating and saving."""
    saved: int = 0
    """The step that is on disk."""
    validated: int = 0
    """The step of the newest validation."""
    best: Best | None = None
    """Where validation was best; None before the first validation."""
    stale: int = 0
    """Validations since the best one."""


def capture_tensors(state: TrainState) -> dict[str, Tensor]:
    """The tensors to save beside the model: the optimizer's memory and the random numbers."""
    memory = {f"{OPTIMIZER}{key}": value for key, value in state.optimizer.tensors().items()}
    return {**memory, RANDOM: state.random.get_state()}


def capture_plain(state: TrainState) -> dict[str, Any]:
    """All of the state that is not a tensor, as JSON."""
    return {
        "step": state.step,
        "tokens": state.tokens,
        "seconds": state.seconds,
        "validated": state.validated,
        "best": None if state.best is None else asdict(state.best),
        "stale": state.stale,
        "cursor": asdict(state.cursor),
    }


def restore(
    state: TrainState,
    saved: torch.nn.Module,
    tensors: Mapping[str, Tensor],
    plain: Mapping[str, Any],
) -> None:
    """Put `state` back to where it was captured; CheckpointError if something is missing."""
    state.model.load_state_dict(saved.state_dict())
    try:
        random = tensors[RANDOM]
        best = plain["best"]
        state.best = None if best is None else Best(**best)
        state.cursor = Cursor(**plain["cursor"])
        for name in ("step", "tokens", "seconds", "validated", "stale"):
            setattr(state, name, plain[name])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"the saved training state is incomplete: {error}") from error
    state.saved = state.step
    state.random.set_state(random.cpu())
    state.optimizer.load_tensors(
        {key.removeprefix(OPTIMIZER): tensors[key] for key in tensors if key.startswith(OPTIMIZER)}
    )


def refuse_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """ConfigError naming every setting that is not what it was when the run began."""
    old, new = flatten(before), flatten(now)
    changed = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    if not changed:
        return
    lines = [
        f"  {key} was {_shown(old, key)} when this run began and is {_shown(new, key)} now"
        for key in changed
    ]
    raise ConfigError(
        "a resumed run must be the run that was begun, and this one differs:\n"
        + "\n".join(lines)
        + "\nset it back, or train in another folder (--out), or start again with --fresh"
    )


def flatten(tables: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"train": {"lr": 1}}` to `{"train.lr": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def _shown(flat: Mapping[str, Any], key: str) -> str:
    return repr(flat[key]) if key in flat else "not set"
