"""The averaging language model against its formula, step by step against at once, and its gradients."""

import pytest
import torch
from torch import Tensor, nn

from zhixing.core.errors import UnsupportedError
from zhixing.model.averaging import Averaging
from zhixing.model.sequence_config import AveragingConfig

TOKENS = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 5, 3, 0]])


def _model() -> Averaging:
    torch.manual_seed(0)
    model = Averaging(AveragingConfig(embedding=4, width=3, layers=2), vocab=8)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.7)
    return model


@torch.no_grad()
def test_logits_follow_the_formula_on_networks_of_torch() -> None:
    model = _model()
    first, second = nn.LSTM(4, 3, batch_first=True), nn.LSTM(3, 3, batch_first=True)
    for ours, theirs in zip(model.layers, (first, second), strict=True):
        for name, parameter in ours.named_parameters():
            getattr(theirs, f"{name}_l0").data.copy_(parameter.data)
    x = model.embed(TOKENS)
    h, _ = first(x)
    everything = torch.cat((x, h, second(h)[0]), dim=-1)
    got, causal, whole = model(TOKENS).logits, [], []
    for time in range(5):
        seen = everything[:, : time + 1]
        causal.append((seen * model.score(seen).softmax(dim=1)).sum(dim=1))
        whole.append((everything * model.score(everything).softmax(dim=1)).sum(dim=1))
    expected = model.unembed(torch.stack(causal, dim=1))
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    mistaken = model.unembed(torch.stack(whole, dim=1))
    assert not torch.allclose(got, mistaken, rtol=1e-5, atol=1e-5), "the future must not count"


@torch.no_grad()
def test_token_by_token_equals_at_once_and_rows_can_be_selected() -> None:
    model = _model()
    whole, state = model(TOKENS).logits, model.new_state(2, 5)
    first = model(TOKENS[:, :2], state=state).logits
    torch.testing.assert_close(first, whole[:, :2], rtol=0, atol=1e-6)
    rows = torch.tensor([1, 0, 1])
    chosen = state.select(rows)
    for time in range(2, 5):
        step = model(TOKENS[rows, time : time + 1], state=chosen).logits
        torch.testing.assert_close(step, whole[rows, time : time + 1], rtol=0, atol=1e-6)
    assert (state.length, chosen.length) == (2, 5)


def test_gradients_follow_differences() -> None:
    model = _model().double()
    weights = dict(model.named_parameters())

    def run(*given: Tensor) -> Tensor:
        values = dict(zip(weights, given, strict=True))
        return torch.func.functional_call(model, values, (TOKENS,)).logits

    inputs = tuple(weight.detach().requires_grad_() for weight in weights.values())
    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


def test_packed_rows_are_refused() -> None:
    documents = torch.tensor([[0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
    with pytest.raises(UnsupportedError, match="one document per row"):
        _model().body(TOKENS, documents=documents)
