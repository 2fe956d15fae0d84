"""The smoothed loss without logits, against its definition."""

import pytest
import torch

from zhixing.objective.functions import cross_entropy, smoothed_cross_entropy


@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothing_without_logits_equals_its_definition(smoothing: float, has_bias: bool) -> None:
    torch.manual_seed(3)
    hidden, weight, bias = (
        torch.randn(*size, requires_grad=True) for size in ((9, 6), (20, 6), (20,))
    )
    targets = torch.randint(20, (9,))
    given = bias if has_bias else None
    parts = [hidden, weight, *([bias] if has_bias else [])]
    found = smoothed_cross_entropy(hidden, weight, targets, given, smoothing)
    wanted = cross_entropy(
        torch.nn.functional.linear(hidden, weight, given), targets, smoothing=smoothing
    )
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    for got, want in zip(
        torch.autograd.grad(found, parts), torch.autograd.grad(wanted, parts), strict=True
    ):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    other = smoothed_cross_entropy(hidden, weight, targets, given, smoothing + 0.1)
    assert not torch.isclose(found, other)


def test_a_row_without_a_target_is_no_label_counted_from_the_end() -> None:
    with pytest.raises(AssertionError, match="without a target"):
        smoothed_cross_entropy(
            torch.ones(2, 3), torch.ones(200, 3), torch.tensor([1, -100]), None, 0.1
        )
