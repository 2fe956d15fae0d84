"""Bags of words in both languages, and what a linear classifier makes of them."""

import random

import pytest
from sklearn.metrics import f1_score

from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.text.stop_words import stop_words
from zhixing.text.terms import terms
from zhixing.vectors.bag_of_words import (
    PENALTIES,
    Analyser,
    BaselineConfig,
    CharacterAnalyser,
    LinearBaseline,
    chosen,
)

GOOD = [
    "这家酒店很好，房间干净",
    "质量很好，非常满意",
    "wonderful film, great acting",
    "great and lovely",
]
BAD = ["房间又脏又差", "质量太差，很失望", "terrible film, boring acting", "awful and boring"]
TEXTS, LABELS = GOOD + BAD, ["good"] * 4 + ["bad"] * 4


def test_words_are_counted_without_punctuation_in_one_case() -> None:
    assert terms("The dog's bone, 3 Bones!", "en") == ["the", "dog", "bone", "3", "bones"]
    assert terms("我们爱北京。", "zh") == ["我们", "爱", "北京"]
    assert terms("The DOG", "en", lowercase=False) == ["The", "DOG"]


def test_stop_words_go_in_both_languages_and_scripts_and_negations_stay() -> None:
    analyse = Analyser(phrase=1, drop_stop_words=True)
    assert analyse("The film was not good") == ["film", "not", "good"]
    assert analyse("我们的电影") == ["电影"]
    assert "個" in stop_words("zh")
    assert "个" in stop_words("zh")
    assert not {"not", "no", "never"} & stop_words("en")
    assert not {"不", "没", "没有", "别"} & stop_words("zh")
    with pytest.raises(UnsupportedError, match="'de'"):
        stop_words("de")


def test_phrases_follow_the_words() -> None:
    analyse = Analyser(phrase=3, drop_stop_words=False)
    assert analyse("a b c") == ["a", "b", "c", "a b", "b c", "a b c"]


@pytest.mark.parametrize("weights", ["count", "tfidf"])
@pytest.mark.parametrize("classifier", ["logistic", "bayes"])
def test_both_languages_are_learnt_at_once(weights, classifier) -> None:
    baseline = LinearBaseline(
        BaselineConfig(weights=weights, classifier=classifier, min_texts=1, phrase=1)
    )
    baseline.fit(TEXTS, LABELS)
    assert baseline.labels == ["bad", "good"]
    assert baseline.predict(["房间很干净", "boring film", "great", "太差"]) == [
        "good", "bad", "good", "bad",
    ]  # fmt: skip
    assert baseline.probabilities(["great"]).sum() == pytest.approx(1.0)
    assert "boring" in baseline.strongest("bad", count=6)


def test_tfidf_is_the_formula() -> None:
    import numpy as np

    from zhixing.vectors.bag_of_words import make_vectoriser

    made = make_vectoriser(BaselineConfig(phrase=1, min_texts=1))
    rows = made.fit_transform(["a a b", "a c", "c"]).toarray()
    names = list(made.get_feature_names_out())
    rare = {w: np.log((1 + 3) / (1 + n)) + 1 for w, n in {"a": 2, "b": 1, "c": 2}.items()}
    first = np.array([(1 + np.log(2)) * rare["a"], rare["b"], 0.0])
    assert names == ["a", "b", "c"]
    assert rows[0] == pytest.approx(first / np.linalg.norm(first))


def test_what_cannot_be_learnt_from_is_refused() -> None:
    baseline = LinearBaseline()
    with pytest.raises(UsageError, match="fit first"):
        baseline.predict(["x"])
    with pytest.raises(DataError, match="two labels"):
        baseline.fit(["a", "b"], ["x", "x"])
    with pytest.raises(UsageError, match="2 texts and 1 labels"):
        baseline.fit(["a", "b"], ["x"])
    with pytest.raises(DataError, match="min_texts"):
        baseline.fit(["one", "two"], ["x", "y"])


def test_characters_and_their_runs_are_counted() -> None:
    analyse = CharacterAnalyser(phrase=2)
    assert analyse("很 好。") == ["很", "好", "。", "很好", "好。"]
    assert analyse("A  b") == ["a", " ", "b", "a ", " b"]
    with pytest.raises(ValueError, match="drop_stop_words"):
        BaselineConfig(units="characters", drop_stop_words=True)


def test_the_best_setting_on_held_out_texts_is_chosen() -> None:
    held = (["房间很干净", "boring film"], ["good", "bad"])
    configs = [BaselineConfig(min_texts=1, units=unit) for unit in ("words", "characters")]
    found = chosen((TEXTS, LABELS), held, configs)
    assert found.tried == 2 * len(PENALTIES)
    best = LinearBaseline(found.baseline.config)
    best.fit(TEXTS, LABELS)
    assert found.baseline.predict(TEXTS) == best.predict(TEXTS)
    turned = (held[0], held[1][::-1])
    assert chosen((TEXTS, LABELS), turned, configs[:1]).held_out < found.held_out
    with pytest.raises(UsageError, match="no setting"):
        chosen((TEXTS, LABELS), held, [])


def _noisy(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts of which one word in eight says what the label is."""
    drawn = random.Random(seed)
    labels = [drawn.choice("ab") for _ in range(count)]
    words = [drawn.choices(["c", "d", "e", "f", "g", "h", "i", label], k=6) for label in labels]
    return [" ".join(each) for each in words], labels


def test_the_first_of_the_best_settings_on_held_out_texts_is_chosen() -> None:
    train, held = _noisy(60, seed=11), _noisy(40, seed=12)
    configs = [
        BaselineConfig(min_texts=1, phrase=phrase, inverse_penalty=penalty)
        for phrase in (2, 1)
        for penalty in PENALTIES
    ]
    values = []
    for config in configs:
        alone = LinearBaseline(config)
        alone.fit(*train)
        values.append(f1_score(held[1], alone.predict(held[0]), average="macro"))
    best = max(values)
    assert values.index(best) > 0, "the first of all is not the best"
    assert values.count(best) > 1, "several are equally good"
    found = chosen(train, held, configs[:: len(PENALTIES)])
    assert found.held_out == pytest.approx(best, abs=1e-12)
    assert found.baseline.config == configs[values.index(best)]
