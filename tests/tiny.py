"""Tiny real models and a tiny real tokenizer, for tests of the floors above them."""

from functools import cache

import numpy as np
import torch

from zhixing.model.assembly import build_model
from zhixing.model.config import (
    DecoderConfig,
    MixtureConfig,
    ModelConfig,
    NGramConfig,
    RecurrentConfig,
)
from zhixing.model.decoder import Decoder
from zhixing.model.mixture import Mixture, fit
from zhixing.model.ngram import NGram, count
from zhixing.model.protocol import LanguageModel
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train

WORDS = [
    "river",
    "paper",
    "garden",
    "winter",
    "music",
    "market",
    "evening",
    "teacher",
    "bridge",
    "forest",
    "island",
    "kitchen",
]
"""Words to draw texts from that are no copies of each other."""
TEXTS = (
    "The quick brown fox jumps over the lazy dog. The dog sleeps; the fox does not.",
    "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。",
    "def add(a, b):\n    return a + b  # 相加\n",
)
MAX_TIME = 48


@cache
def tiny_tokenizer() -> Tokenizer:
    """Byte-level, so that it takes any text."""
    return train(TEXTS, TokenizerConfig(kind="byte_bpe", vocab=300))


def decoder_config(*, tied: bool = True) -> DecoderConfig:
    """Grouped queries, heads x head_dim unlike the width: nothing fits by chance."""
    return DecoderConfig(
        width=24,
        layers=2,
        heads=4,
        kv_heads=2,
        head_dim=8,
        hidden=40,
        max_time=MAX_TIME,
        rope_base=5000.0,
        tied=tied,
        dropout=0.1,
    )


CONFIGS: dict[str, ModelConfig | MixtureConfig] = {
    "decoder": decoder_config(),
    "decoder-untied": decoder_config(tied=False),
    "rnn": RecurrentConfig(kind="rnn", width=16),
    "gru": RecurrentConfig(kind="gru", width=16, tied=False),
    "lstm": RecurrentConfig(kind="lstm", width=16),
    "ngram": NGramConfig(order=3),
    "mixture": MixtureConfig(neural=decoder_config(), ngram=NGramConfig(order=3), hidden=4),
}


def tiny_model(name: str, *, vocab: int | None = None) -> LanguageModel:
    """Random weights far from the start, where every part of the model matters; the same in every run."""
    config = CONFIGS[name]
    if isinstance(config, NGramConfig):
        return tiny_ngram(config, vocab or tiny_tokenizer().vocab)
    if isinstance(config, MixtureConfig):
        return tiny_mixture()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_model(config, vocab or tiny_tokenizer().vocab).eval()
        for parameter in model.parameters():
            parameter.data.add_(torch.randn_like(parameter) * 0.2)
    return model


def tiny_mixture() -> Mixture:
    """Of the tiny decoder and the tiny n-gram, fitted on a few other words."""
    decoder, ngram = tiny_model("decoder"), tiny_model("ngram")
    assert isinstance(decoder, Decoder)
    assert isinstance(ngram, NGram)
    held_in = tiny_tokenizer().encode_documents(
        ["The fox sleeps. 春花知多少。", "return add(a, 春)"]
    )
    return fit(decoder, ngram, held_in, hidden=4)


def random_tokens(batch: int, time: int) -> torch.Tensor:
    """Token ids, the special ones among them."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(tiny_tokenizer().vocab, (batch, time), generator=generator)


def tiny_ngram(config: NGramConfig, vocab: int) -> NGram:
    """Counted on the tiny texts."""
    documents = tiny_tokenizer().encode_documents(TEXTS)
    ends = np.cumsum([len(document) for document in documents])
    return count(np.concatenate([np.array(d) for d in documents]), ends, vocab, config)
