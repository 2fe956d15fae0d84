"""Layers that read both ways against torch.nn.RNN, GRU and LSTM with packed sequences: outputs, last states, gradients."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from zhixing.model.recurrent_layer import RecurrentLayer
from zhixing.model.recurrent_stack import RecurrentStack

TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
INPUTS, WIDTH, LAYERS, TIME = 5, 8, 2, 7
LENGTHS = torch.tensor([7, 4, 1, 6])
KEEP = torch.arange(TIME) < LENGTHS[:, None]


def _pair(cell: str, *, bidirectional: bool) -> tuple[RecurrentStack, nn.RNNBase]:
    torch.manual_seed(0)
    share = WIDTH // 2 if bidirectional else WIDTH
    theirs = TORCH[cell](
        INPUTS, share, num_layers=LAYERS, batch_first=True, bidirectional=bidirectional
    )
    ours = RecurrentStack(
        cell, INPUTS, WIDTH, layers=LAYERS, bidirectional=bidirectional, dropout=0.0
    )
    for layer, directions in enumerate(ours.passes):
        for one, suffix in zip(directions, ("", "_reverse"), strict=False):
            for name, parameter in one.named_parameters():
                parameter.data.copy_(getattr(theirs, f"{name}_l{layer}{suffix}").data)
    return ours, theirs


def _inputs() -> Tensor:
    return torch.randn(4, TIME, INPUTS, generator=torch.Generator().manual_seed(1))


def _packed(theirs: nn.RNNBase, x: Tensor) -> tuple[Tensor, Tensor]:
    """Torch's outputs, zero at padding, and its last h: (layers, batch, width), directions side by side."""
    packed = pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False)
    output, last = theirs(packed)
    h = last[0] if isinstance(last, tuple) else last
    h = h.unflatten(0, (LAYERS, -1)).transpose(1, 2).flatten(2)
    return pad_packed_sequence(output, batch_first=True, total_length=TIME)[0], h


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", TORCH)
def test_outputs_states_and_gradients_equal_packed_torch(cell: str, bidirectional: bool) -> None:
    ours, theirs = _pair(cell, bidirectional=bidirectional)
    x, their_x = _inputs().requires_grad_(), _inputs().requires_grad_()
    output, states = ours(x, KEEP)
    expected, last = _packed(theirs, their_x)
    torch.testing.assert_close(output, expected, rtol=1e-5, atol=1e-5)
    got = torch.stack([state[0] for state in states])
    torch.testing.assert_close(got, last, rtol=1e-5, atol=1e-5)
    (output.square().sum() + got.square().sum()).backward()
    (expected.square().sum() + last.square().sum()).backward()
    torch.testing.assert_close(x.grad, their_x.grad, rtol=1e-5, atol=1e-5)
    for layer, directions in enumerate(ours.passes):
        for one, suffix in zip(directions, ("", "_reverse"), strict=False):
            for name, parameter in one.named_parameters():
                their_gradient = getattr(theirs, f"{name}_l{layer}{suffix}").grad
                torch.testing.assert_close(parameter.grad, their_gradient, rtol=1e-5, atol=1e-5)


def test_the_memory_of_an_lstm_is_torchs_too() -> None:
    ours, theirs = _pair("lstm", bidirectional=True)
    packed = pack_padded_sequence(_inputs(), LENGTHS, batch_first=True, enforce_sorted=False)
    memory = theirs(packed)[1][1].unflatten(0, (LAYERS, -1)).transpose(1, 2).flatten(2)
    got = torch.stack([state[1] for state in ours(_inputs(), KEEP)[1]])
    torch.testing.assert_close(got, memory, rtol=1e-5, atol=1e-5)


def test_directions_that_are_swapped_would_be_noticed() -> None:
    ours, theirs = _pair("gru", bidirectional=True)
    for directions in ours.passes:
        forward, backward = directions
        directions[0], directions[1] = backward, forward
    expected, _ = _packed(theirs, _inputs())
    assert not torch.allclose(ours(_inputs(), KEEP)[0], expected, rtol=1e-5, atol=1e-5)


def test_a_mask_that_is_forgotten_would_be_noticed() -> None:
    ours, theirs = _pair("gru", bidirectional=True)
    expected, _ = _packed(theirs, _inputs())
    real = KEEP.unsqueeze(-1)
    assert not torch.allclose(ours(_inputs())[0] * real, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", TORCH)
def test_padding_changes_nothing_wherever_it_stands(cell: str) -> None:
    ours, _ = _pair(cell, bidirectional=True)
    x = _inputs()[:1, :3]
    alone, _ = ours(x)
    noise = torch.full((1, 2, INPUTS), 9.0)
    padded = torch.cat((noise, x, noise), dim=1)
    keep = torch.tensor([[False, False, True, True, True, False, False]])
    between, _ = ours(padded, keep)
    torch.testing.assert_close(between[:, 2:5], alone, rtol=0, atol=1e-6)
    assert not between[:, [0, 1, 5, 6]].any()


@pytest.mark.parametrize("cell", TORCH)
def test_reading_in_two_parts_is_reading_at_once(cell: str) -> None:
    torch.manual_seed(0)
    one = RecurrentLayer(cell, INPUTS, WIDTH).initialise()
    x = _inputs()
    whole, last = one(x, None, None)
    first, state = one(x[:, :3], None, None)
    second, resumed = one(x[:, 3:], None, state)
    torch.testing.assert_close(torch.cat((first, second), dim=1), whole, rtol=0, atol=1e-6)
    torch.testing.assert_close(resumed, last, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", TORCH)
def test_gradients_follow_differences(cell: str) -> None:
    torch.manual_seed(0)
    stack = RecurrentStack(cell, 3, 4, layers=2, bidirectional=True, dropout=0.0).double()
    keep = torch.tensor([[True, True, True], [True, True, False]])
    names = [name for name, _ in stack.named_parameters()]
    weights = tuple(weight.detach().requires_grad_() for weight in stack.parameters())
    x = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)

    def run(x: Tensor, *given: Tensor) -> Tensor:
        values = dict(zip(names, given, strict=True))
        return torch.func.functional_call(stack, values, (x, keep))[0]

    assert torch.autograd.gradcheck(run, (x, *weights), fast_mode=True)
