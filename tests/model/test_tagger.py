"""The tagger: with and without a chain its likelihoods are probabilities, and rules hold."""

from itertools import product

import pytest
import torch

from zhixing.model.crf import bio_rules
from zhixing.model.sequence_config import RecurrentEncoderConfig, TaggerConfig
from zhixing.model.tagger import Tagger

NAMES = ["O", "B-x", "I-x"]
KEEP = torch.tensor([[True, True, True], [True, True, False]])
TOKENS = torch.tensor([[4, 2, 5], [1, 3, 0]])


def _tagger(*, chain: bool) -> Tagger:
    torch.manual_seed(0)
    encoder = RecurrentEncoderConfig(cell="gru", embedding=6, width=8)
    config = TaggerConfig(encoder=encoder, hidden=(7,), labels=3, chain=chain)
    return Tagger(config, vocab=6).eval()


@pytest.mark.parametrize("chain", [False, True])
@torch.no_grad()
def test_the_probabilities_of_all_label_sequences_add_up_to_one(chain: bool) -> None:
    tagger = _tagger(chain=chain)
    sequences = torch.tensor(list(product(range(3), repeat=3)))
    total = torch.zeros(())
    for labels in sequences:
        total += tagger.log_likelihood(TOKENS[:1], labels[None], KEEP[:1]).exp().sum()
    torch.testing.assert_close(total, torch.ones(()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("chain", [False, True])
@torch.no_grad()
def test_best_is_the_most_probable_sequence(chain: bool) -> None:
    tagger = _tagger(chain=chain)
    best = tagger.best(TOKENS, KEEP)
    assert [len(row) for row in best] == [3, 2]
    for row, length in enumerate((3, 2)):
        sequences = list(product(range(3), repeat=length))
        padded = torch.tensor([[*labels, *[0] * (3 - length)] for labels in sequences])
        rows = torch.full((len(sequences),), row)
        each = tagger.log_likelihood(TOKENS[rows], padded, KEEP[rows])
        assert tuple(best[row]) == sequences[int(each.argmax())]


def test_a_chain_learns_bio_from_a_few_texts() -> None:
    tagger = _tagger(chain=True).train()
    labels = torch.tensor([[1, 2, 0], [0, 1, 0]])
    optimizer = torch.optim.Adam(tagger.parameters(), lr=0.03)
    for _ in range(60):
        loss = -tagger.log_likelihood(TOKENS, labels, KEEP).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert tagger.eval().best(TOKENS, KEEP, bio_rules(NAMES)) == [[1, 2, 0], [0, 1]]
