"""Models that no other library knows keep their own names in a folder of the same kind, and come back as they were."""

from pathlib import Path

import pytest
import torch

from tests.tiny import random_tokens, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, load_model, load_network, save_model
from zhixing.core.errors import UnsupportedError
from zhixing.model.assembly import build_network
from zhixing.model.config import EncoderConfig, EncoderDecoderConfig, HeadConfig, NetworkConfig
from zhixing.model.sequence_config import (
    BagConfig,
    ConvolutionConfig,
    EnsembleConfig,
    RecurrentClassifierConfig,
    RecurrentEncoderConfig,
    RecurrentReaderConfig,
    SequenceToSequenceConfig,
    TaggerConfig,
    TwoWayConfig,
)
from zhixing.model.stack_config import StackConfig

SIZES = {
    "width": 16,
    "layers": 1,
    "heads": 2,
    "kv_heads": 2,
    "head_dim": 8,
    "hidden": 24,
    "max_time": 32,
}
HALF = StackConfig.model_validate({"shape": "transformer", **SIZES})
OWN: dict[str, NetworkConfig] = {
    "encoder": EncoderConfig.model_validate(
        {
            "shape": "llama",
            **SIZES,
            "heads_on_top": (HeadConfig(kind="masked"), HeadConfig(kind="tag", labels=5)),
        }
    ),
    "encoder-decoder": EncoderDecoderConfig(encoder=HALF, decoder=HALF, start=2),
    "seq2seq": SequenceToSequenceConfig(embedding=16, width=16, tied=True),
    "tagger": TaggerConfig(
        encoder=RecurrentEncoderConfig(embedding=8, width=8, bigrams=50), labels=4, chain=True
    ),
    "cnn": ConvolutionConfig(embedding=8, filters=4, labels=3),
    "bag": BagConfig(embedding=8, hidden=(6,), labels=3),
    "recurrent-classifier": RecurrentClassifierConfig(
        encoder=RecurrentEncoderConfig(embedding=8, width=8), labels=3
    ),
    "recurrent-reader": RecurrentReaderConfig(
        encoder=RecurrentEncoderConfig(embedding=8, width=8), segments=2
    ),
    "ensemble": EnsembleConfig(
        members=(ConvolutionConfig(embedding=8, filters=4, labels=3), BagConfig(labels=3))
    ),
    "two-way": TwoWayConfig(encoder=RecurrentEncoderConfig(embedding=8, width=8)),
}


@pytest.mark.parametrize("kind", list(OWN))
def test_a_model_comes_back_with_every_weight(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = build_network(OWN[kind], tiny_tokenizer().vocab).eval()
    save_model(tmp_path / "m", model, tiny_tokenizer(), info=ModelInfo())
    loaded = load_network(tmp_path / "m")
    assert loaded.manifest.model_kind == kind
    assert loaded.model.config == OWN[kind]
    back = loaded.model.state_dict()
    assert all(torch.equal(w, back[name]) for name, w in model.state_dict().items())


def test_tied_weights_stay_one(tmp_path: Path) -> None:
    model = build_network(OWN["seq2seq"], tiny_tokenizer().vocab)
    save_model(tmp_path / "m", model, tiny_tokenizer(), info=ModelInfo())
    back = load_network(tmp_path / "m").model
    assert back.get_parameter("unembed.weight") is back.get_parameter("embed.weight")


def test_what_predicts_no_next_token_is_refused_where_that_is_needed(tmp_path: Path) -> None:
    model = build_network(OWN["encoder"], tiny_tokenizer().vocab)
    save_model(tmp_path / "m", model, tiny_tokenizer(), info=ModelInfo())
    with pytest.raises(UnsupportedError, match="'encoder', which predicts no next token"):
        load_model(tmp_path / "m")
    assert load_network(tmp_path / "m").model(random_tokens(1, 5)).hidden.shape == (1, 5, 16)


def test_the_vectors_of_runs_come_back_too(tmp_path: Path) -> None:
    config = BagConfig(embedding=8, hidden=(), labels=3, phrase=2, buckets=20)
    model = build_network(config, tiny_tokenizer().vocab)
    torch.nn.init.normal_(model.get_parameter("runs.weight"))
    save_model(tmp_path / "m", model, tiny_tokenizer(), info=ModelInfo())
    back = load_network(tmp_path / "m").model
    assert torch.equal(back.get_parameter("runs.weight"), model.get_parameter("runs.weight"))
