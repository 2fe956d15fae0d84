"""What every language model promises, whatever its architecture."""

import pytest
import torch

from zhixing.model.assembly import build_model
from zhixing.model.config import DecoderConfig, ModelConfig, RecurrentConfig
from zhixing.model.protocol import LanguageModel

VOCAB = 40
CONFIGS: list[ModelConfig] = [
    DecoderConfig(width=32, layers=2, heads=4, kv_heads=2, head_dim=8, hidden=48, max_time=32),
    RecurrentConfig(kind="rnn", width=24, layers=2),
    RecurrentConfig(kind="gru", width=24, layers=2),
    RecurrentConfig(kind="lstm", width=24, layers=2),
]


@pytest.fixture(params=CONFIGS, ids=lambda config: config.kind)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    torch.manual_seed(0)
    built = build_model(request.param, VOCAB).eval()
    for parameter in built.parameters():  # far from the start, where everything is nearly linear
        parameter.data.add_(torch.randn_like(parameter) * 0.1)
    return built


def _tokens(batch: int = 2, time: int = 20) -> torch.Tensor:
    return torch.randint(VOCAB, (batch, time), generator=torch.Generator().manual_seed(3))


@torch.inference_mode()
def test_future_tokens_do_not_change_the_past(model: LanguageModel) -> None:
    tokens = _tokens()
    changed = tokens.clone()
    changed[:, 12:] = (changed[:, 12:] + 1) % VOCAB
    before, after = model(tokens).logits, model(changed).logits
    assert torch.equal(before[:, :12], after[:, :12])
    assert not torch.allclose(before[:, 12:], after[:, 12:])


@torch.inference_mode()
def test_reading_in_pieces_equals_reading_at_once(model: LanguageModel) -> None:
    tokens = _tokens()
    state = model.new_state(2, 20)
    pieces = [model(tokens[:, a:b], state=state).logits for a, b in ((0, 7), (7, 8), (8, 20))]
    assert state.length == 20
    torch.testing.assert_close(torch.cat(pieces, 1), model(tokens).logits, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_packed_documents_equal_separate_documents(model: LanguageModel) -> None:
    tokens = _tokens(batch=1)
    documents = torch.tensor([[0] * 9 + [1] * 11])
    positions = torch.cat((torch.arange(9), torch.arange(11)))[None]
    packed = model(tokens, documents=documents, positions=positions).logits
    apart = torch.cat((model(tokens[:, :9]).logits, model(tokens[:, 9:]).logits), dim=1)
    torch.testing.assert_close(packed, apart, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_a_leak_between_packed_documents_would_be_noticed(model: LanguageModel) -> None:
    tokens = _tokens(batch=1)
    apart = torch.cat((model(tokens[:, :9]).logits, model(tokens[:, 9:]).logits), dim=1)
    assert not torch.allclose(model(tokens).logits, apart, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_selecting_rows_of_a_state_equals_having_read_those_rows(model: LanguageModel) -> None:
    tokens = _tokens()
    state = model.new_state(2, 20)
    model(tokens[:, :15], state=state)
    swapped = state.select(torch.tensor([1, 0, 1]))
    follow = tokens[[1, 0, 1], 15:]
    expected = model(tokens).logits[[1, 0, 1], 15:]
    torch.testing.assert_close(model(follow, state=swapped).logits, expected, rtol=1e-5, atol=1e-5)
