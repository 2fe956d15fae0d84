"""An ensemble answers with the mean of its members' probabilities, and each member learns as if it were alone."""

import pytest
import torch

from tests.tiny import tiny_tokenizer
from zhixing.model.assembly import build_network
from zhixing.model.ensemble import Ensemble
from zhixing.model.sequence_config import (
    BagConfig,
    ConvolutionConfig,
    EnsembleConfig,
    RecurrentClassifierConfig,
    RecurrentEncoderConfig,
)
from zhixing.objective.classify import Classify, LabelBatch

VOCAB, LABELS = 17, 3
MEMBERS = (
    ConvolutionConfig(embedding=6, windows=(1, 2), filters=5, labels=LABELS),
    BagConfig(embedding=4, hidden=(), phrase=3, buckets=50, labels=LABELS),
    RecurrentClassifierConfig(encoder=RecurrentEncoderConfig(embedding=6, width=8), labels=LABELS),
)
TOKENS = torch.tensor([[3, 1, 4, 1, 5], [9, 2, 6, 0, 0]])
KEEP = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])


def ensemble() -> Ensemble:
    torch.manual_seed(0)
    model = build_network(EnsembleConfig(members=MEMBERS), VOCAB)
    assert isinstance(model, Ensemble)
    for weight in model.parameters():
        weight.data.add_(torch.randn_like(weight) * 0.5)
    return model.eval()


def batch() -> LabelBatch:
    return LabelBatch(
        tokens=TOKENS, keep=KEEP, segments=torch.zeros_like(TOKENS), labels=torch.tensor([2, 0])
    )


def test_probabilities_are_the_mean_of_those_of_members_asked_one_by_one() -> None:
    model = ensemble()
    alone = [member(TOKENS, keep=KEEP).softmax(-1) for member in model.members]
    mean = torch.stack(alone).mean(dim=0)
    torch.testing.assert_close(model(TOKENS, keep=KEEP).softmax(-1), mean, rtol=1e-6, atol=1e-7)
    assert (alone[0] - alone[1]).abs().max() > 0.05  # members differ, or the mean would say nothing
    logits = torch.stack([member(TOKENS, keep=KEEP) for member in model.members]).mean(dim=0)
    assert not torch.allclose(logits.softmax(-1), mean, atol=1e-3)


def test_a_text_in_a_batch_gets_what_it_gets_alone() -> None:
    model = ensemble()
    alone = model(TOKENS[1:, :3])
    torch.testing.assert_close(model(TOKENS, keep=KEEP)[1:], alone, rtol=1e-5, atol=1e-6)


def test_each_member_has_the_gradient_that_it_has_alone() -> None:
    model = ensemble()
    objective = Classify(tiny_tokenizer(), time=8, labels=("a", "b", "c"), smoothing=0.1)
    objective.losses(model, batch())["loss"].total.backward()
    together = [weight.grad.clone() for weight in model.parameters()]
    for member in model.members:
        model.zero_grad()
        objective.losses(member, batch())["loss"].total.backward()
        names = {id(weight) for weight in member.parameters()}
        for weight, grad in zip(model.parameters(), together, strict=True):
            if id(weight) in names:
                torch.testing.assert_close(grad * len(MEMBERS), weight.grad, rtol=1e-5, atol=1e-7)


def test_the_loss_of_the_mean_would_give_another_gradient() -> None:
    """The deliberate mistake: members that learn what the others leave over."""
    model = ensemble()
    objective = Classify(tiny_tokenizer(), time=8, labels=("a", "b", "c"))
    objective.losses(model, batch())["loss"].total.backward()
    own = model.members[0].output.weight.grad.clone()
    model.zero_grad()
    objective.measure(model, batch()).losses["loss"].total.backward()
    assert not torch.allclose(own, model.members[0].output.weight.grad, rtol=1e-2)


def test_members_of_other_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="members have labels = 2 and 3"):
        EnsembleConfig(members=(MEMBERS[0], BagConfig(labels=2)))
    with pytest.raises(ValueError, match="at least 2"):
        EnsembleConfig(members=MEMBERS[:1])
