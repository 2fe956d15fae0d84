"""Tags, spans, lists and calibration: seqeval called directly, the scripts' rules by hand, scikit-learn's NDCG."""

import random
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, IOBES
from sklearn.metrics import ndcg_score

from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.tasks.calibration import (
    abstention,
    calibration_error,
    cross_entropy,
    reliability,
    surprise,
    temperature,
)
from zhixing.evaluate.tasks.measure import Judged, compare, scores, undefined
from zhixing.evaluate.tasks.retrieval import judge_retrieval
from zhixing.evaluate.tasks.spans import arguments, judge_roles, judge_segmentation
from zhixing.evaluate.tasks.tags import breaks, entities, judge_tags, scheme_of


def values_of(judged: Judged) -> dict[str, float]:
    return {measure.name: measure.value() for measure in judged.measures}


@pytest.mark.parametrize("scheme", [IOB2, IOBES])
def test_entities_equal_seqeval_on_random_and_broken_sequences(scheme) -> None:
    chance = random.Random(4)
    marks = "BI" if scheme is IOB2 else "BIES"
    tags = ["O", *[f"{mark}-{kind}" for mark in marks for kind in ("人", "LOC")]]
    truth = [[chance.choice(tags) for _ in range(chance.randrange(1, 9))] for _ in range(60)]
    guess = [[t if chance.random() < 0.7 else chance.choice(tags) for t in row] for row in truth]
    judged = judge_tags(guess, truth)
    found = values_of(judged)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, function in (
            ("f1", f1_score),
            ("precision", precision_score),
            ("recall", recall_score),
        ):
            wanted = function(truth, guess, mode="strict", scheme=scheme)
            assert found[name] == pytest.approx(wanted)
            assert wanted > 0
        macro = f1_score(truth, guess, mode="strict", scheme=scheme, average="macro")
        loose = f1_score(truth, guess)
    assert found["f1_macro"] == pytest.approx(macro)
    assert found["f1"] != pytest.approx(loose, abs=1e-3)  # strict is not the default
    assert any("reference sequences break" in note for note in judged.notes)


def test_a_loose_tag_makes_no_entity_and_is_told() -> None:
    judged = judge_tags([["I-PER", "O"]], [["B-PER", "O"]])
    assert values_of(judged)["f1"] == 0
    assert judged.notes == (
        "1 of 1 predicted sequences break IOB2: their loose tags make no entity",
    )
    assert breaks(["B-PER", "I-LOC"], "IOB2") == [1]
    assert breaks(["B-PER", "I-PER", "B-PER"], "IOB2") == []
    assert breaks(["B-PER", "O", "S-LOC"], "IOBES") == [1]
    assert breaks(["B-PER", "I-PER"], "IOBES") == [2]
    assert breaks(["B-PER", "E-PER", "S-LOC"], "IOBES") == []
    assert scheme_of([["S-PER"]]) == "IOBES"
    assert entities(["B-PER", "E-PER", "S-LOC"], "IOBES") == {("PER", 0, 2), ("LOC", 2, 3)}


def test_no_entity_anywhere_is_no_score_rather_than_zero() -> None:
    judged = judge_tags([["O", "O"]], [["O", "O"]])
    assert undefined(judged) == ["f1", "precision", "recall"]
    assert [score.name for score in scores(judged)] == ["accuracy"]
    assert "the references have no entity at all" in judged.notes


def test_parts_of_speech_have_accuracy_alone_and_mixtures_are_refused() -> None:
    assert values_of(judge_tags([["NN", "VB"]], [["NN", "NN"]])) == {"accuracy": 0.5}
    with pytest.raises(DataError, match="of no scheme \\(NN\\)"):
        judge_tags([["B-PER"]], [["NN"]])
    with pytest.raises(DataError, match="sentence 1 has 2 words and 1 predicted tags"):
        judge_tags([["O"]], [["O", "O"]])


