"""What a run leaves in its folder, and what happens to it when the folder is used again.

RUN/model files, manifest.json   the finished model
RUN/records.jsonl                curves
RUN/checkpoints/step-…           states to resume from, the newest ones
RUN/best/step-…                  the best model so far, until the run is finished
"""

import os
import shutil
from enum import StrEnum
from pathlib import Path

from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.checkpoint.manifest import NAME, read_manifest
from zhixing.checkpoint.steps import FOLDER, newest_good_step, steps
from zhixing.core.errors import CheckpointError, UsageError
from zhixing.model.assembly import Network
from zhixing.tokenizer.tokenizer import Tokenizer

STEPS, BEST, RECORDS, MANIFEST = FOLDER, "best", "records.jsonl", NAME


class Start(StrEnum):
    """What to do with what an earlier run left in the folder."""

    NEW = "new"
    """There must be nothing."""
    RESUME = "resume"
    """Continue it; a run that never came to save a state begins again."""
    FRESH = "fresh"
    """Delete it and begin again."""


def prepare(folder: Path, start: Start) -> Path | None:
    """Make `folder` ready and return the saved state to continue from, if any.

    Raises UsageError when NEW would overwrite a run, CheckpointError when no saved state is whole.
    """
    check(folder, start)
    if start is Start.FRESH:
        clear(folder)
    newest = newest_good_step(folder)
    if newest is None and steps(folder):
        raise CheckpointError(
            f"none of the saved states in {folder / STEPS} is whole; restore one of them, or begin "
            "again with --fresh"
        )
    return newest


def check(folder: Path, start: Start) -> None:
    """Raise UsageError when a NEW run would overwrite what is in `folder`."""
    if start is Start.NEW:
        _refuse_used(folder)


def clear(folder: Path) -> None:
    """Delete what a run leaves in `folder`, and nothing else."""
    model_files = _model_files(folder)
    (folder / MANIFEST).unlink(missing_ok=True)
    for name in (STEPS, BEST):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (RECORDS, *model_files):
        (folder / name).unlink(missing_ok=True)


def cut_records(folder: Path, length: int) -> None:
    """Drop the records written after the state that a run resumes from, which will be written again."""
    path = folder / RECORDS
    if path.exists() and path.stat().st_size > length:
        os.truncate(path, length)


def records_length(folder: Path) -> int:
    """Bytes of records so far."""
    path = folder / RECORDS
    return path.stat().st_size if path.exists() else 0


def publish(folder: Path, model: Network, tokenizer: Tokenizer, *, info: ModelInfo) -> None:
    """Write the finished model into `folder`, among the other files of the run, its manifest last."""
    scratch = folder / ".finished"
    shutil.rmtree(scratch, ignore_errors=True)
    save_model(scratch, model, tokenizer, info=info)
    (folder / MANIFEST).unlink(missing_ok=True)  # until the new one is whole there is none
    for path in sorted(scratch.iterdir(), key=lambda path: path.name == MANIFEST):
        os.replace(path, folder / path.name)
    scratch.rmdir()


def published_step(folder: Path) -> int | None:
    """The step whose weights are the finished model in `folder`; None while there is none."""
    return read_manifest(folder).step if (folder / MANIFEST).exists() else None


def best_folder(folder: Path, step: int) -> Path:
    """Where the model of `step` is kept while it is the best."""
    return folder / BEST / f"step-{step:08d}"


def keep_one_best(folder: Path, step: int) -> None:
    """Delete the models that were best before the one of `step`."""
    for path in (folder / BEST).glob("*"):
        if path != best_folder(folder, step):
            shutil.rmtree(path)


def drop_best(folder: Path) -> None:
    """Delete what `best_folder` named: the finished model has been made of it."""
    shutil.rmtree(folder / BEST, ignore_errors=True)


def _refuse_used(folder: Path) -> None:
    found = [name for name in (MANIFEST, STEPS, RECORDS) if (folder / name).exists()]
    if not found:
        return
    what = "a finished run" if MANIFEST in found else "a run that is not finished"
    raise UsageError(
        f"{folder} holds {what}; add --resume to continue it, --fresh to delete it and begin again, "
        "or choose another folder with --out"
    )


def _model_files(folder: Path) -> list[str]:
    """What the manifest lists; nothing where it is broken, so that --fresh works there too."""
    try:
        return [*read_manifest(folder).files]
    except CheckpointError:  # also when there is none
        return []
