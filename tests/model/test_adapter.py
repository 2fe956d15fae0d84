"""Adapters: nothing at first, the formulas of the papers by hand, and the same in one matrix."""

import pytest
import torch
from torch import nn

from zhixing.model.adapter import AdaptedLinear, adapters_of, add_adapters, merged
from zhixing.model.adapter_config import AdapterConfig
from zhixing.model.assembly import build_network
from zhixing.model.config import DecoderConfig, EncoderConfig

SIZES = {"width": 16, "layers": 2, "heads": 2, "kv_heads": 2, "head_dim": 8, "hidden": 24, "max_time": 16}  # fmt: skip
EVERY = ("attention.qkv", "attention.out", "feed_forward.down")


def adapted(kind: str, model: str = "encoder") -> tuple[nn.Module, nn.Module]:
    """A model without and with adapters."""
    config = EncoderConfig(**SIZES) if model == "encoder" else DecoderConfig(**SIZES)
    made = []
    for adapts in (False, True):
        torch.manual_seed(0)
        made.append(build_network(config, 30).eval())
        if adapts:
            add_adapters(made[-1], AdapterConfig(kind=kind, rank=4, targets=EVERY))
    return made[0], made[1]


def moved(model: nn.Module) -> None:
    generator = torch.Generator().manual_seed(1)
    for layer in adapters_of(model).values():
        for weight in (layer.adapter_b, getattr(layer, "magnitude", None)):
            if weight is not None:
                weight.data += 0.1 * torch.randn(weight.shape, generator=generator)


TOKENS = torch.arange(12).view(1, 12)


@pytest.mark.parametrize("model", ["encoder", "decoder"])
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_a_new_adapter_changes_nothing(kind: str, model: str) -> None:
    plain, with_adapters = adapted(kind, model)
    one, other = plain.body(TOKENS).hidden, with_adapters.body(TOKENS).hidden
    assert torch.equal(one, other) if kind == "lora" else torch.allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("model", ["encoder", "decoder"])
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_merged_gives_the_same_and_has_no_adapters(kind: str, model: str) -> None:
    plain, with_adapters = adapted(kind, model)
    moved(with_adapters)
    whole = merged(with_adapters)
    assert not adapters_of(whole)
    assert whole.state_dict().keys() == plain.state_dict().keys()
    one, other = with_adapters.body(TOKENS).hidden, whole.body(TOKENS).hidden
    assert torch.allclose(one, other, atol=1e-5)
    assert not torch.allclose(one, plain.body(TOKENS).hidden, atol=1e-2)


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_the_formula_by_hand(kind: str, has_bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(5, 7, bias=has_bias)
    made = AdaptedLinear(layer, AdapterConfig(kind=kind, rank=2, alpha=3.0)).double()
    made.adapter_b.data = torch.randn(7, 2, dtype=torch.float64)
    weight = layer.weight.double() + 3.0 / 2 * made.adapter_b @ made.adapter_a
    if kind == "dora":
        made.magnitude.data = torch.rand(7, dtype=torch.float64)
        weight = made.magnitude[:, None] * weight / weight.norm(dim=1, keepdim=True)
    x = torch.randn(3, 5, dtype=torch.float64)
    expected = x @ weight.T + (layer.bias.double() if has_bias else 0.0)
    assert torch.allclose(made(x), expected, atol=1e-12)
    assert torch.allclose(made.merged_weight(), weight, atol=1e-12)


def test_only_the_inputs_of_the_product_are_dropped_and_only_in_training() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(64, 4)
    made = AdaptedLinear(layer, AdapterConfig(rank=2, dropout=0.5))
    x = torch.randn(2, 64)
    assert torch.equal(made.train()(x), layer(x))
    made.adapter_b.data.fill_(1.0)
    assert torch.equal(made.eval()(x), made(x))
    assert not torch.equal(made.train()(x), made(x))


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_in_low_precision_an_adapted_layer_gives_what_a_plain_one_gives(kind: str) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(16, 8)
    made = AdaptedLinear(layer, AdapterConfig(kind=kind, rank=2))
    x = torch.randn(4, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        plain, found = layer(x), made(x)
    assert found.dtype == plain.dtype == torch.bfloat16
    assert torch.allclose(found.float(), plain.float(), atol=0.02)
