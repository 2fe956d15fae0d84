"""A bag that begins as naive Bayes, counted by hand and by scikit-learn."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from sklearn.naive_bayes import BernoulliNB

from zhixing.model.assembly import build_network
from zhixing.model.perceptron import BagClassifier
from zhixing.model.sequence_config import BagConfig, ConvolutionConfig, EnsembleConfig
from zhixing.train.counts import begin_with_counts, counting_members

TEXTS = (([1, 2, 2], 0), ([1, 3], 0), ([3, 4, 2], 1), ([3, 3, 1], 1), ([5], 1))


def bag(phrase: int = 1, labels: int = 2, buckets: int = 64) -> BagClassifier:
    torch.manual_seed(0)
    config = {"labels": labels, "embedding": labels, "hidden": (), "begin": "naive-bayes"}
    more = {"phrase": phrase, "buckets": buckets} if phrase > 1 else {}
    model = build_network(BagConfig.model_validate({**config, **more}), 7)
    assert isinstance(model, BagClassifier)
    return model


def examples(texts: Sequence[tuple[list[int], int]] = TEXTS) -> list[dict[str, np.ndarray]]:
    return [{"tokens": np.array(tokens), "label": np.array([label])} for tokens, label in texts]


def test_the_numbers_are_those_of_a_count_by_hand() -> None:
    model = bag()
    assert begin_with_counts(model, examples()) == len(TEXTS)
    counts = np.array([[0, 0], [2, 1], [1, 1], [1, 2], [0, 1], [0, 1], [0, 0]]) + 1
    likely = np.log(counts / counts.sum(axis=0))
    expected = (likely[:, 1] - likely[:, 0])[1:4]
    found = (model.embed.weight[:, 1] - model.embed.weight[:, 0]).detach().numpy()
    np.testing.assert_allclose(found[1:4], expected, rtol=1e-5)
    assert not found[[0, 4, 5, 6]].any()  # seen in one text at most
    np.testing.assert_allclose(model.embed.weight.detach().sum(1).numpy(), 0.0, atol=1e-6)


def test_runs_are_counted_with_tokens_and_padding_is_no_run() -> None:
    model = bag(phrase=2, buckets=1024)
    begin_with_counts(model, examples([([1, 2, 3], 0), ([4, 1, 2], 0), ([5, 6], 1), ([5, 6], 1)]))
    assert model.runs is not None
    assert int((model.runs.weight.abs().sum(1) > 0).sum()) == 2  # (1 2) and (5 6)
    logits = model(torch.tensor([[1, 2], [5, 6]]))
    assert logits.argmax(-1).tolist() == [0, 1]
    keep = torch.tensor([[True, True, False]])
    torch.testing.assert_close(model(torch.tensor([[1, 2, 6]]), keep=keep), logits[:1])


def test_before_it_learns_it_orders_texts_as_naive_bayes_does() -> None:
    """Independent: scikit-learn's Bernoulli naive Bayes with the same smoothing, on features that many texts have."""
    random = np.random.default_rng(0)
    rows = [(random.permutation([1, 2, 3, 4, 5, 6])[:3].tolist(), 0) for _ in range(80)]
    rows += [([*random.permutation([1, 2, 3])[:2].tolist(), 6], 1) for _ in range(80)]
    model = bag()
    begin_with_counts(model, examples(rows))
    seen = np.zeros((len(rows), 7))
    for number, (tokens, _) in enumerate(rows):
        seen[number, tokens] = 1
    theirs = BernoulliNB(alpha=1.0, fit_prior=False).fit(seen, [label for _, label in rows])
    present = theirs.feature_log_prob_[1] - theirs.feature_log_prob_[0]
    ours = (model.embed.weight[:, 1] - model.embed.weight[:, 0]).detach().numpy()
    shift = (present - ours)[1:]  # the sums below the fractions differ, by one number for all
    np.testing.assert_allclose(shift, shift.mean(), atol=1e-5)


def test_only_bags_that_begin_so_are_counted_for() -> None:
    begun = bag().config
    members = (ConvolutionConfig(labels=2), BagConfig(labels=2), begun)
    model = build_network(EnsembleConfig(members=members), 7)
    assert [each.config for each in counting_members(model)] == [begun]
    assert counting_members(build_network(BagConfig(labels=2), 7)) == []


def test_it_needs_one_number_for_each_label() -> None:
    with pytest.raises(ValueError, match=r"needs hidden = \[\] and embedding = labels = 3"):
        BagConfig(labels=3, begin="naive-bayes")
