"""Labels and numbers against scikit-learn and scipy, resample by resample; a deliberate mistake is noticed."""

import math
import random

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.resampling import drawn_items, drawn_weights
from zhixing.evaluate.tasks.areas import average_precision, roc_area
from zhixing.evaluate.tasks.calibration import reliability
from zhixing.evaluate.tasks.glue import METRICS, judge_glue
from zhixing.evaluate.tasks.labels import judge_labels
from zhixing.evaluate.tasks.measure import Judged, Measure, compare, scores, undefined
from zhixing.evaluate.tasks.numbers import judge_numbers, pearson, spearman

TRUTH = list("aaaabbc")
GUESS = list("aaabbab")


def measures_of(judged: Judged) -> dict[str, Measure]:
    return {measure.name: measure for measure in judged.measures}


def values_of(judged: Judged) -> dict[str, float]:
    return {name: measure.value() for name, measure in measures_of(judged).items()}


def sample(count: int = 60, seed: int = 1) -> tuple[list[str], list[str]]:
    chance = random.Random(seed)
    truth = [chance.choice("xyz") for _ in range(count)]
    return [t if chance.random() < 0.6 else chance.choice("xyzw") for t in truth], truth


def test_labels_equal_hand_worked_values() -> None:
    values = values_of(judge_labels(GUESS, TRUTH))
    assert values["accuracy"] == pytest.approx(4 / 7)
    assert values["f1_macro"] == pytest.approx((6 / 8 + 2 / 5 + 0) / 3)
    assert values["precision_macro"] == pytest.approx((3 / 4 + 1 / 3 + 0) / 3)
    assert values["recall_macro"] == pytest.approx((3 / 4 + 1 / 2 + 0) / 3)


def test_labels_equal_scikit_learn_on_every_resample() -> None:
    guess, truth = sample()
    ours = measures_of(judge_labels(guess, truth, positive="x"))
    theirs = {
        "accuracy": sklearn_metrics.accuracy_score,
        "matthews": sklearn_metrics.matthews_corrcoef,
        "kappa": sklearn_metrics.cohen_kappa_score,
        "f1_macro": lambda t, g: sklearn_metrics.f1_score(t, g, average="macro", zero_division=0.0),
        "f1_micro": lambda t, g: sklearn_metrics.f1_score(t, g, average="micro"),
        "precision_macro": lambda t, g: sklearn_metrics.precision_score(
            t, g, average="macro", zero_division=0.0
        ),
        "f1": lambda t, g: sklearn_metrics.f1_score(t, g, labels=["x"], average="macro"),
    }
    drawn, weights = next(drawn_items(60, 5))[:4], next(drawn_weights(60, 5))[:4]
    for name, function in theirs.items():
        assert ours[name].value() == pytest.approx(function(truth, guess), abs=1e-12)
        for places, value in zip(drawn, ours[name].drawn(weights), strict=True):
            again = function([truth[n] for n in places], [guess[n] for n in places])
            assert value == pytest.approx(again, abs=1e-12)


def test_areas_and_correlations_equal_their_libraries_on_every_resample() -> None:
    chance = np.random.default_rng(3)
    guesses = chance.integers(6, size=40) / 5.0  # with ties
    truths = (chance.random(40) < 0.3 + 0.4 * guesses).astype(float)
    numbers = guesses + chance.normal(size=40).round(1)
    drawn, weights = next(drawn_items(40, 7))[:5], next(drawn_weights(40, 7))[:5]
    pairs = (
        (roc_area, truths, lambda t, g: sklearn_metrics.roc_auc_score(t, g)),
        (average_precision, truths, lambda t, g: sklearn_metrics.average_precision_score(t, g)),
        (pearson, numbers, lambda t, g: stats.pearsonr(t, g).statistic),
        (spearman, numbers, lambda t, g: stats.spearmanr(t, g).statistic),
    )
    for ours, second, theirs in pairs:
        values = ours(guesses, second, weights)
        wanted = [theirs(second[places], guesses[places]) for places in drawn]
        assert values == pytest.approx(wanted, abs=1e-12)
        assert ours(-guesses, second, weights) != pytest.approx(wanted, abs=1e-3)


