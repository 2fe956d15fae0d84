"""Training without gradients: an n-gram model is counted once, then measured like every other model."""

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from zhixing.checkpoint.folder import ModelInfo
from zhixing.core.files import locked, sha256_json
from zhixing.core.progress import Progress
from zhixing.core.records import RecordWriter
from zhixing.core.targets import IGNORED
from zhixing.data.shard import TokenShard
from zhixing.data.source import PackedRows
from zhixing.model.config import NGramConfig
from zhixing.model.ngram import NGram
from zhixing.model.ngram import count as count_ngrams
from zhixing.objective.causal import Causal
from zhixing.objective.loss import Tally
from zhixing.train import folder as run_folder
from zhixing.train.batches import micro_batches
from zhixing.train.folder import Start
from zhixing.train.report import validation_records
from zhixing.train.session import Inputs, Result, held_out
from zhixing.train.validate import HeldOut, Validation

ROWS_AT_ONCE = 64


def run(
    config: NGramConfig,
    inputs: Inputs,
    folder: Path,
    *,
    start: Start = Start.NEW,
    progress: Progress,
) -> Result:
    """Count the training rows' shards into a model in `folder`; there is nothing to resume, it is counted again."""
    assert isinstance(inputs.train, PackedRows), "n-grams are counted in whole documents"
    shards = inputs.train.shards
    with locked(folder):
        run_folder.check(folder, start)
        progress.start(f"{config.kind} in {folder}", unit="tokens")
        began = perf_counter()
        ids = np.concatenate([shard.ids for shard in shards])
        model = count_ngrams(ids, _ends(shards), inputs.tokenizer.vocab, config)
        seconds = perf_counter() - began
        tokens = len(ids) - sum(len(shard.ends) for shard in shards)
        run_folder.clear(folder)
        _validate(model, inputs, folder, seconds=seconds, tokens=tokens)
        info = ModelInfo(
            step=1, tokens=tokens, config_hash=sha256_json(inputs.recipe), card=inputs.card
        )
        run_folder.publish(folder, model, inputs.tokenizer, info=info)
        progress.finish(
            f"{config.kind}: {model.num_ngrams:,} n-grams of {tokens:,} tokens counted in {seconds:.1f} s"
        )
    return Result(
        folder=folder,
        step=1,
        tokens=tokens,
        seconds=seconds,
        selected_step=1,
        best=None,
        stopped_early=False,
    )


def _ends(shards: Sequence[TokenShard]) -> NDArray[np.int64]:
    """Where each document ends in all shards laid end to end."""
    before = np.cumsum([0, *(len(shard.ids) for shard in shards)])
    return np.concatenate(
        [shard.ends + start for shard, start in zip(shards, before[:-1], strict=True)]
    )


def _validate(model: NGram, inputs: Inputs, folder: Path, *, seconds: float, tokens: int) -> None:
    """Write the one point of its curve, on the same rows that the other models are measured on."""
    with RecordWriter(folder / run_folder.RECORDS) as records:
        held = held_out(inputs, micro_batch=ROWS_AT_ONCE)
        if held is None:
            return
        for record in validation_records(
            _measure(model, held),
            target=held.objective.target,
            seconds=seconds,
            tokens=tokens,
            seed=inputs.seed,
            run=folder.name,
        ):
            records.write(record)


def _measure(model: NGram, held: HeldOut) -> Validation:
    began = perf_counter()
    nats, targets = 0.0, 0
    for batch in micro_batches(Causal(), held.items, held.micro_batch):
        kept = batch.targets != IGNORED
        found = model.log_prob(batch.tokens, batch.targets.clamp(min=0), documents=batch.documents)
        nats -= float(found[kept].sum())
        targets += int(kept.sum())
    return Validation(
        step=1,
        losses={"loss": Tally(total=nats, count=targets)},
        tokens_per_byte=held.tokens_per_byte,
        seconds=perf_counter() - began,
    )
