"""The mixture: a proper distribution, a weight that never looks at the target, better than its parts."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.model.assembly import build_model
from zhixing.model.config import NGramConfig, RecurrentConfig
from zhixing.model.mixture import Mixture, fit
from zhixing.model.ngram import NGram, count
from zhixing.model.recurrent import Recurrent

BEGIN, END, VOCAB = 0, 1, 40
NUM_PHRASES = 20


def documents(number: int, seed: int) -> list[list[int]]:
    """Half of each text repeats one of many fixed phrases, each seen a few times (the n-gram's strength), half skips a
    token: only a memory of two tokens back tells what comes, whatever stands between (the network's strength)."""
    random = np.random.default_rng(seed)
    phrases = np.random.default_rng(99).integers(2, 20, (NUM_PHRASES, 12))
    made = []
    for _ in range(number):
        phrase = phrases[random.integers(NUM_PHRASES)].tolist()
        key = int(random.integers(20, 24))
        skipping = [token for _ in range(6) for token in (key, int(random.integers(24, 40)))]
        made.append([BEGIN, *phrase, *skipping, END])
    return made


@pytest.fixture(scope="module")
def parts() -> tuple[Recurrent, NGram]:
    torch.manual_seed(0)
    texts = documents(120, seed=1)
    neural = build_model(RecurrentConfig(kind="gru", width=24, layers=1), VOCAB)
    assert isinstance(neural, Recurrent)
    rows = torch.tensor(texts)
    optimizer = torch.optim.Adam(neural.parameters(), lr=0.02)
    for _ in range(40):
        logits = neural(rows[:, :-1]).logits
        optimizer.zero_grad()
        F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten()).backward()
        optimizer.step()
    ends = np.cumsum([len(text) for text in texts])
    return neural.eval(), count(np.concatenate(texts), ends, VOCAB, NGramConfig(order=4))


@pytest.fixture(scope="module")
def mixture(parts: tuple[Recurrent, NGram]) -> Mixture:
    return fit(*parts, documents(60, seed=2))


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    return torch.tensor(documents(8, seed=3))


def nats(logits: Tensor, tokens: Tensor) -> float:
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()).item()


def test_the_mixture_is_a_distribution(mixture: Mixture, tokens: Tensor) -> None:
    total = mixture(tokens).logits.double().exp().sum(-1)
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-6, rtol=0)


def test_the_mixture_is_the_weighted_sum_of_its_parts(mixture: Mixture, tokens: Tensor) -> None:
    output = mixture(tokens)
    weight = mixture.weight(output.hidden).unsqueeze(-1)
    assert ((weight >= 0) & (weight <= 1)).all()
    neural = mixture.neural(tokens).logits.softmax(-1)
    expected = weight * neural + (1 - weight) * mixture.ngram(tokens).logits.exp()
    torch.testing.assert_close(output.logits.exp(), expected, atol=1e-6, rtol=1e-5)


def test_the_weight_does_not_look_at_the_target(mixture: Mixture, tokens: Tensor) -> None:
    changed = tokens.clone()
    changed[:, 13:] = (changed[:, 13:] + 7) % VOCAB
    weights = [mixture.weight(mixture.body(text).hidden)[:, :13] for text in (tokens, changed)]
    torch.testing.assert_close(*weights, rtol=0, atol=0)


def test_the_weight_differs_by_context(mixture: Mixture, tokens: Tensor) -> None:
    weight = mixture.weight(mixture.body(tokens).hidden)
    assert weight[:, :12].mean() < weight[:, 13:-2].mean() - 0.5


def test_the_mixture_beats_both_parts_and_every_single_global_weight(
    mixture: Mixture, tokens: Tensor
) -> None:
    held_out = torch.tensor(documents(60, seed=4))
    neural = mixture.neural(held_out).logits.log_softmax(-1)
    ngram = mixture.ngram(held_out).logits
    ours = nats(mixture(held_out).logits, held_out)
    for weight in torch.linspace(0, 1, 21):
        fixed = (neural + weight.log()).logaddexp(ngram + (1 - weight).log())
        assert ours < nats(fixed, held_out) - 0.05


def test_fitting_twice_gives_the_same_gate(
    mixture: Mixture, parts: tuple[Recurrent, NGram]
) -> None:
    torch.manual_seed(12345)  # must not matter
    again = fit(*parts, documents(60, seed=2))
    for name, value in mixture.gate.state_dict().items():
        assert torch.equal(again.gate.state_dict()[name], value), name


def test_reading_in_pieces_equals_reading_at_once(mixture: Mixture, tokens: Tensor) -> None:
    state = mixture.new_state(len(tokens), 64)
    pieces = [mixture(piece, state=state).logits for piece in tokens.split([5, 1, 20], dim=1)]
    torch.testing.assert_close(torch.cat(pieces, 1), mixture(tokens).logits, atol=1e-5, rtol=1e-5)
    assert state.length == tokens.shape[1]


def test_selected_rows_of_a_state_continue_as_their_own(mixture: Mixture, tokens: Tensor) -> None:
    state = mixture.new_state(len(tokens), 64)
    mixture.body(tokens[:, :9], state=state)
    rows = torch.tensor([3, 3, 1])
    continued = mixture(tokens[rows, 9:], state=state.select(rows)).logits
    torch.testing.assert_close(continued, mixture(tokens).logits[rows, 9:], atol=1e-5, rtol=1e-5)


def test_packed_documents_do_not_see_each_other(mixture: Mixture, tokens: Tensor) -> None:
    packed = tokens[:2].reshape(1, -1)
    owners = torch.tensor([[0] * tokens.shape[1] + [1] * tokens.shape[1]])
    together = mixture(packed, documents=owners).logits[0]
    alone = mixture(tokens[:2]).logits.flatten(0, 1)
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


def test_a_saved_mixture_predicts_the_same(mixture: Mixture, tokens: Tensor) -> None:
    again = build_model(mixture.config, VOCAB)
    again.load_state_dict(mixture.state_dict())
    torch.testing.assert_close(again(tokens).logits, mixture(tokens).logits, rtol=0, atol=0)


def test_fitting_leaves_the_neural_model_as_it_was(parts: tuple[Recurrent, NGram]) -> None:
    neural, ngram = parts
    before = {name: value.clone() for name, value in neural.state_dict().items()}
    neural.train()
    fit(neural, ngram, documents(5, seed=6))
    assert neural.training
    assert all(p.requires_grad for p in neural.parameters())
    assert all(torch.equal(neural.state_dict()[name], value) for name, value in before.items())
    neural.eval()


def test_a_mixture_of_two_vocabularies_is_refused(parts: tuple[Recurrent, NGram]) -> None:
    other = build_model(NGramConfig(order=4), VOCAB + 1)
    assert isinstance(other, NGram)
    with pytest.raises(UnsupportedError, match="one tokenizer"):
        fit(parts[0], other, documents(5, seed=6))


@pytest.mark.parametrize("nothing", [[], [[BEGIN]]])
def test_fitting_on_no_text_is_refused(
    parts: tuple[Recurrent, NGram], nothing: list[list[int]]
) -> None:
    with pytest.raises(DataError, match="held-in"):
        fit(*parts, nothing)
