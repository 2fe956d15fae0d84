"""Layers and their learning rates, and the optimizer that keeps to them."""

import pytest
import torch

from zhixing.core.errors import ConfigError
from zhixing.model.assembly import build_network
from zhixing.model.config import DecoderConfig, EncoderConfig, HeadConfig, RecurrentConfig
from zhixing.model.sequence_config import BagConfig
from zhixing.train.config import TrainConfig
from zhixing.train.finetune import choose, depth_of
from zhixing.train.finetune_config import FinetuneConfig
from zhixing.train.optimizer import build_optimizer

SIZES = {"width": 16, "layers": 2, "heads": 2, "kv_heads": 2, "head_dim": 8, "hidden": 16, "max_time": 16}  # fmt: skip
ENCODER = EncoderConfig(**SIZES, heads_on_top=(HeadConfig(kind="classify"),))


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        ("embed.weight", 0),
        ("stack.inputs.places.table.weight", 0),
        ("stack.blocks.0.attention.qkv.weight", 1),
        ("stack.blocks.1.feed_forward.up.bias", 2),
        ("stack.norm.weight", 3),
        ("heads.classify.output.weight", 3),
        ("layers.1.weight_ih", 2),
        ("norms.2.weight", 3),
    ],
)
def test_a_weight_stands_as_high_as_its_layer(name: str, depth: int) -> None:
    assert depth_of(name, 2) == depth


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "sgd"])
def test_a_layer_moves_at_its_share_of_the_rate_above(optimizer: str) -> None:
    torch.manual_seed(0)
    model = build_network(ENCODER, 30)
    config = TrainConfig(steps=1, optimizer=optimizer, lr=0.01, weight_decay=0.0)
    made = build_optimizer(model, config, choose(model, FinetuneConfig(folder="x", decay=0.5)))
    shares = {
        made.names[weight]: group["lr"] / (config.matrix_lr if "Muon" in f"{type(part)}" else 0.01)
        for part in made.parts
        for group in part.param_groups
        for weight in group["params"]
    }
    assert shares.keys() == {name for name, _ in model.named_parameters()}
    assert shares["heads.classify.output.weight"] == 1.0
    assert shares["stack.blocks.1.attention.qkv.weight"] == pytest.approx(0.5)
    assert shares["stack.blocks.0.attention.qkv.weight"] == pytest.approx(0.25)
    assert shares["embed.weight"] == pytest.approx(0.125)


@pytest.mark.parametrize("kind", ["decoder", "lstm"])
def test_the_layers_of_models_that_write_freeze_too(kind: str) -> None:
    config = DecoderConfig(**SIZES) if kind == "decoder" else RecurrentConfig(kind="lstm", width=16)
    model = build_network(config, 30)
    choose(model, FinetuneConfig(folder="x", freeze=1))
    moving = {name for name, weight in model.named_parameters() if weight.requires_grad}
    first = "stack.blocks.0." if kind == "decoder" else "layers.0."
    assert not [name for name in moving if name.startswith((first, "embed."))]
    assert [name for name in moving if name.startswith(first.replace("0", "1"))]
    build_optimizer(model, TrainConfig(steps=1))


def test_depth_is_refused_where_there_is_none() -> None:
    model = build_network(BagConfig(labels=2), 30)
    with pytest.raises(ConfigError, match=r"finetune\.decay = 0\.5 needs a model of layers"):
        choose(model, FinetuneConfig(folder="x", decay=0.5))
