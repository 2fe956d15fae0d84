"""What training is for an n-gram model: count the documents once, measure, leave the same kind of folder.

There is nothing to resume: counting again gives the same model and takes seconds.
"""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from zhixing.checkpoint.folder import ModelInfo
from zhixing.core.files import locked, sha256_json
from zhixing.core.progress import Progress
from zhixing.core.records import RecordWriter
from zhixing.data.shard import TokenShard
from zhixing.kernels.cross_entropy import IGNORED
from zhixing.model.config import NGramConfig
from zhixing.model.ngram import NGram, count
from zhixing.train import folder as run_folder
from zhixing.train.batches import micro_batches
from zhixing.train.folder import Start
from zhixing.train.report import validation_records
from zhixing.train.session import Inputs, Result
from zhixing.train.state import Best
from zhixing.train.validate import HeldOut, Validation, hold_out, make_validation

ROWS = 32
"""Rows that are scored at once."""


def run(
    config: NGramConfig, inputs: Inputs, folder: Path, *, start: Start, progress: Progress
) -> Result:
    """Count the training documents of `inputs` into a model in `folder`; the model in `inputs` is not used.

    Raises UsageError if the folder holds a run and `start` is NEW; with RESUME it is counted again.
    """
    run_folder.check(folder, start)
    with locked(folder):
        progress.start(f"count n-grams up to {config.order} tokens")
        began = perf_counter()
        ids, ends = joined(inputs.train)
        model = count(ids, ends, inputs.tokenizer.vocab, config)
        seconds = perf_counter() - began
        tokens = len(ids) - len(ends)
        result = _validate(model, inputs)
        if start is not Start.NEW:
            run_folder.clear(folder)
        _write_curve(result, inputs, folder, seconds=seconds, tokens=tokens)
        info = ModelInfo(
            step=1, tokens=tokens, config_hash=sha256_json(inputs.recipe), card=inputs.card
        )
        run_folder.publish(folder, model, inputs.tokenizer, info=info)
        told = "" if result is None else f", held-out loss {result.loss:.3f} nats per token"
        progress.finish(f"{model.num_ngrams:,} n-grams of {tokens:,} tokens{told}")
        return Result(
            folder=folder,
            step=1,
            tokens=tokens,
            seconds=seconds,
            selected_step=1,
            best=None if result is None else Best(step=1, tokens=tokens, loss=result.loss),
            stopped_early=False,
        )


def joined(shards: Sequence[TokenShard]) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    """The ids of all documents of all shards end to end, and where each document ends."""
    starts = np.cumsum([0, *(len(shard.ids) for shard in shards[:-1])])
    ends = [shard.ends + start for shard, start in zip(shards, starts, strict=True)]
    return np.concatenate([shard.ids for shard in shards]), np.concatenate(ends)


@torch.no_grad()
def _validate(model: NGram, inputs: Inputs) -> Validation | None:
    if not inputs.validation:
        return None
    began = perf_counter()
    held = hold_out(
        inputs.validation,
        time=inputs.time,
        tokens=None,
        micro_batch=ROWS,
        text_bytes=inputs.validation_bytes,
    )
    nats, targets = _score(model, held)
    return make_validation(held, step=1, nats=nats, targets=targets, seconds=perf_counter() - began)


def _score(model: NGram, held: HeldOut) -> tuple[float, int]:
    nats, targets = 0.0, 0
    for batch in micro_batches(held.rows, held.micro_batch):
        kept = batch.targets != IGNORED
        scores = model.log_prob(
            batch.tokens, batch.targets.where(kept, 0), documents=batch.documents
        )
        nats -= float(scores[kept].sum())
        targets += int(kept.sum())
    return nats, targets


def _write_curve(
    result: Validation | None, inputs: Inputs, folder: Path, *, seconds: float, tokens: int
) -> None:
    """The one point of this model's curve."""
    if result is None:
        return
    with RecordWriter(folder / run_folder.RECORDS) as records:
        for record in validation_records(
            result, seconds=seconds, tokens=tokens, seed=inputs.seed, run=folder.name
        ):
            records.write(record)
