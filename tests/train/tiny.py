"""A training run of milliseconds: a rule that a bigram can learn, a few documents of it, models of a few weights."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from zhixing.data.order import Cursor
from zhixing.data.pack import Row
from zhixing.data.shard import TokenShard
from zhixing.data.source import PackedRows
from zhixing.model.assembly import build_model
from zhixing.model.config import DecoderConfig, ModelConfig, RecurrentConfig
from zhixing.model.protocol import LanguageModel
from zhixing.objective.causal import Causal
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train as learn
from zhixing.train.config import TrainConfig
from zhixing.train.session import Inputs

TIME = 16
SYMBOLS = 59
"""A prime, so that the rule below visits every symbol."""

TINY = TrainConfig(
    steps=12,
    batch_tokens=8 * TIME,
    validate_every=4,
    save_every=5,
    log_every=1,
    precision="float32",
)

MODELS: dict[str, ModelConfig] = {
    "decoder": DecoderConfig(
        width=16, layers=2, heads=2, kv_heads=1, head_dim=8, hidden=32, max_time=TIME, dropout=0.2
    ),
    "lstm": RecurrentConfig(kind="lstm", width=16, layers=2, dropout=0.2),
}


def tiny_tokenizer() -> Tokenizer:
    """One id for each symbol, after the four special tokens."""
    symbols = "".join(chr(0x4E00 + number) for number in range(SYMBOLS))
    return learn([symbols], TokenizerConfig(kind="characters", vocab=4 + SYMBOLS))


def tiny_shard(tokenizer: Tokenizer, *, documents: int, seed: int) -> TokenShard:
    """Documents of 5 to 25 symbols, each 3 times the one before plus 1 (modulo SYMBOLS)."""
    generator = np.random.default_rng(seed)
    ids: list[int] = []
    ends: list[int] = []
    for _ in range(documents):
        symbol = int(generator.integers(SYMBOLS))
        ids.append(tokenizer.begin)
        for _ in range(int(generator.integers(5, 26))):
            ids.append(4 + symbol)
            symbol = (3 * symbol + 1) % SYMBOLS
        ids.append(tokenizer.end)
        ends.append(len(ids))
    return TokenShard(
        path=Path("synthetic"),
        ids=np.array(ids, dtype=np.uint16),
        ends=np.array(ends, dtype=np.int64),
        tokenizer_hash=tokenizer.hash,
        source_hash=f"synthetic-{documents}-{seed}",
    )


def tiny_model(kind: str, tokenizer: Tokenizer, *, seed: int = 1) -> LanguageModel:
    torch.manual_seed(seed)
    return build_model(MODELS[kind], tokenizer.vocab)


def tiny_rows(tokenizer: Tokenizer, *, documents: int, seed: int) -> PackedRows:
    return PackedRows(shards=[tiny_shard(tokenizer, documents=documents, seed=seed)], time=TIME)


def tiny_inputs(kind: str = "decoder", *, documents: int = 60) -> Inputs:
    tokenizer = tiny_tokenizer()
    held = tiny_rows(tokenizer, documents=12, seed=2)
    return Inputs(
        model=tiny_model(kind, tokenizer),
        tokenizer=tokenizer,
        objective=Causal(),
        train=tiny_rows(tokenizer, documents=documents, seed=1),
        validation=held,
        time=TIME,
        seed=7,
        tokens_per_byte=held.num_targets / 500,
        recipe={"name": "tiny", "data": {"time": TIME}},
        resume_command="zhixing train tiny.toml --resume",
    )


def some_rows(inputs: Inputs, count: int) -> list[Row]:
    stream = inputs.train.read(Cursor(seed=3))
    return [next(stream)[0] for _ in range(count)]


def weights_of(model: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.state_dict().items()}


def first_difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> str | None:
    """The name of the first tensor that is not the same bit for bit."""
    assert one.keys() == other.keys()
    return next((name for name in one if not torch.equal(one[name], other[name])), None)


def folder_in_memory() -> Iterator[Path]:
    """A folder that costs nothing to sync, where the system has one: saving is most of a tiny run."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        yield Path(name)
