import dataclasses
import math

import numpy as np
import pytest

from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.evaluate import resampling
from zhixing.evaluate.harness import DocumentScore
from zhixing.evaluate.metrics import Scored, bits_per_byte, compare, perplexity, summarise
from zhixing.evaluate.score import Signature

SIGNED = Signature(tokenizer="t", window=64, dtype="float32", data="d")


def document(number: int, bits: float, size: int = 100, tokens: int = 25, language: str = "en"):
    return DocumentScore(
        id=str(number), language=language, bits=bits, bytes=size, tokens=tokens, text_hash="h"
    )


def sample(count: int, seed: int = 0, shift: float = 0.0) -> list[DocumentScore]:
    random = np.random.default_rng(seed)
    sizes = random.integers(50, 500, count)
    return [
        document(i, float(size) * (2.0 + shift + 0.3 * random.standard_normal()), int(size))
        for i, size in enumerate(sizes)
    ]


def test_bits_per_byte_is_a_ratio_of_sums_not_a_mean_of_ratios():
    scores = [document(1, 100.0, 100), document(2, 900.0, 300)]
    assert bits_per_byte(scores).value == pytest.approx(2.5)
    assert np.mean([1.0, 3.0]) != pytest.approx(2.5)


def test_perplexity_of_one_bit_per_token_is_two():
    score = perplexity([document(1, 25.0), document(2, 25.0)])
    assert (score.value, score.low, score.high) == pytest.approx((2.0, 2.0, 2.0))


def test_the_interval_equals_a_plain_bootstrap():
    scores = sample(40)
    score = bits_per_byte(scores, seed=7)
    random = np.random.default_rng(99)
    ratios = []
    for _ in range(4000):
        drawn = [scores[i] for i in random.integers(40, size=40)]
        ratios.append(sum(s.bits for s in drawn) / sum(s.bytes for s in drawn))
    low, high = np.percentile(ratios, [2.5, 97.5])
    width = high - low
    assert score.low == pytest.approx(low, abs=0.1 * width)
    assert score.high == pytest.approx(high, abs=0.1 * width)


def test_the_interval_covers_the_truth_about_95_times_in_100():
    hits = 0
    for seed in range(200):
        score = bits_per_byte(sample(60, seed=seed), seed=seed)
        hits += score.low <= 2.0 <= score.high
    assert 180 <= hits <= 199


def test_the_same_seed_gives_the_same_interval_however_it_is_cut(monkeypatch):
    whole = bits_per_byte(sample(30))
    monkeypatch.setattr(resampling, "CELLS", 30 * 7)
    assert bits_per_byte(sample(30)) == whole
    assert bits_per_byte(sample(30), seed=1) != whole


def test_one_document_has_a_value_and_no_interval():
    score = bits_per_byte([document(1, 150.0)])
    assert (score.value, score.low, score.high) == (1.5, None, None)


def test_nothing_to_score_is_an_error_that_says_so():
    for scores in ([], [document(1, 0.0, size=0, tokens=0)]):
        with pytest.raises(DataError, match="nothing to score"):
            bits_per_byte(scores)


def test_a_summary_has_every_language_and_all():
    scores = [document(1, 100.0), document(2, 300.0, language="zh"), document(3, 1.0, language="")]
    summary = summarise(scores, signature=SIGNED)
    assert list(summary) == ["all", "en", "und", "zh"]
    assert summary["zh"]["bits_per_byte"].value == pytest.approx(3.0)
    assert summary["zh"]["bits_per_byte"].signature == str(SIGNED)


def test_a_tokenizer_that_drops_text_gets_perplexity_and_no_bits_per_byte():
    lossy = dataclasses.replace(SIGNED, is_lossless=False)
    assert list(summarise([document(1, 100.0)], signature=lossy)["all"]) == ["perplexity"]
    with pytest.raises(UnsupportedError, match="byte_bpe"):
        bits_per_byte([document(1, 100.0)], signature=lossy)
    with pytest.raises(UnsupportedError, match="drops part of the text"):
        compare(scored(sample(5)), scored(sample(5), is_lossless=False))


def scored(scores, **changes) -> Scored:
    signed = dataclasses.replace(SIGNED, **changes)
    return Scored(model="m", scores=tuple(scores), signature=signed)


def test_a_model_does_not_differ_from_itself():
    same = compare(scored(sample(30)), scored(sample(30)))[0]
    assert (same.difference, same.low, same.high, same.p_value) == (0.0, 0.0, 0.0, 1.0)
    assert not same.is_significant


def test_a_small_steady_gain_is_found_although_the_intervals_overlap():
    first = sample(50)
    better = [dataclasses.replace(s, bits=s.bits - 0.02 * s.bytes) for s in first]
    result = compare(scored(better), scored(first))[0]
    assert bits_per_byte(better).high > bits_per_byte(first).low
    assert result.difference == pytest.approx(-0.02)
    assert result.is_significant
    assert result.p_value < 0.001


def test_the_order_of_documents_does_not_matter_for_a_comparison():
    first, second = sample(20), sample(20, seed=0, shift=0.1)
    assert compare(scored(first), scored(second[::-1])) == compare(scored(first), scored(second))


def test_randomisation_equals_the_exact_test_of_all_sign_flips():
    gains = np.array([0.5, 1.5, -0.3, 2.0, 0.9, 1.1])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 6)).reshape(6, -1)
    exact = np.mean(np.abs(signs.T @ gains) >= gains.sum() - 1e-9)
    assert resampling.random_signs(gains, 3) == pytest.approx(exact, abs=0.02)


def test_equal_models_are_called_different_about_5_times_in_100():
    false_alarms = 0
    for seed in range(200):
        random = np.random.default_rng(1000 + seed)
        a = [document(i, 200.0 + random.standard_normal()) for i in range(30)]
        b = [document(i, 200.0 + random.standard_normal()) for i in range(30)]
        false_alarms += compare(scored(a), scored(b))[0].is_significant
    assert 1 <= false_alarms <= 20


@pytest.mark.parametrize(
    "change",
    [{"data": "e"}, {"window": 32}, {"dtype": "bfloat16"}, {"version": 2}, {"has_begin": False}],
)
def test_scores_made_differently_are_not_compared(change):
    with pytest.raises(UsageError, match=next(iter(change))):
        compare(scored(sample(5)), scored(sample(5), **change))


def test_models_with_different_tokenizers_are_compared_per_byte():
    assert compare(scored(sample(5)), scored(sample(5), tokenizer="other"))


def test_a_language_without_text_is_left_out_of_a_comparison():
    scores = [*sample(5), document(9, 0.0, size=0, language="und")]
    assert "und" not in [c.language for c in compare(scored(scores), scored(scores))]


def test_comparisons_are_made_per_language_too():
    scores = [document(i, 100.0 + i, language="zh" if i % 2 else "en") for i in range(8)]
    assert [c.language for c in compare(scored(scores), scored(scores))] == ["all", "en", "zh"]
    assert not math.isnan(compare(scored(scores), scored(scores))[2].p_value)


def test_repeated_ids_cannot_be_paired():
    twice = [document(1, 1.0), document(1, 2.0)]
    with pytest.raises(DataError, match="repeat"):
        compare(scored(twice), scored(twice))


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="seed = -1"):
        bits_per_byte(sample(3), seed=-1)