def test_roles_follow_srl_eval() -> None:
    tags = ["B-A0", "B-V", "B-A1", "O", "B-C-A1", "I-C-A1", "B-R-A0"]
    assert arguments(tags) == {
        ("A0", ((0, 1),)), ("A1", ((2, 3), (4, 6))), ("R-A0", ((6, 7),))
    }  # fmt: skip
    loose = ["B-C-V", "B-C-A1", "B-V", "I-A0", "B-C-A1", "B-A1", "B-C-A0", "B-C-A1"]
    assert arguments(loose) == {
        ("A1", ((1, 2), (4, 5))), ("A0", ((3, 4), (6, 7))), ("A1", ((5, 6), (7, 8)))
    }  # fmt: skip
    cut = ["B-A0", "B-V", "B-A1", "O", "O", "O", "B-R-A0"]
    found = values_of(judge_roles([cut], [tags]))
    assert found == pytest.approx({"f1": 2 * 2 / 6, "precision": 2 / 3, "recall": 2 / 3})
    assert values_of(judge_roles([tags], [tags]))["f1"] == 1
    assert undefined(judge_roles([["B-V"]], [["B-V"]])) == ["f1", "precision", "recall"]
    with pytest.raises(DataError, match="tag 'A0' is neither"):
        arguments(["A0"])


