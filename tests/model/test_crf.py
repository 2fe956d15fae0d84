"""The linear chain against every label sequence written out, against pytorch-crf, and its gradients against differences."""

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor

from zhixing.core.errors import DataError
from zhixing.model.crf import LinearChain, bio_rules

LABELS = 3
LENGTHS = (4, 2, 1)
KEEP = torch.arange(4) < torch.tensor(LENGTHS)[:, None]


def _chain() -> tuple[LinearChain, Tensor]:
    torch.manual_seed(0)
    chain = LinearChain(LABELS)
    for parameter in chain.parameters():
        torch.nn.init.normal_(parameter)
    return chain, torch.randn(3, 4, LABELS)


def _score(chain: LinearChain, scores: Tensor, labels: tuple[int, ...]) -> float:
    total = chain.start[labels[0]] + chain.end[labels[-1]]
    total = total + sum(scores[time, label] for time, label in enumerate(labels))
    pairs = pairwise(labels)
    return (total + sum(chain.transitions[a, b] for a, b in pairs)).item()


def test_likelihood_and_best_labels_equal_those_of_all_sequences() -> None:
    chain, scores = _chain()
    best = chain.best(scores, KEEP)
    for row, length in enumerate(LENGTHS):
        sequences = list(product(range(LABELS), repeat=length))
        each = torch.tensor([_score(chain, scores[row], labels) for labels in sequences])
        total = each.logsumexp(0)
        assert tuple(best[row]) == sequences[int(each.argmax())]
        for labels, score in zip(sequences, each, strict=True):
            padded = torch.zeros(1, 4, dtype=torch.long)
            padded[0, :length] = torch.tensor(labels)
            got = chain(scores[row : row + 1], padded, KEEP[row : row + 1])
            torch.testing.assert_close(got, (score - total)[None], rtol=1e-5, atol=1e-5)


def test_a_transposed_transition_would_be_noticed() -> None:
    chain, scores = _chain()
    labels = torch.tensor([[0, 1, 2, 1]])
    before = chain(scores[:1], labels, KEEP[:1])
    chain.transitions.data = chain.transitions.data.T.contiguous()
    assert not torch.allclose(before, chain(scores[:1], labels, KEEP[:1]), rtol=1e-5, atol=1e-5)


def test_what_stands_at_padding_does_not_matter() -> None:
    chain, scores = _chain()
    labels = torch.randint(LABELS, (3, 4), generator=torch.Generator().manual_seed(1))
    before = chain(scores, labels, KEEP)
    other_scores = torch.where(KEEP.unsqueeze(-1), scores, 50.0)
    other = chain(other_scores, torch.where(KEEP, labels, -100), KEEP)
    torch.testing.assert_close(before, other, rtol=0, atol=1e-6)
    assert chain.best(scores, KEEP) == chain.best(other_scores, KEEP)


def test_likelihood_and_best_labels_equal_pytorch_crf() -> None:
    library = pytest.importorskip("torchcrf")
    chain, scores = _chain()
    theirs = library.CRF(LABELS, batch_first=True)
    theirs.transitions.data.copy_(chain.transitions.data)
    theirs.start_transitions.data.copy_(chain.start.data)
    theirs.end_transitions.data.copy_(chain.end.data)
    labels = torch.randint(LABELS, (3, 4), generator=torch.Generator().manual_seed(2))
    expected = theirs(scores, labels, mask=KEEP, reduction="none")
    torch.testing.assert_close(chain(scores, labels, KEEP), expected, rtol=1e-5, atol=1e-5)
    assert chain.best(scores, KEEP) == theirs.decode(scores, mask=KEEP)


def test_gradients_follow_differences() -> None:
    chain, scores = _chain()
    chain = chain.double()
    labels = torch.randint(LABELS, (3, 4), generator=torch.Generator().manual_seed(3))
    weights = tuple(weight.detach().requires_grad_() for weight in chain.parameters())
    names = [name for name, _ in chain.named_parameters()]

    def run(scores: Tensor, *given: Tensor) -> Tensor:
        values = dict(zip(names, given, strict=True))
        return torch.func.functional_call(chain, values, (scores, labels, KEEP))

    inputs = (scores.double().requires_grad_(), *weights)
    assert torch.autograd.gradcheck(run, inputs)


NAMES = ["O", "B-per", "I-per", "B-loc", "I-loc"]


def test_rules_allow_exactly_what_bio_allows() -> None:
    rules = bio_rules(NAMES)
    assert rules.first.tolist() == [True, True, False, True, False]
    allowed = {
        (a, b) for i, a in enumerate(NAMES) for j, b in enumerate(NAMES) if rules.follows[i, j]
    }
    into_per = {(a, b) for a, b in allowed if b == "I-per"}
    assert into_per == {("B-per", "I-per"), ("I-per", "I-per")}
    assert {(a, b) for a in NAMES for b in ("O", "B-per", "B-loc")} <= allowed


def test_best_labels_under_rules_are_the_best_of_the_allowed_sequences() -> None:
    torch.manual_seed(4)
    chain, rules = LinearChain(len(NAMES)), bio_rules(NAMES)
    scores = 3 * torch.randn(6, 4, len(NAMES))
    keep = torch.ones(6, 4, dtype=torch.bool)
    free, ruled = chain.best(scores, keep), chain.best(scores, keep, rules)
    assert free != ruled, "the rules must matter here"
    for row in range(6):
        allowed = [
            labels
            for labels in product(range(len(NAMES)), repeat=4)
            if rules.first[labels[0]] and all(rules.follows[a, b] for a, b in pairwise(labels))
        ]
        best = max(allowed, key=lambda labels: _score(chain, scores[row], labels))
        assert tuple(ruled[row]) == best


def test_a_label_that_is_not_bio_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="'E-per'"):
        bio_rules(["O", "E-per"])
