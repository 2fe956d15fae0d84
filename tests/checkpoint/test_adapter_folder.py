"""The folder of an adapter: what is saved opens as it was, and belongs to one model."""

from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_tokenizer
from zhixing.checkpoint.adapter import Base
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.checkpoint.manifest import model_hash
from zhixing.model.adapter import adapters_of, add_adapters
from zhixing.model.adapter_config import AdapterConfig
from zhixing.model.assembly import build_network
from zhixing.model.config import DecoderConfig, EncoderConfig, HeadConfig

SIZES = {"width": 16, "layers": 2, "heads": 4, "kv_heads": 2, "head_dim": 4, "hidden": 24, "max_time": 16}  # fmt: skip
CONFIGS = {
    "decoder": DecoderConfig(**SIZES),
    "encoder": EncoderConfig(**SIZES, heads_on_top=(HeadConfig(kind="classify"),)),
}
TOKENS = torch.arange(4, 16).view(1, 12)


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("model", CONFIGS)
def test_what_is_saved_opens_as_it_was(model: str, kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network(CONFIGS[model], tiny_tokenizer().vocab).eval()
    save_model(tmp_path / "base", network, tiny_tokenizer(), info=ModelInfo())
    add_adapters(
        network, AdapterConfig(kind=kind, rank=2, targets=("attention.qkv", "attention.out"))
    )
    for layer in adapters_of(
        network
    ).values():  # q, k and v of other sizes, each with numbers of its own
        torch.nn.init.normal_(layer.adapter_b)
    base = Base(folder=f"{tmp_path / 'base'}", hash=model_hash(tmp_path / "base"))
    save_model(tmp_path / "adapter", network, tiny_tokenizer(), info=ModelInfo(base=base))
    opened = load_network(tmp_path / "adapter").model
    expected = network.state_dict()
    assert opened.state_dict().keys() == expected.keys()
    for name, weight in opened.state_dict().items():
        assert torch.equal(weight, expected[name]), name
    with torch.inference_mode():
        assert torch.equal(opened.body(TOKENS).hidden, network.body(TOKENS).hidden)


def test_the_hash_of_a_model_is_of_what_it_computes_and_of_nothing_else(tmp_path: Path) -> None:
    network = build_network(CONFIGS["decoder"], tiny_tokenizer().vocab)
    save_model(tmp_path / "m", network, tiny_tokenizer(), info=ModelInfo())
    before = model_hash(tmp_path / "m")
    (tmp_path / "m/README.md").write_text("mine")
    (tmp_path / "m/manifest.json").unlink()
    assert model_hash(tmp_path / "m") == before
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        file = tmp_path / "m" / name
        content = file.read_bytes()
        file.write_bytes(content + b" ")
        assert model_hash(tmp_path / "m") != before, name
        file.write_bytes(content)
