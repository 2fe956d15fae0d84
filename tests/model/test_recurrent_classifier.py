"""The recurrent classifier: what it pools, and what padding may not do."""

import pytest
import torch

from zhixing.model.recurrent_classifier import RecurrentClassifier
from zhixing.model.sequence_config import RecurrentClassifierConfig, RecurrentEncoderConfig


def _classifier(pooling: str) -> RecurrentClassifier:
    torch.manual_seed(0)
    reader = RecurrentEncoderConfig(embedding=6, width=8)
    config = RecurrentClassifierConfig(encoder=reader, pooling=pooling, labels=3)
    return RecurrentClassifier(config, vocab=11).eval()


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_logits_are_those_of_the_pooled_vectors(pooling: str) -> None:
    model, tokens = _classifier(pooling), torch.tensor([[3, 1, 4, 1, 5]])
    vectors = model.encoder.body(tokens).hidden[0]
    pooled = vectors.max(dim=0).values if pooling == "max" else vectors.mean(dim=0)
    expected = model.output(pooled)
    torch.testing.assert_close(model(tokens)[0], expected, rtol=1e-5, atol=1e-5)
    other = vectors.mean(dim=0) if pooling == "max" else vectors.max(dim=0).values
    assert not torch.allclose(model.output(other), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pooling", ["max", "mean"])
def test_padding_changes_nothing(pooling: str) -> None:
    model = _classifier(pooling)
    alone = model(torch.tensor([[3, 1, 4]]))
    keep = torch.arange(7)[None] < 3
    padded = model(torch.tensor([[3, 1, 4, 7, 7, 7, 7]]), keep=keep)
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-6)
    assert not torch.allclose(model(torch.tensor([[3, 1, 4, 7, 7, 7, 7]])), alone, atol=1e-6)


def test_the_order_of_the_tokens_counts() -> None:
    model, tokens = _classifier("max"), torch.tensor([[3, 1, 4, 9]])
    assert not torch.allclose(model(tokens), model(tokens.flip(1)), atol=1e-4)
