from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.tiny import TIME, first_difference, tiny_inputs, tiny_shard, weights_of
from zhixing.checkpoint.folder import load_model
from zhixing.core.errors import UsageError
from zhixing.core.progress import Silent
from zhixing.core.records import read_records
from zhixing.data.source import PackedRows
from zhixing.model.config import NGramConfig
from zhixing.model.ngram import NGram
from zhixing.train.counting import run
from zhixing.train.folder import Start

BIGRAM = NGramConfig(order=2)


def held_out_loss(folder: Path) -> float:
    found = list(read_records(folder / "records.jsonl"))
    return next(record.value for record in found if record.name == "loss")


def test_a_counted_model_is_left_like_a_trained_one(tmp_path: Path) -> None:
    inputs = tiny_inputs(documents=300)
    result = run(BIGRAM, inputs, tmp_path / "run", start=Start.NEW, progress=Silent())
    loaded = load_model(tmp_path / "run")
    assert isinstance(loaded.model, NGram)
    assert loaded.manifest.tokens == result.tokens
    assert (
        0.4 < held_out_loss(tmp_path / "run") < 0.75
    )  # a bigram knows the rule; about 0.5 cannot be known
    names = [record.name for record in read_records(tmp_path / "run/records.jsonl")]
    assert names == ["loss", "seconds", "tokens", "bits_per_byte"]


def test_its_held_out_loss_is_that_of_its_own_logits(tmp_path: Path) -> None:
    inputs = tiny_inputs()
    run(BIGRAM, inputs, tmp_path / "run", start=Start.NEW, progress=Silent())
    model = load_model(tmp_path / "run").model
    shard = inputs.validation.shards[0]
    nats, targets, begin = 0.0, 0, 0
    for end in shard.ends:
        ids = torch.from_numpy(shard.ids[begin:end].astype(np.int64))
        logits = model(ids[None, :-1]).logits
        nats += float(torch.nn.functional.cross_entropy(logits[0], ids[1:], reduction="sum"))
        targets += len(ids) - 1
        begin = end
    # A bigram looks back one token, which every place of a row has: rows change nothing.
    assert held_out_loss(tmp_path / "run") == pytest.approx(nats / targets, rel=1e-5)


def test_a_used_folder_is_refused_and_fresh_or_resume_count_again(tmp_path: Path) -> None:
    inputs = tiny_inputs()
    run(BIGRAM, inputs, tmp_path / "run", start=Start.NEW, progress=Silent())
    with pytest.raises(UsageError, match="finished run"):
        run(BIGRAM, inputs, tmp_path / "run", start=Start.NEW, progress=Silent())
    for start in (Start.RESUME, Start.FRESH):
        run(BIGRAM, inputs, tmp_path / "run", start=start, progress=Silent())
        assert len(list(read_records(tmp_path / "run/records.jsonl"))) == 4


def test_several_shards_count_like_one(tmp_path: Path) -> None:
    inputs = tiny_inputs(documents=20)
    tokenizer = inputs.tokenizer
    shards = [tiny_shard(tokenizer, documents=10, seed=seed) for seed in (1, 2)]
    ids = np.concatenate([shard.ids for shard in shards])
    ends = np.concatenate([shards[0].ends, shards[1].ends + len(shards[0].ids)])
    whole = replace(shards[0], ids=ids, ends=ends)
    for name, train in (("two", shards), ("one", [whole])):
        rows = PackedRows(shards=train, time=TIME)
        run(BIGRAM, replace(inputs, train=rows), tmp_path / name, progress=Silent())
    one, two = (load_model(tmp_path / name).model for name in ("one", "two"))
    assert first_difference(weights_of(one), weights_of(two)) is None
