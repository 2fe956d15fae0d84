"""The tagger: one logit per label and place, which padding does not change, and a chain that learns BIO."""

import pytest
import torch

from zhixing.model.crf import bio_rules
from zhixing.model.sequence_config import RecurrentEncoderConfig, TaggerConfig
from zhixing.model.tagger import Tagger, pair_rows

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


def test_a_pair_has_a_row_of_its_own_where_there_is_room() -> None:
    tokens = torch.tensor([[3, 4, 3, 4], [4, 3, 4, 3]])
    rows = pair_rows(tokens, 10_007)
    assert rows[0, 1] == rows[0, 3] == rows[1, 2]  # 3 4, wherever it stands
    assert len(set(rows.flatten().tolist())) == 4  # 3 first, 4 first, 3 4, 4 3
    assert pair_rows(tokens, 2).max() == 1


def test_the_row_of_a_pair_is_that_of_saved_models() -> None:
    """Rows are weights in a file: 1,000,003 · (1 + token before, or 0 where there is none) + token, of what there is."""
    rows = pair_rows(torch.tensor([[3, 0, 3]]), 10_007)
    assert rows.tolist() == [[3, 4 * 1_000_003 % 10_007, (1_000_003 + 3) % 10_007]]


def _with_pairs() -> Tagger:
    torch.manual_seed(0)
    encoder = RecurrentEncoderConfig(embedding=6, width=8, bigrams=101, dropout=0.5)
    return Tagger(TaggerConfig(encoder=encoder, labels=3), vocab=6)


@torch.no_grad()
def test_a_pair_says_something_only_once_it_was_learnt() -> None:
    tagger = _with_pairs().eval()
    before = tagger(TOKENS, keep=KEEP)
    torch.manual_seed(0)
    encoder = tagger.config.encoder.model_copy(update={"bigrams": 0})
    assert tagger.encoder.embed_pairs is not None
    row = int(pair_rows(TOKENS, 101)[0, 1])
    tagger.encoder.embed_pairs.weight[row] += 1.0
    after = tagger(TOKENS, keep=KEEP)
    assert (after[0] - before[0]).abs().max() > 1e-3
    torch.testing.assert_close(after[1], before[1], rtol=0, atol=0)
    without = Tagger(TaggerConfig(encoder=encoder, labels=3), vocab=6).eval()
    without.load_state_dict(tagger.state_dict(), strict=False)
    torch.testing.assert_close(without(TOKENS, keep=KEEP), before, rtol=0, atol=0)


@torch.no_grad()
def test_padding_changes_no_pair() -> None:
    tagger = _with_pairs().eval()
    assert tagger.encoder.embed_pairs is not None
    torch.nn.init.normal_(tagger.encoder.embed_pairs.weight)
    alone = tagger(TOKENS[1:, :2], keep=KEEP[1:, :2])
    torch.testing.assert_close(tagger(TOKENS, keep=KEEP)[1:, :2], alone, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_whole_pairs_are_dropped_while_training() -> None:
    tagger = _with_pairs().train()
    encoder = tagger.encoder
    assert encoder.embed_pairs is not None
    torch.nn.init.zeros_(encoder.embed.weight)
    torch.nn.init.ones_(encoder.embed_pairs.weight)
    seen: list[torch.Tensor] = []
    encoder.stack.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    encoder.dropout.register_forward_hook(
        lambda _, given, out: out if out.shape[-1] == 1 else given[0]
    )
    tagger(torch.randint(0, 6, (40, 20)))
    assert {value.item() for value in seen[0].unique()} == {0.0, 2.0}
    assert all(len(place.unique()) == 1 for place in seen[0].flatten(0, 1))
