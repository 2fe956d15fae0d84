"""Proof that stopping costs nothing: kill a run with signal 9 at random steps, resume it, compare every bit.

    one    ──────────────────────────────────▶ final weights
    other  ────✗ ──────✗ ─✗ ─────────────────▶ final weights       ✗ kill -9, then --resume

Signal 9 cannot be caught, so whatever the run was doing, a step, a save, a validation, stays half done.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor

from zhixing.checkpoint.steps import newest_good_step
from zhixing.core.errors import CheckpointError, ZhixingError
from zhixing.core.records import Record, read_records
from zhixing.train.folder import RECORDS

POLL_SECONDS = 0.002
LONGEST_DELAY_SECONDS = 0.03
"""A kill comes up to this long after its step was seen, to hit different moments of the loop."""
TIMES = ("seconds", "_per_second")
"""How the names of records end that two equal runs do not share."""


class Process(Protocol):
    """A run in a process of its own (subprocess.Popen is one)."""

    def poll(self) -> int | None:
        """Exit code, or None while it runs."""

    def kill(self) -> None:
        """Send signal 9."""

    def wait(self) -> int:
        """Exit code, when it has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """The first number of the first tensor that is not the same in both runs."""

    tensor: str
    index: tuple[int, ...]
    one: float
    other: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two finished runs. `first_step` is the first step whose loss differs, if the curves show it."""

    tensors: int
    difference: Difference | None
    first_step: int | None


def run_to_the_end(start: Callable[[bool], Process]) -> None:
    """Run without interruption; `start(resume)` begins a process. ZhixingError when it fails."""
    _check(start(False).wait())


def run_with_kills(
    start: Callable[[bool], Process], folder: Path, *, targets: Sequence[int], seed: int
) -> list[int]:
    """Kill the run in `folder` when it reaches each of the `targets` (rising steps), resuming it each time.

    Returns the newest recorded step at each kill that came before the run was over.
    """
    chance = random.Random(seed)
    killed: list[int] = []
    for target in targets:
        process = start(bool(killed))
        while process.poll() is None and newest_step(folder) < target:
            time.sleep(POLL_SECONDS)
        time.sleep(chance.uniform(0.0, LONGEST_DELAY_SECONDS))
        if process.poll() is not None:
            _check(process.wait())
            return killed
        process.kill()
        process.wait()
        killed.append(newest_step(folder))
    _check(start(bool(killed)).wait())
    return killed


def newest_step(folder: Path) -> int:
    """The last step in the records of a run that may be writing them just now; 0 before the first."""
    try:
        lines = (folder / RECORDS).read_bytes().splitlines(keepends=True)[-2:]
    except FileNotFoundError:
        return 0
    whole = [line for line in lines if line.endswith(b"\n")]
    return _step_of(whole[-1]) if whole else 0


def compare(one: Path, other: Path) -> Comparison:
    """Compare the finished models of two runs and the last saved states, optimizers and random numbers included."""
    left, right = _tensors(one), _tensors(other)
    if left.keys() != right.keys():
        raise CheckpointError(
            f"{one} and {other} do not hold the same tensors; they differ in kind"
        )
    return Comparison(
        tensors=len(left),
        difference=first_difference(left, right),
        first_step=_first_different_step(one, other),
    )


def first_difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> Difference | None:
    """The first place, in the order of names, where two sets of tensors differ in any bit."""
    for name in sorted(one):
        differing = _bits(one[name]) != _bits(other[name])
        if not bool(differing.any()):
            continue
        flat = int(differing.flatten().nonzero()[0])
        return Difference(
            tensor=name,
            index=tuple(int(i) for i in torch.unravel_index(torch.tensor(flat), one[name].shape)),
            one=float(one[name].flatten()[flat]),
            other=float(other[name].flatten()[flat]),
        )
    return None


def _check(code: int) -> None:
    if code:
        raise ZhixingError(f"the run that is to be verified ended with exit code {code}")


def _step_of(line: bytes) -> int:
    return int(json.loads(line)["step"] or 0)


def _tensors(run: Path) -> dict[str, Tensor]:
    newest = newest_good_step(run)
    if newest is None:
        raise CheckpointError(f"{run} has no whole saved state to compare")
    return {
        f"{path.relative_to(folder).stem}: {name}": tensor
        for folder, pattern in ((run, "*model*.safetensors"), (newest, "training.safetensors"))
        for path in sorted(folder.glob(pattern))
        for name, tensor in load_file(path).items()
    }


def _bits(tensor: Tensor) -> Tensor:
    """The same numbers as integers, so that NaN equals itself and 0 is not -0."""
    integers = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.uint8}
    return tensor.view(integers[tensor.element_size()])


def _first_different_step(one: Path, other: Path) -> int | None:
    for left, right in zip(_curve(one), _curve(other), strict=False):
        if (left.name, left.step, left.value) != (right.name, right.step, right.value):
            return left.step
    return None


def _curve(run: Path) -> Iterator[Record]:
    return (record for record in read_records(run / RECORDS) if not record.name.endswith(TIMES))
