"""Recurrent sequence to sequence: against torch's networks, step by step against at once, padding, gradients."""

import pytest
import torch
from torch import Tensor, nn

from zhixing.core.config import Config
from zhixing.model.sequence_config import SequenceToSequenceConfig
from zhixing.model.sequence_to_sequence import SequenceToSequence
from zhixing.model.source_attention import SCORES, SourceAttention

SOURCE = torch.tensor([[3, 1, 4, 1, 5], [2, 6, 5, 0, 0]])
KEEP = torch.tensor([[True] * 5, [True, True, True, False, False]])
TARGET = torch.tensor([[0, 7, 2, 6], [0, 1, 1, 3]])
VARIANTS = [
    {"attention": "none", "input_feeding": False, "cell": "gru", "bidirectional": False},
    {"attention": "additive", "cell": "lstm", "layers": 2, "bridge": True},
    {"attention": "dot", "cell": "gru", "input_feeding": False, "tied": True, "layers": 2},
    {"attention": "general", "cell": "rnn", "output_bias": True, "source_vocab": 7},
]


def _model(**fields: object) -> SequenceToSequence:
    torch.manual_seed(0)
    config = SequenceToSequenceConfig.model_validate({"embedding": 6, "width": 6, **fields})
    model = SequenceToSequence(config, vocab=8).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.5)
    return model


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_token_by_token_equals_at_once(variant: dict) -> None:
    model = _model(**variant)
    whole = model(TARGET, source=SOURCE, keep=KEEP).logits
    memory, state = model.encode(SOURCE, keep=KEEP), model.new_state(2, 4)
    steps = [model.decode(TARGET[:, t : t + 1], memory, state=state).hidden for t in range(4)]
    torch.testing.assert_close(model.head(torch.cat(steps, 1)), whole, rtol=0, atol=1e-6)
    assert state.length == 4


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_rows_can_be_selected_while_writing(variant: dict) -> None:
    model = _model(**variant)
    rows = torch.tensor([1, 1, 0])
    memory, state = model.encode(SOURCE, keep=KEEP), model.new_state(2, 4)
    model.decode(TARGET[:, :2], memory, state=state)
    chosen = state.select(rows)
    got = model.decode(TARGET[rows, 2:], memory.select(rows), state=chosen).hidden
    whole = model.decode(TARGET[rows], model.encode(SOURCE[rows], keep=KEEP[rows])).hidden
    torch.testing.assert_close(got, whole[:, 2:], rtol=0, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_padding_of_the_source_changes_nothing(variant: dict) -> None:
    model = _model(**variant)
    padded = model(TARGET, source=SOURCE, keep=KEEP).logits[1:]
    alone = model(TARGET[1:], source=SOURCE[1:, :3]).logits
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-6)
    forgotten = model(TARGET[1:], source=SOURCE[1:]).logits
    assert not torch.allclose(forgotten, alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
@torch.no_grad()
def test_future_tokens_do_not_change_the_past(variant: dict) -> None:
    model = _model(**variant)
    other = TARGET.clone()
    other[:, -1] = 5
    one, two = (model(ids, source=SOURCE, keep=KEEP).logits for ids in (TARGET, other))
    torch.testing.assert_close(one[:, :-1], two[:, :-1], rtol=0, atol=0)
    assert not torch.allclose(one[:, -1], two[:, -1])


def _copy(ours: nn.Module, theirs: nn.RNNBase, layer: int) -> None:
    for name, parameter in ours.named_parameters():
        getattr(theirs, f"{name}_l{layer}").data.copy_(parameter.data)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_without_attention_it_is_two_networks_of_torch(cell: str) -> None:
    model = _model(cell=cell, attention="none", input_feeding=False, bidirectional=False, layers=2)
    kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
    reader, writer = (kind(6, 6, num_layers=2, batch_first=True) for _ in range(2))
    for layer in range(2):
        _copy(model.encoder.passes[layer][0], reader, layer)
        _copy(model.decoder[layer], writer, layer)
    _, last = reader(model.embed_source(SOURCE))
    expected = model.unembed(writer(model.embed(TARGET), last)[0])
    got = model(TARGET, source=SOURCE).logits
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    cold = model.unembed(writer(model.embed(TARGET))[0])
    assert not torch.allclose(got, cold, rtol=1e-5, atol=1e-5), "the state must be handed over"


def test_dot_attention_is_torchs_with_its_scale_undone() -> None:
    torch.manual_seed(0)
    attention = SourceAttention("dot", 6)
    query, hidden = torch.randn(2, 4, 6), torch.randn(2, 5, 6)
    context = nn.functional.scaled_dot_product_attention(
        query, hidden, hidden, attn_mask=KEEP[:, None], scale=1.0
    )
    expected = torch.tanh(attention.combine(torch.cat((context, query), dim=-1)))
    got = attention(query, attention.score.keys(hidden), hidden, KEEP)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    scaled = nn.functional.scaled_dot_product_attention(
        query, hidden, hidden, attn_mask=KEEP[:, None]
    )
    assert not torch.allclose(scaled, context, rtol=1e-5, atol=1e-5)


def test_additive_and_general_scores_follow_their_formulas() -> None:
    torch.manual_seed(0)
    q, m = torch.randn(1, 1, 6), torch.randn(1, 1, 6)
    additive, general = SCORES["additive"](6), SCORES["general"](6)
    hidden = torch.tanh(additive.query.weight @ q[0, 0] + additive.key.weight @ m[0, 0])
    torch.testing.assert_close(additive(q, additive.keys(m))[0, 0, 0], additive.vector @ hidden)
    expected = q[0, 0] @ general.key.weight @ m[0, 0]
    torch.testing.assert_close(general(q, general.keys(m))[0, 0, 0], expected)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients_follow_differences(variant: dict) -> None:
    model = _model(**variant).double()
    weights = dict(model.named_parameters())
    inputs = tuple(weight.detach().requires_grad_() for weight in weights.values())

    def run(*given: Tensor) -> Tensor:
        values = dict(zip(weights, given, strict=True))
        options = {"source": SOURCE, "keep": KEEP}
        output = torch.func.functional_call(model, values, (TARGET,), options)
        assert output.logits is not None
        return output.logits

    assert torch.autograd.gradcheck(run, inputs, fast_mode=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_single_precision_gradients_equal_those_of_double(variant: dict) -> None:
    single, double = _model(**variant), _model(**variant).double()
    double.load_state_dict(single.state_dict())
    for model in (single, double):
        model(TARGET, source=SOURCE, keep=KEEP).logits.square().mean().backward()
    for (name, one), two in zip(single.named_parameters(), double.parameters(), strict=True):
        torch.testing.assert_close(
            one.grad,
            two.grad.float(),
            rtol=1e-5,
            atol=1e-5,
            msg=lambda text, n=name: f"{n}: {text}",
        )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"attention": "none"}, "input_feeding"),
        ({"width": 7}, "width = 7"),
        ({"tied": True, "embedding": 4, "width": 6}, "embedding = 4"),
        ({"tied": True, "source_vocab": 9}, "source_vocab"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(fields: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SequenceToSequenceConfig.model_validate(fields)
    assert issubclass(SequenceToSequenceConfig, Config)