def test_probabilities_bring_areas_and_calibration() -> None:
    items = [{"a": 0.9, "b": 0.1}, {"a": 0.2, "b": 0.8}, {"a": 0.6, "b": 0.4}]
    judged = judge_labels(["a", "b", "a"], ["a", "b", "b"], probabilities=items)
    values = values_of(judged)
    assert values["roc_auc:b"] == 1.0
    assert values["average_precision:b"] == 1.0
    assert values["calibration_error"] == pytest.approx((0.1 + 0.2 + 0.6) / 3)
    with pytest.raises(DataError, match="item 2 has no probability of 'b'"):
        judge_labels(["a", "b"], ["a", "b"], probabilities=[items[0], {"a": 1.0}])


def test_one_class_only_is_told_and_gives_no_area() -> None:
    judged = judge_labels(["a", "a"], ["a", "a"], probabilities=[{"a": 1.0}, {"a": 1.0}])
    assert any("every reference has the label 'a'" in note for note in judged.notes)
    assert {"roc_auc:a", "average_precision:a", "matthews", "kappa"} == set(undefined(judged))
    assert all(not math.isnan(score.value) for score in scores(judged))


def test_unknown_labels_are_counted() -> None:
    judged = judge_labels(["a", "b"], ["a", "新"], known=["a", "b"])
    assert judged.notes == ("1 references have labels that are not known: 新",)
    with pytest.raises(DataError, match="no item has the label 'spam'"):
        judge_labels(["a"], ["b"], positive="spam")


def test_every_score_has_an_interval_around_it_and_follows_its_seed() -> None:
    guess, truth = sample()
    judged = judge_labels(guess, truth)
    first = scores(judged, seed=1)
    assert first == scores(judged, seed=1)
    assert first != scores(judged, seed=2)
    for score in first:
        assert score.low is not None
        assert score.high is not None
        assert score.low < score.value < score.high
        assert score.count == 60
        assert score.signature.startswith("scikit-learn-")


def test_a_real_difference_is_found_and_none_between_equals() -> None:
    guess, truth = sample(200)
    good, same = judge_labels(truth, truth), judge_labels(guess, truth)
    first = {one.name: one for one in compare(judge_labels(truth[:150] + guess[150:], truth), same)}
    assert first["accuracy"].is_significant
    assert first["accuracy"].difference > 0
    equal = compare(same, same)
    assert all(one.difference == 0 and one.p_value == 1.0 for one in equal)
    assert not any(one.is_significant for one in equal)
    with pytest.raises(UsageError, match="cannot be compared"):
        compare(good, judge_labels(guess[:100], truth[:100]))


def test_systems_that_guess_other_classes_are_compared() -> None:
    truth = list("aabbaabb")
    one, other = judge_labels(list("aabbaabx"), truth), judge_labels(list("ccbbccbb"), truth)
    found = {each.name: each for each in compare(one, other)}
    assert found["f1_macro"].a == pytest.approx(one.measures[3].value())
    everything, nothing = np.ones((1, 8), dtype=bool), np.zeros((1, 8), dtype=bool)
    for mine, theirs in zip(one.measures, other.measures, strict=True):
        assert mine.swapped(theirs, everything)[0] == pytest.approx(theirs.value())
        assert mine.swapped(theirs, nothing)[0] == pytest.approx(mine.value())


def test_randomisation_is_that_of_all_swaps() -> None:
    truth = ["y", "n", "y", "n", "y", "n"]
    a, b = ["y", "n", "y", "n", "y", "y"], ["n", "n", "n", "n", "n", "n"]
    found = {d.name: d for d in compare(judge_labels(a, truth), judge_labels(b, truth))}
    # three items a alone has right, one b alone: |sum of random signs| >= 2 in 10 of 16 cases
    assert found["accuracy"].p_value == pytest.approx(10 / 16, abs=0.03)


def test_paired_numbers_are_swapped_item_by_item() -> None:
    truth = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    same = judge_numbers(truth, truth)
    noise = judge_numbers([4.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 5.0], truth)
    found = {one.name: one for one in compare(same, noise)}
    assert found["spearman"].a == pytest.approx(1.0)
    assert found["spearman"].p_value < 0.05
    assert found["absolute_error"].better == "lower"


def test_constant_guesses_have_no_correlation() -> None:
    judged = judge_numbers([0.1, 0.1, 0.1], [1.0, 2.0, 3.0])
    assert undefined(judged) == ["pearson", "spearman"]
    with pytest.raises(DataError, match="prediction 2 is nan"):
        judge_numbers([0.1, math.nan], [1.0, 2.0])


