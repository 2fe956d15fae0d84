import torch

from zhixing.core.targets import IGNORED
from zhixing.kernels.cross_entropy import (
    CHUNK,
    linear_cross_entropy,
    linear_cross_entropy_reference,
)


def _problem(count: int = CHUNK + 37) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(count, 16, generator=generator, requires_grad=True)
    weight = torch.randn(50, 16, generator=generator, requires_grad=True)
    targets = torch.randint(50, (count,), generator=generator)
    targets[::5] = IGNORED
    return hidden, weight, targets


def test_the_chunked_loss_and_its_gradients_equal_the_definition() -> None:
    hidden, weight, targets = _problem()
    total = linear_cross_entropy(hidden, weight, targets)
    (total * 0.25).backward()
    ours = hidden.grad, weight.grad
    hidden.grad = weight.grad = None
    expected = linear_cross_entropy_reference(hidden, weight, targets)
    (expected * 0.25).backward()
    torch.testing.assert_close(total, expected, rtol=1e-6, atol=0)
    for got, want in zip(ours, (hidden.grad, weight.grad), strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_a_bias_is_one_more_column_of_weights() -> None:
    hidden, weight, targets = _problem()
    bias = torch.randn(50, generator=torch.Generator().manual_seed(2)).requires_grad_()
    found = []
    for function in (linear_cross_entropy, linear_cross_entropy_reference):
        total = function(hidden, weight, targets, bias)
        found.append([total, *torch.autograd.grad(total * 0.25, (hidden, weight, bias))])
    torch.testing.assert_close(found[0][0], found[1][0], rtol=1e-6, atol=0)
    for got, want in zip(found[0][1:], found[1][1:], strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    assert abs(linear_cross_entropy(hidden, weight, targets) - found[0][0]) > 1e-2  # forgotten


def test_a_forgotten_target_would_be_noticed() -> None:
    hidden, weight, targets = _problem()
    total = linear_cross_entropy(hidden, weight, targets)
    wrong = targets.clone()
    wrong[1] = IGNORED
    assert abs(total - linear_cross_entropy(hidden, weight, wrong)) > 1e-2


def test_a_batch_without_targets_has_no_loss_and_no_gradient() -> None:
    hidden, weight, targets = _problem(8)
    total = linear_cross_entropy(hidden, weight, torch.full_like(targets, IGNORED))
    total.backward()
    assert total == 0
    assert not weight.grad.any()
