"""Our cells against torch.nn.RNN, GRU and LSTM with the same weights."""

import pytest
import torch
from torch import nn

from zhixing.model.assembly import build_model
from zhixing.model.config import RecurrentConfig
from zhixing.model.recurrent import Recurrent

TORCH = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


def _pair(kind: str) -> tuple[Recurrent, nn.RNNBase]:
    torch.manual_seed(0)
    ours = build_model(RecurrentConfig(kind=kind, width=16, layers=2, normalised=False), 30)
    theirs = TORCH[kind](16, 16, num_layers=2, batch_first=True)
    for index, layer in enumerate(ours.layers):
        for name, parameter in layer.named_parameters():
            if name.startswith("bias"):
                nn.init.normal_(parameter)
            getattr(theirs, f"{name}_l{index}").data.copy_(parameter.data)
    return ours, theirs


@pytest.mark.parametrize("kind", TORCH)
def test_hidden_states_and_gradients_equal_torch(kind: str) -> None:
    ours, theirs = _pair(kind)
    tokens = torch.randint(30, (3, 11), generator=torch.Generator().manual_seed(1))
    hidden = ours.body(tokens).hidden
    expected = theirs(ours.embed(tokens))[0]
    torch.testing.assert_close(hidden, expected, rtol=1e-5, atol=1e-5)
    hidden.square().sum().backward()
    expected.square().sum().backward()
    got = ours.layers[0].weight_hh.grad
    torch.testing.assert_close(got, theirs.weight_hh_l0.grad, rtol=1e-5, atol=1e-5)


def test_a_swapped_gate_would_be_noticed() -> None:
    ours, theirs = _pair("lstm")
    tokens = torch.randint(30, (3, 11), generator=torch.Generator().manual_seed(1))
    i, f, g, o = ours.layers[0].weight_ih.data.chunk(4)
    ours.layers[0].weight_ih.data = torch.cat((f, i, g, o))
    hidden, expected = ours.body(tokens).hidden, theirs(ours.embed(tokens))[0]
    assert not torch.allclose(hidden, expected, rtol=1e-5, atol=1e-5)
