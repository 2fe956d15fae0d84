"""Our Muon against torch's, against the definition, and what stacking means."""

import pytest
import torch
from torch import Tensor, nn

from zhixing.train import muon, precision
from zhixing.train.muon import NEWTON_SCHULZ, Muon, orthogonal


def _weights(*shapes: tuple[int, int], seed: int = 0) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(seed)
    return [nn.Parameter(torch.randn(*shape, generator=generator)) for shape in shapes]


def _train(weights: list[nn.Parameter], optimizer: torch.optim.Optimizer, steps: int = 3) -> None:
    generator = torch.Generator().manual_seed(5)
    for _ in range(steps):
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step()


def _definition(matrix: Tensor) -> Tensor:
    """One matrix in float64, straight from the formula."""
    x = matrix.double()
    x = x / (x.norm() + 1e-7)
    for a, b, c in NEWTON_SCHULZ:
        square = x @ x.T
        x = a * x + b * square @ x + c * square @ square @ x
    return x


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_a_stack_of_matrices_equals_the_definition_one_by_one(shape: tuple[int, int]) -> None:
    matrices = torch.randn(3, *shape, generator=torch.Generator().manual_seed(1))
    got = orthogonal(matrices, dtype=torch.float32)
    want = torch.stack([_definition(matrix) for matrix in matrices]).float()
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_a_wrong_coefficient_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    matrices = torch.randn(1, 12, 40, generator=torch.Generator().manual_seed(1))
    want = _definition(matrices[0]).float()
    monkeypatch.setattr(muon, "NEWTON_SCHULZ", ((3.4445, -4.7750, 2.03),) * 5)
    assert not torch.allclose(
        orthogonal(matrices, dtype=torch.float32)[0], want, rtol=1e-5, atol=1e-5
    )


def test_several_steps_equal_torch_to_the_precision_of_bf16() -> None:
    ours, theirs = _weights((24, 16), (16, 48), (24, 16)), _weights((24, 16), (16, 48), (24, 16))
    settings = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    _train(ours, Muon(ours, **settings))
    _train(theirs, torch.optim.Muon(theirs, **settings))
    for got, want, start in zip(ours, theirs, _weights((24, 16), (16, 48), (24, 16)), strict=True):
        moved = (want - start).norm()
        assert (
            got - want
        ).norm() < 2**-6 * moved  # both round every product to bf16, in another order
        assert moved > 0.1


def test_each_map_of_a_stacked_weight_is_orthogonal_by_itself() -> None:
    (stacked,), apart = _weights((24, 16)), _weights((24, 16))[0].detach().split(8)
    parts = [nn.Parameter(part.clone()) for part in apart]
    generator = torch.Generator().manual_seed(3)
    stacked.grad = torch.randn(24, 16, generator=generator)
    for part, gradient in zip(parts, stacked.grad.split(8), strict=True):
        part.grad = gradient.clone()
    Muon([stacked], lr=0.1, stacks={stacked: (8, 8, 8)}).step()
    Muon(parts, lr=0.1).step()
    torch.testing.assert_close(stacked.detach(), torch.cat([p.detach() for p in parts]))


def test_a_weight_without_a_gradient_stays() -> None:
    moved, still = _weights((8, 8), (8, 8))
    before = still.detach().clone()
    moved.grad = torch.ones(8, 8)
    Muon([moved, still], lr=0.1).step()
    assert torch.equal(still.detach(), before)


def test_bf16_is_taken_only_where_the_hardware_multiplies_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[torch.dtype] = []

    def spy(matrices: Tensor, *, dtype: torch.dtype) -> Tensor:
        seen.append(dtype)
        return orthogonal(matrices, dtype=dtype)

    monkeypatch.setattr(muon, "orthogonal", spy)
    for has_bf16 in (True, False):
        monkeypatch.setattr(precision, "has_native_bf16", lambda device, known=has_bf16: known)
        weights = _weights((8, 8))
        _train(weights, Muon(weights, lr=0.1), steps=1)
    assert seen == [torch.bfloat16, torch.float32]
