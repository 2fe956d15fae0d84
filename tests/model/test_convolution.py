"""The convolutional classifier against its formula written as loops, and what padding may not do."""

import torch
from torch import Tensor

from zhixing.model.convolution import ConvolutionClassifier
from zhixing.model.sequence_config import ConvolutionConfig
from zhixing.model.tagger import pair_rows


def _classifier(bigrams: int = 0) -> ConvolutionClassifier:
    torch.manual_seed(0)
    config = ConvolutionConfig(embedding=4, bigrams=bigrams, windows=(2, 3), filters=5, labels=3)
    return ConvolutionClassifier(config, vocab=11).eval()


def _by_loops(model: ConvolutionClassifier, ids: list[int], *, flipped: bool = False) -> Tensor:
    strengths = []
    for patterns in model.patterns:
        edge = torch.zeros(patterns.window - 1, 4)
        x = torch.cat((edge, model.embed.weight[torch.tensor(ids)], edge))
        weight = patterns.filters.weight.flip(2) if flipped else patterns.filters.weight
        for pattern, bias in zip(weight, patterns.filters.bias, strict=True):
            places = range(len(x) - patterns.window + 1)
            each = [(pattern.T * x[t : t + patterns.window]).sum() + bias for t in places]
            strengths.append(torch.stack(each).relu().max())
    return model.output(torch.stack(strengths))


def test_logits_equal_the_formula_and_a_flipped_pattern_would_be_noticed() -> None:
    model = _classifier()
    ids = [3, 1, 4, 1, 5, 9, 2]
    got = model(torch.tensor([ids]))[0]
    torch.testing.assert_close(got, _by_loops(model, ids), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(got, _by_loops(model, ids, flipped=True), rtol=1e-5, atol=1e-5)


def test_padding_changes_nothing() -> None:
    model = _classifier()
    with torch.no_grad():  # a pattern that likes nothing better than zeros
        model.patterns[0].filters.weight.mul_(-1)
        model.patterns[0].filters.bias.fill_(1.0)
    alone = model(torch.tensor([[3, 1, 4]]))
    keep = torch.arange(9)[None] < 3
    padded = model(torch.tensor([[3, 1, 4, 7, 7, 7, 7, 7, 7]]), keep=keep)
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-6)
    assert not torch.allclose(model(torch.tensor([[3, 1, 4, 7, 7, 7, 7, 7, 7]])), alone, atol=1e-6)


def test_a_text_shorter_than_every_pattern_has_logits() -> None:
    model = _classifier()
    torch.testing.assert_close(
        model(torch.tensor([[6]]))[0], _by_loops(model, [6]), rtol=1e-5, atol=1e-5
    )


def test_gradients_follow_differences() -> None:
    model = _classifier().double()
    tokens = torch.tensor([[3, 1, 4, 0], [2, 0, 0, 0]])
    keep = tokens > 0
    weights = tuple(weight.detach().requires_grad_() for weight in model.parameters())
    names = [name for name, _ in model.named_parameters()]

    def run(*given: Tensor) -> Tensor:
        values = dict(zip(names, given, strict=True))
        return torch.func.functional_call(model, values, (tokens,), {"keep": keep})

    assert torch.autograd.gradcheck(run, weights, fast_mode=True)


def test_a_pair_adds_its_vector_to_its_second_token_and_begins_with_nothing() -> None:
    plain, model = _classifier(), _classifier(bigrams=97)
    assert model.embed_pairs is not None
    model.load_state_dict(plain.state_dict(), strict=False)
    tokens, keep = torch.tensor([[3, 1, 4, 0, 0]]), torch.tensor([[True] * 3 + [False] * 2])
    torch.testing.assert_close(model(tokens, keep=keep), plain(tokens, keep=keep), rtol=0, atol=0)
    with torch.no_grad():
        model.embed_pairs.weight.normal_()
        pairs = model.embed_pairs(pair_rows(tokens, 97))[0, :3]
        plain.embed.weight[5:8] = plain.embed.weight[tokens[0, :3]] + pairs  # as if other tokens
        expected = plain(torch.tensor([[5, 6, 7]]))
    torch.testing.assert_close(model(tokens, keep=keep), expected, rtol=1e-5, atol=1e-6)
