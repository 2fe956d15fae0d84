"""The tagger: one logit per label and place, which padding does not change, and a chain that learns BIO."""

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
def test_what_stands_at_padding_does_not_change_the_logits(chain: bool) -> None:
    tagger = _tagger(chain=chain)
    logits = tagger(TOKENS, keep=KEEP)
    assert logits.shape == (2, 3, 3)
    other = tagger(torch.where(KEEP, TOKENS, 5), keep=KEEP)
    torch.testing.assert_close(logits[KEEP], other[KEEP], rtol=0, atol=0)
    alone = tagger(TOKENS[1:, :2], keep=KEEP[1:, :2])
    torch.testing.assert_close(logits[1:, :2], alone, rtol=1e-5, atol=1e-6)


def test_a_chain_learns_bio_from_a_few_texts() -> None:
    tagger = _tagger(chain=True).train()
    assert tagger.chain is not None
    labels = torch.tensor([[1, 2, 0], [0, 1, 0]])
    optimizer = torch.optim.Adam(tagger.parameters(), lr=0.03)
    for _ in range(60):
        loss = -tagger.chain(tagger(TOKENS, keep=KEEP), labels, KEEP).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    scores = tagger.eval()(TOKENS, keep=KEEP)
    assert tagger.chain.best(scores, KEEP, bio_rules(NAMES)) == [[1, 2, 0], [0, 1]]
