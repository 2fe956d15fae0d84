"""Every activation against its formula written out with math, and its gradient against differences."""

import math
from collections.abc import Callable

import pytest
import torch

from zhixing.model.activations import ACTIVATIONS, ActivationName

FORMULAS: dict[str, Callable[[float], float]] = {
    "relu": lambda x: max(x, 0.0),
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "relu2": lambda x: max(x, 0.0) ** 2,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "gelu_tanh": lambda x: x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": lambda x: x / (1 + math.exp(-x)),
}
PLACES = torch.tensor([-7.5, -2.0, -0.7, 0.3, 1.0, 2.5, 5.9, 7.3], dtype=torch.float64)


def test_the_set_is_closed_and_every_name_has_a_formula() -> None:
    assert set(ACTIVATIONS) == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_values_follow_the_formula(name: ActivationName) -> None:
    expected = torch.tensor([FORMULAS[name](x) for x in PLACES.tolist()], dtype=torch.float64)
    torch.testing.assert_close(ACTIVATIONS[name](PLACES), expected, rtol=0, atol=1e-12)
    single = ACTIVATIONS[name](PLACES.float())
    torch.testing.assert_close(single, expected.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FORMULAS)
def test_gradients_follow_differences(name: ActivationName) -> None:
    assert torch.autograd.gradcheck(ACTIVATIONS[name], PLACES.clone().requires_grad_())


def test_no_two_are_the_same_function() -> None:
    values = [ACTIVATIONS[name](PLACES) for name in FORMULAS]
    for i, one in enumerate(values):
        for other in values[:i]:
            assert not torch.allclose(one, other, rtol=1e-5, atol=1e-5)
