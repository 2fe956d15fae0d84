"""The gradient of every definition, in float64, against differences; native code is compared with the definitions elsewhere."""

import pytest
import torch
from torch import Tensor

from zhixing.kernels.attention import document_attention_reference, document_starts
from zhixing.kernels.cross_entropy import (
    linear_cross_entropy_reference,
    softmax_cross_entropy_reference,
)
from zhixing.kernels.norm import rms_norm_reference
from zhixing.kernels.rotary import HeadShape, angles, rotary_heads_reference
from zhixing.kernels.swiglu import swiglu_reference
from zhixing.kernels.through_time import CELLS, Kind, Recurrence, through_time_reference
from zhixing.model.attention import CrossAttention, SelfAttention, View
from zhixing.model.protocol import Memory
from zhixing.model.stack_config import StackConfig


def _random(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def test_rms_norm() -> None:
    def run(x: Tensor, weight: Tensor) -> Tensor:
        return rms_norm_reference(x, weight, 1e-6)

    assert torch.autograd.gradcheck(run, (_random(2, 3, 4), _random(4, seed=1)))


def test_swiglu() -> None:
    assert torch.autograd.gradcheck(swiglu_reference, (_random(2, 3, 8),))


def test_rotary_heads() -> None:
    shape = HeadShape(heads=2, kv_heads=1, head_dim=4, epsilon=1e-6)
    rotation = tuple(part.double() for part in angles(torch.arange(3)[None], 4, 10_000.0))

    def run(qkv: Tensor, q_weight: Tensor, k_weight: Tensor) -> tuple[Tensor, ...]:
        return rotary_heads_reference(qkv, q_weight, k_weight, rotation, shape)

    inputs = (_random(1, 3, 16), _random(4, seed=1), _random(4, seed=2))
    assert torch.autograd.gradcheck(run, inputs)


def test_document_attention() -> None:
    starts = document_starts(torch.tensor([[0, 0, 1, 1, 1]]))

    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return document_attention_reference((q, k, v), starts)

    q, k, v = (_random(1, heads, 5, 2, seed=heads) for heads in (2, 1, 1))
    assert torch.autograd.gradcheck(run, (q, k, v))


def test_cross_entropy() -> None:
    targets = torch.tensor([2, -100, 0])

    def run(hidden: Tensor, weight: Tensor) -> Tensor:
        return linear_cross_entropy_reference(hidden, weight, targets)

    assert torch.autograd.gradcheck(run, (_random(3, 4), _random(5, 4, seed=1)))


def test_cross_entropy_with_a_bias() -> None:
    targets = torch.tensor([2, -100, 0])

    def run(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return linear_cross_entropy_reference(hidden, weight, targets, bias)

    inputs = (_random(3, 4), _random(5, 4, seed=1), _random(5, seed=2))
    assert torch.autograd.gradcheck(run, inputs)


def test_the_known_gradient_of_softmax_and_cross_entropy_is_the_true_one() -> None:
    logits, targets = _random(3, 5), torch.tensor([2, 4, 0])
    losses, known = softmax_cross_entropy_reference(logits, targets)
    (found,) = torch.autograd.grad(losses.sum(), logits)
    torch.testing.assert_close(found, known, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_through_time(kind: Kind) -> None:
    _, gates, parts = CELLS[kind]
    begins = torch.tensor([[False, False, True, False], [True, False, False, False]])

    def run(weight: Tensor, bias: Tensor, wx: Tensor, *state: Tensor) -> Tensor:
        recurrence = Recurrence(kind=kind, weight=weight, bias=bias)
        output, last = through_time_reference(recurrence, wx, begins, state)
        return torch.cat((output.flatten(), *(part.flatten() for part in last)))

    weight, bias = _random(gates * 2, 2), _random(gates * 2, seed=1)
    state = tuple(_random(2, 2, seed=3 + part) for part in range(parts))
    assert torch.autograd.gradcheck(run, (weight, bias, _random(2, 4, gates * 2, seed=2), *state))


def _view() -> View:
    places = torch.arange(4)[None]
    return View(
        positions=places,
        rotation=tuple(part.double() for part in angles(places, 4, 10_000.0)),
        starts=torch.zeros_like(places),
        memory=Memory(hidden=_random(1, 3, 8, seed=9).detach()),
    )


@pytest.mark.parametrize("shape", ["qwen3", "gpt2", "bert", "t5"])
@pytest.mark.parametrize("part", [SelfAttention, CrossAttention])
def test_attention_modules(shape: str, part: type) -> None:
    config = StackConfig.model_validate(
        {"shape": shape, "width": 8, "heads": 2, "kv_heads": 2, "head_dim": 4, "layers": 1}
    )
    torch.manual_seed(0)
    options = {"causal": shape != "bert"} if part is SelfAttention else {}
    module = part(config, 0, **options).double()
    weights = dict(module.named_parameters())

    def run(x: Tensor, *given: Tensor) -> Tensor:
        values = dict(zip(weights, given, strict=True))
        return torch.func.functional_call(module, values, (x, _view()))

    inputs = (_random(1, 4, 8), *(weight.detach().requires_grad_() for weight in weights.values()))
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)