def test_predicates_of_one_sentence_are_drawn_together() -> None:
    right, wrong = ["B-A0", "B-V"], ["B-A1", "B-V"]
    truth = [right] * 40
    guess = [right] * 20 + [wrong] * 20
    pairs = [str(n // 2) for n in range(40)]  # two predicates a sentence, both right or both wrong
    alone, together = (judge_roles(guess, truth, sentences=sentences) for sentences in ((), pairs))
    assert values_of(alone) == values_of(together)
    one, other = (scores(each)[0] for each in (alone, together))
    assert (one.count, other.count) == (40, 20)
    assert other.signature == f"{one.signature}|drawn:sentences"
    assert (other.high - other.low) / (one.high - one.low) == pytest.approx(2**0.5, rel=0.15)
    with pytest.raises(DataError, match="40 items and 39 documents"):
        judge_roles(guess, truth, sentences=pairs[1:])


def test_segmentation_counts_words_whose_both_ends_are_right() -> None:
    found = values_of(judge_segmentation([["我", "喜欢", "北", "京"]], [["我", "喜欢", "北京"]]))
    assert found == pytest.approx({"f1": 2 * 2 / 7, "precision": 2 / 4, "recall": 2 / 3})
    with pytest.raises(DataError, match="not those of the text"):
        judge_segmentation([["我"]], [["你"]])


def test_lists_are_scored_as_by_hand_and_by_scikit_learn() -> None:
    lists = [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]]
    gains = [{"a": 1.0}, {"b": 2.0, "a": 1.0}, {"z": 1.0}]
    judged = judge_retrieval(lists, gains, k=[1, 2, 3], catalogue=5)
    found = values_of(judged)
    assert found["recall@1"] == pytest.approx((1 + 0 + 0) / 3)
    assert found["recall@2"] == pytest.approx((1 + 0.5 + 0) / 3)
    assert found["mrr"] == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert found["coverage@1"] == pytest.approx(3 / 5)
    second = ndcg_score([[1.0, 2.0, 0.0]], [[2.0, 1.0, 3.0]], k=3)  # a, b, c
    assert found["ndcg@3"] == pytest.approx((1 + second + 0) / 3)
    assert {s.name for s in scores(judged) if s.low is None} == {
        "coverage@1", "coverage@2", "coverage@3"
    }  # fmt: skip


def test_queries_without_anything_relevant_are_left_out_and_told() -> None:
    judged = judge_retrieval([["a"], ["a"]], [{"a": 1.0}, {"a": 0.0}])
    assert values_of(judged)["recall@1"] == 1
    assert judged.notes == ("1 queries have nothing relevant and are left out",)
    with pytest.raises(DataError, match="no query has anything relevant"):
        judge_retrieval([["a"]], [{}])
    with pytest.raises(DataError, match="lists an item twice"):
        judge_retrieval([["a", "a"]], [{"a": 1.0}])
    with pytest.raises(UsageError, match="places count from 1"):
        judge_retrieval([["a"]], [{"a": 1.0}], k=[0])


def test_queries_of_a_group_are_drawn_together() -> None:
    lists, gains = [["a"]] * 40 + [["b"]] * 40, [{"a": 1.0}] * 80
    groups = ["x"] * 40 + ["y"] * 40
    alone, apart = judge_retrieval(lists, gains), judge_retrieval(lists, gains, groups=groups)
    assert values_of(alone) == values_of(apart)
    spans = [next(s for s in scores(each) if s.name == "mrr") for each in (alone, apart)]
    assert (spans[1].low, spans[1].high) == (0.0, 1.0)  # a group is all right or all wrong
    assert 0.3 < spans[0].low < spans[0].high < 0.7
    with pytest.raises(DataError, match="80 queries and 1 groups"):
        judge_retrieval(lists, gains, groups=["x"])
    kept = judge_retrieval([["a"], ["a"]], [{"a": 0.0}, {"a": 1.0}], groups=["x", "y"])
    assert [len(measure) for measure in kept.measures] == [1] * len(kept.measures)


def test_calibration_error_is_that_of_the_bins_by_hand() -> None:
    items = [{"a": 0.95, "b": 0.05}, {"a": 0.95, "b": 0.05}, {"a": 0.45, "b": 0.55}]
    measure = calibration_error(items, ["a", "b", "b"], bins=10)
    assert measure.value() == pytest.approx((2 * abs(0.5 - 0.95) + abs(1 - 0.55)) / 3)
    bins = reliability(items, ["a", "b", "b"], bins=10)
    assert [(one.count, one.accuracy) for one in bins if one.count] == [(1, 1.0), (2, 0.5)]
    assert bins[0].confidence is None
    with pytest.raises(DataError, match="add up to 1"):
        calibration_error([{"a": 0.5}], ["a"])


def test_abstention_and_cross_entropy_are_those_by_hand() -> None:
    items = [{"a": 0.9, "b": 0.1}, {"a": 0.8, "b": 0.2}, {"a": 0.3, "b": 0.7}, {"a": 0.5, "b": 0.5}]
    truths = ["a", "b", "b", "a"]
    found = abstention(items, truths, at_least=0.7)
    assert (found.coverage.value(), found.accuracy.value()) == (3 / 4, 2 / 3)
    assert np.isnan(abstention(items, truths, at_least=0.99).accuracy.value())
    pieces = abstention(items, truths, at_least=0.7, documents=["x", "x", "y", "y"])
    assert (len(pieces.coverage), pieces.accuracy.value()) == (2, 2 / 3)
    nats = surprise(items, truths)
    assert nats.value() == pytest.approx(-np.log([0.9, 0.2, 0.7, 0.5]).mean())
    unknown = surprise(items[:1], ["c"])
    assert unknown.value() == pytest.approx(-np.log(1e-12)), "a label that is not known"


def test_temperature_is_where_cross_entropy_is_least() -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(300, 4)) * 6
    labels = [int(chance.choice(4, p=np.exp(log_softmax(row / 3)))) for row in logits]
    wanted = minimize_scalar(
        lambda t: -log_softmax(logits / t, axis=1)[np.arange(300), labels].mean(),
        bounds=(0.1, 20),
        method="bounded",
        options={"xatol": 1e-8},
    ).x
    found = temperature(logits, labels)
    assert found == pytest.approx(wanted, rel=1e-4)
    assert 2.0 < found < 4.5
    assert cross_entropy(logits, labels, found) < cross_entropy(logits, labels, 1.0)
    with pytest.raises(DataError, match="do not fit"):
        temperature(logits, labels[:3])


def test_two_taggers_are_compared_by_sentence() -> None:
    truth = [["B-PER", "I-PER", "O"], ["O", "B-LOC", "O"]] * 20
    worse = [["B-PER", "O", "O"], ["O", "B-LOC", "O"]] * 20
    found = {one.name: one for one in compare(judge_tags(truth, truth), judge_tags(worse, truth))}
    assert found["f1"].is_significant
    assert found["f1"].b == pytest.approx(0.5)
