"""The n-gram model: probabilities that are right, sum to one, and never look across a document."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor

from zhixing.core.errors import CheckpointError, DataError
from zhixing.model.assembly import build_model
from zhixing.model.config import NGramConfig
from zhixing.model.kneser_ney import (
    FALLBACK_DISCOUNTS,
    _distinct,
    count_levels,
    modified_discounts,
)
from zhixing.model.ngram import NGram, count

BEGIN, END, A, B = 0, 1, 2, 3
VOCAB = 60


def counted(documents: Sequence[Sequence[int]], vocab: int, order: int) -> NGram:
    ids = np.array([token for document in documents for token in document], dtype=np.uint16)
    ends = np.cumsum([len(document) for document in documents], dtype=np.int64)
    return count(ids, ends, vocab, NGramConfig(order=order))


def zipf_documents(number: int = 150, vocab: int = VOCAB, seed: int = 0) -> list[list[int]]:
    random = np.random.default_rng(seed)
    texts = [random.zipf(1.5, random.integers(0, 30)) % (vocab - 2) + 2 for _ in range(number)]
    return [[BEGIN, *text.tolist(), END] for text in texts]


@pytest.fixture(scope="module")
def model() -> NGram:
    return counted(zipf_documents(), VOCAB, 5)


@pytest.fixture(scope="module")
def tokens() -> Tensor:
    return torch.randint(2, 20, (3, 24), generator=torch.Generator().manual_seed(1))


def test_a_bigram_model_worked_by_hand() -> None:
    # Documents "a b" and "a a". Bigrams: (begin a) 2, (a b) 1, (b end) 1, (a a) 1, (a end) 1: no count of 3, so the
    # discounts are 0.5, 1, 1.5. Different tokens before: a 2 (begin, a), b 1 (a), end 2 (b, a); together 5.
    # Unigrams leave γ = (1 + 0.5 + 1) / 5 = 0.5 to 4 equal ids, 0.125 each:
    #     a (2 - 1)/5 + 0.125 = 0.325     b (1 - 0.5)/5 + 0.125 = 0.225     end 0.325     begin 0.125
    # After a: three followers once each, γ = 1.5 / 3 = 0.5:  a 0.5/3 + 0.5 × 0.325, b 0.5/3 + 0.5 × 0.225 …
    # After begin: one follower twice, γ = 1 / 2:             a (2 - 1)/2 + 0.5 × 0.325
    model = counted([[BEGIN, A, B, END], [BEGIN, A, A, END]], 4, 2)
    probabilities = model(torch.tensor([[BEGIN, A]])).logits.exp()[0]
    after_begin = [0.5 * 0.125, 0.5 * 0.325, 0.5 + 0.5 * 0.325, 0.5 * 0.225]
    after_a = [0.5 * 0.125, 1 / 6 + 0.5 * 0.325, 1 / 6 + 0.5 * 0.325, 1 / 6 + 0.5 * 0.225]
    torch.testing.assert_close(probabilities, torch.tensor([after_begin, after_a]))


def test_discounts_worked_by_hand() -> None:
    # 6 n-grams once, 3 twice, 2 three times, 1 four times: Y = 6 / (6 + 2 × 3) = 1/2;
    # D1 = 1 - 2 Y 3/6 = 0.5, D2 = 2 - 3 Y 2/3 = 1, D3 = 3 - 4 Y 1/2 = 2.
    counts = np.array([1] * 6 + [2] * 3 + [3] * 2 + [4] + [9] * 5)
    np.testing.assert_allclose(modified_discounts(counts), [0.5, 1.0, 2.0])


@pytest.mark.parametrize("counts", [[], [1, 1, 2], [5, 6, 7], [1] * 10 + [2] + [3] * 10 + [4]])
def test_too_little_data_for_discounts_gives_the_fixed_ones(counts: list[int]) -> None:
    found = modified_discounts(np.array(counts, dtype=np.int64))
    np.testing.assert_array_equal(found, FALLBACK_DISCOUNTS)


@pytest.mark.parametrize("order", [1, 2, 3, 5, 8])
def test_every_distribution_sums_to_one_and_has_no_zero(order: int, tokens: Tensor) -> None:
    model = counted(zipf_documents(), VOCAB, order)
    logits = model(tokens).logits.double()
    assert torch.isfinite(logits).all()
    torch.testing.assert_close(
        logits.exp().sum(-1), torch.ones(3, 24, dtype=torch.float64), atol=1e-6, rtol=0
    )


def test_a_model_that_has_read_nothing_finds_every_id_equally_likely(tokens: Tensor) -> None:
    model = build_model(NGramConfig(), VOCAB)
    torch.testing.assert_close(model(tokens).logits, torch.full((3, 24, VOCAB), -math.log(VOCAB)))


def test_an_unseen_token_in_the_context_falls_back_to_the_unigrams() -> None:
    model = counted(zipf_documents(), VOCAB + 1, 5)
    logits = model(torch.tensor([[5, VOCAB]])).logits[0, -1]
    torch.testing.assert_close(logits.exp(), model.unigram)


def test_the_fast_path_for_targets_equals_the_head(model: NGram, tokens: Tensor) -> None:
    slow = model(tokens[:, :-1]).logits.double().gather(-1, tokens[:, 1:, None]).squeeze(-1)
    fast = model.log_prob(tokens[:, :-1], tokens[:, 1:])
    torch.testing.assert_close(fast, slow, atol=1e-6, rtol=0)


@pytest.mark.parametrize("sizes", [[24], [1] * 24, [7, 1, 16], [3, 0, 21]])
def test_reading_in_pieces_equals_reading_at_once(
    model: NGram, tokens: Tensor, sizes: list[int]
) -> None:
    state = model.new_state(3, 24)
    pieces = [model(piece, state=state).logits for piece in tokens.split(sizes, dim=1)]
    torch.testing.assert_close(torch.cat(pieces, 1), model(tokens).logits, rtol=0, atol=0)
    assert state.length == 24


def test_selected_rows_of_a_state_continue_as_their_own(model: NGram, tokens: Tensor) -> None:
    state = model.new_state(3, 24)
    model.body(tokens[:, :10], state=state)
    rows = torch.tensor([2, 0, 2])
    continued = model(tokens[rows, 10:], state=state.select(rows)).logits
    torch.testing.assert_close(continued, model(tokens).logits[rows, 10:], rtol=0, atol=0)


def test_packed_documents_do_not_see_each_other(model: NGram) -> None:
    documents = [document[1:9] for document in zipf_documents() if len(document) > 12][:4]
    owners = torch.tensor([[i for i, d in enumerate(documents) for _ in d]])
    packed = torch.tensor([[token for document in documents for token in document]])
    alone = [model(torch.tensor([document])).logits for document in documents]
    together = model(packed, documents=owners).logits
    torch.testing.assert_close(together, torch.cat(alone, 1), rtol=0, atol=0)
    without = model(packed).logits
    assert not torch.equal(without, together), "the test must be able to fail"


def test_a_state_forgets_what_stood_before_the_last_document(model: NGram, tokens: Tensor) -> None:
    state = model.new_state(3, 24)
    owners = torch.tensor([0, 0, 0, 1, 1]).expand(3, 5)
    model.body(tokens[:, :5], documents=owners, state=state)
    continued = model(tokens[:, 5:], state=state).logits
    torch.testing.assert_close(continued, model(tokens[:, 3:]).logits[:, 2:], rtol=0, atol=0)


def test_contexts_of_counted_documents_do_not_cross() -> None:
    levels = count_levels(
        np.array([BEGIN, A, END, BEGIN, B, END]), np.array([3, 6]), vocab=4, order=3
    )
    assert [len(level.tokens) for level in levels[1:]] == [4, 2]  # no (end, begin)


def loaded(config: NGramConfig, tensors: dict[str, Tensor]) -> NGram:
    model = NGram(config, VOCAB)
    model.load_state_dict(tensors)
    return model


def test_a_saved_model_predicts_the_same(model: NGram, tokens: Tensor) -> None:
    tensors = load(save({name: t.contiguous() for name, t in model.state_dict().items()}))
    again = loaded(model.config, tensors)
    torch.testing.assert_close(again(tokens).logits, model(tokens).logits, rtol=0, atol=0)
    assert again.num_ngrams == model.num_ngrams


def test_only_small_integers_are_saved(model: NGram) -> None:
    assert {tensor.dtype for tensor in model.state_dict().values()} <= {torch.uint8, torch.uint16}


def test_casting_the_model_does_not_touch_the_probabilities(model: NGram, tokens: Tensor) -> None:
    expected = model(tokens).logits
    copy = loaded(model.config, model.state_dict()).to(torch.bfloat16)
    torch.testing.assert_close(copy(tokens).logits, expected, rtol=0, atol=0)


@pytest.mark.parametrize("fault", ["missing", "shorter", "counts", "order"])
def test_tensors_that_do_not_fit_are_refused(model: NGram, fault: str) -> None:
    tensors = dict(model.state_dict())
    order = 5
    if fault == "missing":
        del tensors["levels.2.counts"]
    elif fault == "shorter":
        tensors["levels.2.tokens"] = tensors["levels.2.tokens"][:-1]
    elif fault == "counts":
        tensors["levels.1.branches"] = tensors["levels.1.branches"] + 1
    else:
        order = 4
    with pytest.raises((RuntimeError, CheckpointError)):
        loaded(NGramConfig(order=order), tensors)


@pytest.mark.parametrize(
    ("documents", "message"),
    [
        ([], "no text to count"),
        ([[BEGIN, 70, END]], "another tokenizer"),
        ([[BEGIN, A, END], [A, END]], "begin token"),
        ([[BEGIN, A, BEGIN, END]], "begin token"),
    ],
)
def test_documents_that_cannot_be_counted_are_refused(
    documents: list[list[int]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        counted(documents, VOCAB, 3)


def test_empty_documents_between_others_are_skipped() -> None:
    ids = np.array([BEGIN, A, END, BEGIN, B, END])
    plain = count(ids, np.array([3, 6]), 4, NGramConfig(order=3))
    holes = count(ids, np.array([0, 3, 3, 6, 6]), 4, NGramConfig(order=3))
    assert all(torch.equal(holes.state_dict()[k], v) for k, v in plain.state_dict().items())


@pytest.mark.parametrize("shift", [5, 53])
def test_finding_distinct_keys_equals_numpy_for_small_and_for_large_keys(shift: int) -> None:
    # Large keys leave no room to sort key and place as one number, which takes the other branch.
    keys = np.random.default_rng(0).integers(0, 1 << 20, 5000) % 700 << shift
    found = _distinct(keys)
    values, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(found.keys, values)
    np.testing.assert_array_equal(found.inverse, inverse)
    np.testing.assert_array_equal(found.counts, counts)
    np.testing.assert_array_equal(keys[found.first], values)