def test_glue_gives_the_official_metrics_of_each_task() -> None:
    for task, names in METRICS.items():
        judged = judge_glue(task, ["1", "0", "1", "1"], ["1", "0", "0", "1"])
        assert tuple(measure.name for measure in judged.measures) == names
    values = values_of(judge_glue("mrpc", ["1", "0", "1", "1"], ["1", "0", "0", "1"]))
    assert values == pytest.approx({"f1": 0.8, "accuracy": 0.75})
    with pytest.raises(UsageError, match="no GLUE task 'cb'"):
        judge_glue("cb", ["1"], ["1"])


@pytest.mark.parametrize("task", METRICS)
def test_glue_equals_the_libraries_that_its_script_calls(task: str) -> None:
    chance = np.random.default_rng(len(task))
    official = {
        "matthews": sklearn_metrics.matthews_corrcoef,
        "accuracy": sklearn_metrics.accuracy_score,
        "f1": lambda truth, guess: sklearn_metrics.f1_score(
            truth, guess, pos_label="1", zero_division=0
        ),
        "pearson": lambda truth, guess: stats.pearsonr(truth, guess)[0],
        "spearman": lambda truth, guess: stats.spearmanr(truth, guess)[0],
    }
    names = ["0", "1", "2"] if task == "mnli" else ["0", "1"]
    for size in (3, 9, 300):
        if task == "sts-b":
            truth, guess = chance.random((2, size)).round(3)
            truth[-1], guess[-1] = truth[0], guess[0] + 1  # a tie
        else:
            truth, guess = chance.choice(names, (2, size))
            truth[:2] = guess[:2] = names[:2]  # else Matthews or F1 may not be defined
        found = values_of(judge_glue(task, [*map(str, guess)], [*map(str, truth)]))
        expected = {name: official[name](truth, guess) for name in METRICS[task]}
        assert found == pytest.approx(expected, abs=1e-12), size


def test_nothing_and_unequal_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="nothing to score"):
        judge_labels([], [])
    with pytest.raises(DataError, match="1 predictions and 2 references"):
        judge_labels(["a"], ["a", "b"])


@pytest.mark.parametrize(("confidence", "place"), [(0.5, 4), (0.6, 5), (0.75, 7), (1.0, 9)])
def test_a_confidence_on_the_edge_of_two_bins_is_in_the_lower_one(
    confidence: float, place: int
) -> None:
    found = reliability([{"a": confidence, "b": 1 - confidence}], ["a"], bins=10)
    assert [n for n, each in enumerate(found) if each.count] == [place]
    assert found[place].low < confidence <= found[place].high


def test_pieces_of_a_document_are_drawn_together() -> None:
    documents = [f"{n // 10}" for n in range(200)]
    truths = ["a" if n // 10 % 2 else "b" for n in range(200)]
    guesses = [
        "a" if n // 10 % 4 else "b" for n in range(200)
    ]  # whole documents are right or wrong
    apart, together = (
        {one.name: one for one in scores(judge_labels(guesses, truths, documents=named))}
        for named in ((), documents)
    )
    for name, one in apart.items():
        assert together[name].value == pytest.approx(one.value)
        assert together[name].count == 20
    wide, narrow = together["accuracy"], apart["accuracy"]
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)
    with pytest.raises(UsageError, match="cannot be compared"):
        compare(judge_labels(guesses, truths), judge_labels(guesses, truths, documents=documents))


def test_of_documents_an_area_has_no_interval_and_calibration_has_one() -> None:
    truths, documents = ["a", "b"] * 10, [f"{n // 4}" for n in range(20)]
    given = [{"a": 0.6, "b": 0.4} if n % 3 else {"a": 0.2, "b": 0.8} for n in range(20)]
    guesses = ["a" if each["a"] > 0.5 else "b" for each in given]
    judged = judge_labels(guesses, truths, probabilities=given, documents=documents)
    found = {one.name: one for one in scores(judged)}
    plain = {one.name: one for one in scores(judge_labels(guesses, truths, probabilities=given))}
    assert found["roc_auc:b"].low is None
    assert found["calibration_error"].count == 5
    assert {n: one.value for n, one in found.items()} == pytest.approx(
        {n: one.value for n, one in plain.items()}
    )
    assert any("20 items are pieces of 5 documents" in note for note in judged.notes)


def test_every_item_has_its_document_or_none_has() -> None:
    with pytest.raises(DataError, match="2 items and 1 documents"):
        judge_labels(["a", "b"], ["a", "b"], documents=["1"])


def test_unknown_labels_are_told_on_their_side() -> None:
    judged = judge_labels(["spam", "a"], ["b", "a"], known=["a", "b"])
    assert judged.notes == ("1 predictions have labels that are not known: spam",)
