"""Training checkpoints: the model folder of a step plus what training needs to go on exactly there.

    RUN/checkpoints/step-00000120/    a model folder, and training.safetensors (optimizer, random states),
                                      train_state.json (everything else), manifest.json last

A folder appears in one rename, so a crash leaves either the whole step or a `.partial` folder that is cleared
later. Whatever happened to the newest, the newest one whose every hash is right is used.
"""

import logging
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from zhixing.checkpoint.folder import Loaded, ModelInfo, load_network, write_files
from zhixing.checkpoint.manifest import Manifest, read_manifest, verify, write_manifest
from zhixing.checkpoint.tensors import read_tensors, write_tensors
from zhixing.core.errors import CheckpointError, DataError, ZhixingError
from zhixing.core.files import atomic_folder, read_json, write_json
from zhixing.model.assembly import Network
from zhixing.tokenizer.tokenizer import Tokenizer

FOLDER = "checkpoints"
TENSORS = "training.safetensors"
STATE = "train_state.json"

_log = logging.getLogger(__name__)


class Step(NamedTuple):
    """What was saved at a step."""

    loaded: Loaded[Network]
    tensors: dict[str, Tensor]
    state: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A step that cannot be used, and why."""

    path: Path
    reason: str


def step_folder(run: Path, step: int) -> Path:
    """Where step `step` of a run is saved."""
    return run / FOLDER / f"step-{step:08d}"


def save_step(
    run: Path,
    model: Network,
    tokenizer: Tokenizer,
    *,
    tensors: Mapping[str, Tensor],
    state: Mapping[str, Any],
    info: ModelInfo,
    keep: int = 2,
) -> Path:
    """Save step `info.step` of the run in `run`, then delete all but the newest `keep`; returns its folder.

    `state` is plain JSON. A step saved before under the same number is replaced.
    """
    if keep < 1:
        raise ValueError(f"keep = {keep} must be at least 1")
    path = step_folder(run, info.step)
    with atomic_folder(path) as scratch:
        manifest = write_files(scratch, model, tokenizer, info=info)
        write_tensors(scratch / TENSORS, tensors)
        write_json(scratch / STATE, dict(state))
        write_manifest(scratch, manifest)
    _prune(run, newest=path, keep=keep)
    return path


def newest_good_step(run: Path) -> Path | None:
    """The newest step of a run whose files are all whole, or None; every skipped one is logged as a warning."""
    path, skipped = find_good_step(run)
    for step in skipped:
        _log.warning("checkpoint %s cannot be used and is skipped: %s", step.path, step.reason)
    return path


def find_good_step(run: Path) -> tuple[Path | None, tuple[Skipped, ...]]:
    """The newest step whose files are all whole (None: there is none), and the newer ones that are not."""
    skipped: list[Skipped] = []
    for path in reversed(steps(run)):
        try:
            _verify_step(path)
        except ZhixingError as error:
            skipped.append(Skipped(path=path, reason=str(error)))
            continue
        return path, tuple(skipped)
    return None, tuple(skipped)


def load_step(path: Path) -> Step:
    """Open a step. Raises CheckpointError when any of its files is not as it was saved."""
    _check_listed(path)
    loaded = load_network(path)
    try:
        state = read_json(path / STATE)
    except DataError as error:
        raise CheckpointError(str(error)) from error
    return Step(loaded=loaded, tensors=read_tensors(path / TENSORS), state=state)


def steps(run: Path) -> list[Path]:
    """The finished step folders of a run, oldest first, good or not."""
    folder = run / FOLDER
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted((p for p in found if re.fullmatch(r"step-\d{8,}", p.name)), key=_number)


def _number(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


def _verify_step(path: Path) -> None:
    verify(path, _check_listed(path))


def _check_listed(path: Path) -> Manifest:
    """The manifest of a step, which must vouch for the files of training too."""
    manifest = read_manifest(path)
    missing = {TENSORS, STATE} - set(manifest.files)
    if missing:
        raise CheckpointError(
            f"{path} is a model but no training checkpoint: it lacks {', '.join(sorted(missing))}"
        )
    return manifest


def _prune(run: Path, *, newest: Path, keep: int) -> None:
    """Delete older steps beyond `keep` and the scratch folders that crashed runs left."""
    older = [path for path in steps(run) if _number(path) < _number(newest)]
    for path in older[: max(0, len(older) - (keep - 1))]:
        # Renamed first: a crash while deleting must not leave a half step under a good name.
        doomed = path.with_name(f".{path.name}.retired")
        shutil.rmtree(doomed, ignore_errors=True)
        path.rename(doomed)
        shutil.rmtree(doomed)
    for scratch in newest.parent.glob(".step-*"):
        shutil.rmtree(scratch, ignore_errors=True)
