"""Tiny folders to begin from, and recipes that begin there."""

import json
import shutil
from pathlib import Path

import torch

from tests.trained import TIME, rows, write_recipe, write_rows
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.model.assembly import build_network
from zhixing.model.config import DecoderConfig, EncoderConfig, HeadConfig, NetworkConfig
from zhixing.model.sequence_config import (
    ConvolutionConfig,
    RecurrentEncoderConfig,
    TaggerConfig,
)
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.marks import MASK
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train as learn

SIZES = {
    "width": 24, "layers": 2, "heads": 2, "kv_heads": 2, "head_dim": 12, "hidden": 32, "max_time": 64,
}  # fmt: skip
CONFIGS: dict[str, NetworkConfig] = {
    "encoder": EncoderConfig(
        **SIZES,
        norm_place="before",
        dropout=0.1,
        heads_on_top=(HeadConfig(kind="masked"), HeadConfig(kind="next-sentence")),
    ),
    "bert": EncoderConfig(**SIZES, dropout=0.1, heads_on_top=(HeadConfig(kind="masked"),)),
    "mean": EncoderConfig(
        **SIZES,
        norm_place="before",
        heads_on_top=(HeadConfig(kind="masked"), HeadConfig(kind="next-sentence", pooling="mean")),
    ),
    "cnn": ConvolutionConfig(embedding=8, filters=4, labels=2),
    "tagger": TaggerConfig(encoder=RecurrentEncoderConfig(embedding=8, width=8), labels=5),
    "pooled": EncoderConfig(**SIZES, heads_on_top=(HeadConfig(kind="pool"),)),
    "distilbert": EncoderConfig(**SIZES, shape="distilbert"),
    "decoder": DecoderConfig(**SIZES, dropout=0.1),
    "untied": DecoderConfig(**SIZES, tied=False),
}
PREFERENCES = [
    {"prompt": "Who?", "chosen": " the fox", "rejected": " no"},
    {"prompt": "谁？", "chosen": "狐狸", "rejected": "不"},
]


def tokenizer(vocab: int = 300) -> Tokenizer:
    texts = [f"{row}" for kind in ("classify", "tag", "span") for row in rows(kind)]
    return learn(texts, TokenizerConfig(vocab=vocab)).with_marks([MASK])


def origin(folder: Path, kind: str) -> Path:
    """A model folder with random weights."""
    words = tokenizer()
    torch.manual_seed(3)
    out = folder / f"from-{kind}"
    save_model(out, build_network(CONFIGS[kind], words.vocab), words, info=ModelInfo())
    return out


def recipe(
    folder: Path, objective: str, begin: Path, *, table: str = "", more: str = "", steps: int = 8
) -> Path:
    """A recipe in `folder` that begins from `begin`."""
    examples, path = folder / f"{objective}.jsonl", folder / f"{objective}.toml"
    write_rows(examples, PREFERENCES * 4 if objective == "preference" else rows(objective))
    finetune = f"[finetune]\nfolder = {json.dumps(str(begin))}\n{table}"
    learn = (
        f'steps = {steps}\nbatch_tokens = {TIME * 4}\noptimizer = "adamw"\nsave_every = 3\nkeep = 3'
    )
    return write_recipe(path, objective, examples, finetune, more, learn=learn)


def cut_after(whole: Path, cut: Path, *, step: int) -> None:
    """A run as it was when it was stopped after `step`."""
    shutil.copytree(whole, cut)
    for later in (cut / "checkpoints").iterdir():
        if int(later.name.split("-")[1]) > step:
            shutil.rmtree(later)
    for name in ("manifest.json", "model.safetensors"):
        (cut / name).unlink(missing_ok=True)


def train(path: Path, out: Path, *more: str) -> int:
    """The exit code of `zhixing train`."""
    return main(["train", str(path), "--out", str(out), "--log", "none", *more])
