"""The perceptron against an example worked by hand, against torch, and the classifiers made of it."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.model.perceptron import MODULUS, MULTIPLIER, BagClassifier, Perceptron
from zhixing.model.sequence_config import BagConfig

# x = (1, 2, 3), two ReLU units, two outputs; every number below is worked out by hand.
FIRST, FIRST_BIAS = [[1.0, 2, 3], [4, 5, 6]], [1.0, 2]
SECOND, SECOND_BIAS = [[7.0, 8], [9, 10]], [3.0, 4]


def _worked() -> Perceptron:
    network = Perceptron((3, 2, 2), "relu").double()
    for layer, weight, bias in zip(
        network.layers, (FIRST, SECOND), (FIRST_BIAS, SECOND_BIAS), strict=True
    ):
        layer.weight.data = torch.tensor(weight, dtype=torch.float64)
        layer.bias.data = torch.tensor(bias, dtype=torch.float64)
    return network


def test_the_worked_example_forward() -> None:
    network, x = _worked(), torch.tensor([1.0, 2, 3], dtype=torch.float64)
    assert network.layers[0](x).tolist() == [15, 34]
    assert network(x).tolist() == [380, 479]


def test_the_worked_example_backward() -> None:
    network, x = _worked(), torch.tensor([1.0, 2, 3], dtype=torch.float64)
    loss = F.cross_entropy(network(x), torch.tensor(0))
    loss.backward()
    first, second = network.layers
    # softmax(380, 479) is (e^-99, 1) to double precision, so the error of the output is (-1, 1) and the loss 99.
    assert loss.item() == pytest.approx(99, abs=1e-12)
    torch.testing.assert_close(second.bias.grad, _exact([-1, 1]), rtol=0, atol=1e-12)
    torch.testing.assert_close(second.weight.grad, _exact([[-15, -34], [15, 34]]))
    # back through the transposed matrix: (9 - 7, 10 - 8); the derivative of ReLU at 15 and 34 is 1
    torch.testing.assert_close(first.bias.grad, _exact([2, 2]), rtol=0, atol=1e-12)
    torch.testing.assert_close(first.weight.grad, _exact([[2, 4, 6], [2, 4, 6]]))


def _exact(values: list) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_an_activation_after_the_last_layer_would_be_noticed() -> None:
    torch.manual_seed(0)
    network = Perceptron((4, 8, 3), "tanh")
    theirs = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    theirs.load_state_dict(
        {
            f"{place}.{name}": getattr(network.layers[layer], name).data
            for layer, place in enumerate((0, 2))
            for name in ("weight", "bias")
        }
    )
    x = torch.randn(5, 4)
    torch.testing.assert_close(network(x), theirs(x), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(network(x).tanh(), theirs(x), rtol=1e-5, atol=1e-5)


def test_gradients_follow_differences() -> None:
    torch.manual_seed(0)
    network = Perceptron((3, 4, 2), "gelu").double()
    weights = tuple(weight.detach().requires_grad_() for weight in network.parameters())
    names = [name for name, _ in network.named_parameters()]
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor, *given: Tensor) -> Tensor:
        return torch.func.functional_call(network, dict(zip(names, given, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, (x, *weights))


@pytest.mark.parametrize("pooling", ["sum", "mean", "root"])
def test_a_bag_is_a_matrix_times_counts(pooling: str) -> None:
    torch.manual_seed(0)
    bag = BagClassifier(BagConfig(pooling=pooling, embedding=6, hidden=(5,), labels=3), vocab=9)
    tokens = torch.tensor([[1, 4, 4, 2], [7, 7, 0, 0]])
    keep = torch.tensor([[True, True, True, True], [True, True, False, False]])
    counts = torch.zeros(2, 9)
    for row, token in ((0, 1), (0, 4), (0, 4), (0, 2), (1, 7), (1, 7)):
        counts[row, token] += 1
    if pooling == "mean":
        counts /= counts.sum(dim=1, keepdim=True)
    if pooling == "root":
        counts /= torch.tensor([[2.0], [2.0**0.5]])  # of 4 and 2 tokens
    first, last = bag.output.layers
    expected = last(F.relu(first(counts @ bag.embed.weight)))
    torch.testing.assert_close(bag(tokens, keep=keep), expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(bag(tokens), expected, rtol=1e-5, atol=1e-5), "padding must not count"


def test_a_bag_does_not_know_the_order() -> None:
    torch.manual_seed(0)
    bag = BagClassifier(BagConfig(embedding=6, labels=3), vocab=9)
    tokens = torch.tensor([[1, 4, 2, 8]])
    torch.testing.assert_close(bag(tokens), bag(tokens.flip(1)), rtol=0, atol=1e-6)


def test_without_a_hidden_layer_the_classifier_is_linear() -> None:
    torch.manual_seed(0)
    bag = BagClassifier(BagConfig(pooling="sum", embedding=6, hidden=(), labels=3), vocab=9)
    one, two, both = (bag(torch.tensor([ids])) for ids in ([1, 4], [2], [1, 4, 2]))
    bias = bag.output.layers[0].bias
    torch.testing.assert_close(both - bias, one + two - 2 * bias, rtol=1e-5, atol=1e-5)


def _with_runs(*, buckets: int = 50, **changes) -> BagClassifier:
    torch.manual_seed(0)
    config = BagConfig(embedding=6, hidden=(), labels=3, phrase=3, buckets=buckets, **changes)
    bag = BagClassifier(config, vocab=9).eval()
    nn.init.normal_(bag.runs.weight)
    return bag


def _bucket(run: list[int], buckets: int) -> int:
    hashed = len(run)
    for token in run:
        hashed = (hashed * MULTIPLIER + token) % MODULUS
    return hashed % buckets


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_runs_of_tokens_have_vectors_of_their_own(pooling: str) -> None:
    bag, ids = _with_runs(pooling=pooling), [1, 4, 4, 2]
    runs = [ids[at : at + size] for size in (2, 3) for at in range(len(ids) - size + 1)]
    rows = [bag.embed.weight[ids], bag.runs.weight[[_bucket(run, 50) for run in runs]]]
    rows = torch.cat(rows)
    pooled = rows.sum(0) if pooling == "sum" else rows.mean(0)
    got = bag(torch.tensor([ids]))[0]
    torch.testing.assert_close(got, bag.output(pooled), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(bag(torch.tensor([ids[::-1]]))[0], got, rtol=1e-3, atol=1e-3)


def test_no_run_reaches_into_padding() -> None:
    bag = _with_runs()
    alone = bag(torch.tensor([[3, 1, 4]]))
    keep = torch.arange(6)[None] < 3
    padded = bag(torch.tensor([[3, 1, 4, 7, 7, 7]]), keep=keep)
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-6)
    one = bag(torch.tensor([[5]]))
    torch.testing.assert_close(one, bag.output(bag.embed.weight[[5]]), rtol=0, atol=1e-6)


def test_buckets_without_runs_do_nothing_and_are_refused() -> None:
    with pytest.raises(ValueError, match="buckets"):
        BagConfig(labels=2, buckets=10)
