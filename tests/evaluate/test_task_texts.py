"""Translations, summaries and answers: the libraries called directly, hand-worked cases, and texts made to trip them."""

import importlib.util
import math
import random
import re
import string

import pytest
from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF, TER

from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.evaluate.tasks.answers import (
    best_threshold,
    chinese_f1,
    english_f1,
    judge_answers,
    least_score,
    normal_chinese,
    score_answer,
)
from zhixing.evaluate.tasks.measure import Judged, compare, scores, undefined
from zhixing.evaluate.tasks.summaries import ChineseTokens, judge_summaries
from zhixing.evaluate.tasks.translation import judge_translations
from zhixing.evaluate.tasks.writing import judge_writing, training_of

ENGLISH = ["The cat sat on the mat.", "It is raining, isn't it?", "Prices rose 3.5 % in 2024 😀."]
WRITTEN = ["The cat is on the mat.", "It rains, doesn't it?", ""]
CHINESE = ["猫坐在垫子上。", "２０２４年价格上涨了3.5%。", "你好😀，我用ChatGPT写诗。"]
ODD = ["猫在垫子上面。", "2024年价格涨了3.5%。", "你好，我写诗。"]


def values_of(judged: Judged) -> dict[str, float]:
    return {measure.name: measure.value() for measure in judged.measures}


@pytest.mark.parametrize(
    ("written", "references", "language", "tokenizer"),
    [(WRITTEN, ENGLISH, "en", "13a"), (ODD, CHINESE, "zh", "zh"), (ODD, CHINESE, "zh-Hant", "zh")],
)
def test_translations_equal_sacrebleu(
    written: list[str], references: list[str], language: str, tokenizer: str
) -> None:
    judged = judge_translations(written, references, language=language)
    asian = tokenizer == "zh"
    ter = TER(normalized=asian, asian_support=asian, case_sensitive=True)
    found = values_of(judged)
    for name, metric in (("bleu", BLEU(tokenize=tokenizer)), ("chrf", CHRF()), ("ter", ter)):
        assert found[name] == pytest.approx(metric.corpus_score(written, [references]).score)
    wrong = BLEU(tokenize="char").corpus_score(written, [references]).score
    assert found["bleu"] != pytest.approx(wrong, abs=1e-3)
    signed = {score.name: score for score in scores(judged)}
    assert f"tok:{tokenizer}" in signed["bleu"].signature
    assert f"lang:{language}|" in signed["bleu"].signature
    assert signed["bleu"].low <= signed["bleu"].value <= signed["bleu"].high


def test_identical_texts_are_perfect_in_their_language() -> None:
    for texts, language in ((ENGLISH, "en"), (CHINESE, "zh")):
        found = values_of(judge_translations(texts, texts, language=language))
        assert (found["bleu"], found["chrf"], found["ter"]) == pytest.approx((100, 100, 0))
        summary = values_of(judge_summaries(texts, texts, language=language))
        assert set(summary.values()) == {1.0}


def test_a_language_that_cannot_be_handled_refuses() -> None:
    with pytest.raises(UnsupportedError, match="no tokenizer here for language 'th'"):
        judge_translations(["แมว"], ["แมว"], language="th")
    with pytest.raises(UnsupportedError, match="ROUGE is not available for language 'fr'"):
        judge_summaries(["été"], ["été"], language="fr")
    with pytest.raises(UnsupportedError, match="no official script"):
        judge_answers(["x"], [["x"]], language="fr")
    with pytest.raises(UnsupportedError, match="counting words"):
        judge_writing(["x"], language="fr")


@pytest.mark.parametrize("judge", [judge_translations, judge_summaries])
def test_chinese_called_english_refuses_instead_of_printing_zero(judge) -> None:
    with pytest.raises(DataError, match="written in the script Hani"):
        judge(CHINESE, CHINESE, language="en")
    with pytest.raises(DataError, match="written in the script Latn"):
        judge(ENGLISH, ENGLISH, language="zh")
    with pytest.raises(DataError, match="reference 2 is empty"):
        judge(["a", "b"], ["a cat", " "], language="en")


def test_references_too_short_for_bleu_refuse() -> None:
    with pytest.raises(UnsupportedError, match=r"bleu is refused .* your references"):
        judge_translations(["yes", "no"], ["yes", "no"], language="en")


def test_a_reference_in_which_nothing_is_counted_is_named() -> None:
    with pytest.raises(
        UnsupportedError, match=r"nothing is counted in 1 of 2, such as number 2, '。'"
    ):
        judge_summaries(["今天下雨", "是"], ["今天下雨", "。"], language="zh")


def test_japanese_is_scored_with_its_dictionary_or_names_the_command() -> None:
    texts = ["猫がいた。はい。"] * 2
    if importlib.util.find_spec("MeCab") is None:
        with pytest.raises(UnsupportedError, match=r"pip install 'sacrebleu\[ja\]'"):
            judge_translations(texts, texts, language="ja")
        return
    assert values_of(judge_translations(texts, texts, language="ja"))["bleu"] == pytest.approx(100)


def test_summaries_equal_rouge_score() -> None:
    plain = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
    found = values_of(judge_summaries(WRITTEN, ENGLISH, language="en"))
    for name, kind in (("rouge1", "rouge1"), ("rouge2", "rouge2"), ("rougel", "rougeL")):
        wanted = [plain.score(r, w)[kind].fmeasure for w, r in zip(WRITTEN, ENGLISH, strict=True)]
        assert found[name] == pytest.approx(sum(wanted) / 3)


def test_chinese_rouge_is_that_of_spaced_characters_worked_out_by_hand() -> None:
    found = values_of(judge_summaries(["我爱北京"], ["我爱大北京"], language="zh"))
    assert found["rouge1"] == pytest.approx(2 * 4 / 9)
    assert found["rouge2"] == pytest.approx(2 * 2 / (3 + 4))
    assert found["rougel"] == pytest.approx(2 * 4 / 9)
    assert ChineseTokens().tokenize("２０２４年，GPT很好😀") == ["2024", "年", "gpt", "很", "好"]


def test_answers_equal_the_official_script_worked_out_by_hand() -> None:
    cases = [  # prediction, references, exact match, F1
        ("The Normans!", ["Normans"], 1, 1),
        ("in the 10th century", ["10th century", "the 10th and 11th centuries"], 0, 0.8),
        ("cat cat", ["cat"], 0, 2 / 3),
        ("", [], 1, 1),
        ("something", [], 0, 0),
        ("", ["France"], 0, 0),
    ]
    for prediction, references, exact, f1 in cases:
        found = values_of(judge_answers([prediction], [references]))
        assert (found["exact_match"], found["f1"]) == pytest.approx((exact, f1)), prediction


def official(prediction: str, references: list[str]) -> tuple[float, float]:
    """Exact match and F1 as the script of SQuAD v2.0 describes them, written anew in another way."""

    def words(text: str) -> list[str]:
        kept = re.sub(f"[{re.escape(string.punctuation)}]", "", text.lower())
        return [word for word in re.sub(r"\b(?:a|an|the)\b", " ", kept).split() if word]

    truths = [words(text) for text in references if words(text)] or [[]]
    guess = words(prediction)
    exact, f1 = 0.0, 0.0
    for truth in truths:
        left = [*truth]
        common = 0
        for word in guess:
            if word in left:
                left.remove(word)
                common += 1
        if not guess or not truth:
            f1 = max(f1, float(guess == truth))
        elif common:
            precision, recall = common / len(guess), common / len(truth)
            f1 = max(f1, 2 * precision * recall / (precision + recall))
        exact = max(exact, float(guess == truth))
    return exact, f1


ADVERSARIAL = [
    "", " ", ".", "the", "The A an", "a.m.", "U.S.A.", "the U.S.", "theatre", "An-dre", "a-b", "café", "cafe\u0301", "naïve’s",
    "“the cat”", "cat's", "cats", "cat cat", "cat  cat the cat", "10,000", "10 000", "10000", "$5.00", "ＡＢＣ", "abc", "ABC",
    "İstanbul", "straße", "STRASSE", "no\u00a0break", "no break", "tab\tbreak", "line\nbreak", "emoji 😀", "😀", "_under_score_",
    "北京 the city", "x" * 300,
]  # fmt: skip


def test_answers_equal_the_script_on_texts_made_to_trip_it() -> None:
    chance = random.Random(7)
    pieces = ["the", "a", "cat", "Cat,", "—", "’s", "\u00a0", "é", "10,0", "(x)", "", "an", "😀"]
    texts = [
        *ADVERSARIAL,
        *(" ".join(chance.choices(pieces, k=chance.randrange(6))) for _ in range(60)),
    ]
    for prediction in texts:
        references = chance.choices(texts, k=chance.randrange(4))
        for right in (references, [prediction], [*references, prediction]):
            ours = score_answer(prediction, right, language="en")
            assert ours == pytest.approx(official(prediction, right)), (prediction, right)


def test_equal_answers_are_perfect_in_both_languages_whatever_they_hold() -> None:
    chance = random.Random(3)
    signs = "北京大学。，“”《》（） \t的1234９ＡaéZ😀-_~￥龘𠀀\u3000"
    for text in [*ADVERSARIAL, *("".join(chance.choices(signs, k=9)) for _ in range(200))]:
        for language in ("en", "zh"):
            assert score_answer(text, [text], language=language) == (1, 1), (text, language)
            if normal_chinese(text).strip():
                assert score_answer("", [text, text], language="zh")[0] == 0
    found = values_of(
        judge_answers(["北京大学。", "《红楼梦》"], [["北京大学"], ["红楼梦"]], language="zh")
    )
    assert found == {"exact_match": 1, "f1": 1}


def test_the_best_of_several_references_counts() -> None:
    assert score_answer(
        "10th century", ["the 10th and 11th centuries", "10th century"], language="en"
    ) == (1, 1)
    assert score_answer("北京", ["上海", "北京市"], language="zh") == (0, pytest.approx(4 / 5))
    assert score_answer("the", ["an", "cat"], language="en") == (
        0,
        0,
    )  # in v2.0 an empty one is no reference


def test_questions_of_one_context_are_drawn_together() -> None:
    right, wrong = ["cat"] * 30, ["dog"] * 30
    contexts = [f"a cat {n // 10}" for n in range(60)]
    alone = judge_answers([*right, *wrong], [["cat"]] * 60)
    together = judge_answers([*right, *wrong], [["cat"]] * 60, contexts=contexts)
    one, other = (next(s for s in scores(j) if s.name == "f1") for j in (alone, together))
    assert one.value == other.value == 0.5
    assert other.high - other.low > 2 * (one.high - one.low)
    assert "drawn:contexts" in other.signature


def test_an_answer_is_given_from_the_score_on_that_is_best() -> None:
    references = [["cat"], ["dog"], [], []]
    guesses = ["cat", "dog", "tree", "tree"]
    assert least_score([3, 1, 0, -1], guesses, references, language="en") == (0.5, 1.0)
    assert least_score([3, -2, -1, 2.5], guesses, references, language="en") == (2.75, 0.75)
    nothing, best = least_score([1, 2], ["x", "y"], [[], []], language="en")
    assert (nothing >= 2, best) == (True, 1.0)  # an answer has to score more than this
    everything, best = least_score([1, 2], ["x", "y"], [["x"], ["y"]], language="en")
    assert (everything < 1, best) == (True, 1.0)
    right = [["x"], ["y"]]  # all questions have answers: also one less sure than these is given
    assert least_score([550, 570], ["x", "y"], right, language="en") == (0.0, 1.0)
    assert least_score([-3, 2], ["x", "y"], right, language="en") == (-4.0, 1.0)
    assert least_score([2, 1], ["北京", "上海"], [["北京"], []], language="zh") == (1.5, 1.0)


def test_versions_differ_where_only_articles_are_left() -> None:
    assert values_of(judge_answers(["a"], [["The"]], version="v1")) == {"exact_match": 1, "f1": 0}
    assert values_of(judge_answers(["a"], [["The"]], version="v2")) == {"exact_match": 1, "f1": 1}
    assert english_f1("the", "an", version="v1") == 0
    with pytest.raises(DataError, match="question 2 has no answer"):
        judge_answers(["a", "b"], [["a cat"], []], version="v1")


def test_answerable_and_unanswerable_questions_are_told_apart() -> None:
    judged = judge_answers(
        ["cat", "dog", ""], [["cat"], [], []], contexts=["a cat", "a cat", "a cat"]
    )
    found = values_of(judged)
    assert found["f1_answerable"] == 1
    assert found["f1_unanswerable"] == 0.5
    assert "2 questions have no answer" in judged.notes
    assert "1 predictions do not occur in their context" in judged.notes


def test_chinese_answers_go_by_character() -> None:
    assert chinese_f1("北京大学", "北京") == pytest.approx(2 * 2 / 6)
    assert chinese_f1("《北京》。", "北京") == 1
    assert chinese_f1("北大京", "北京") == pytest.approx(
        2 * 1 / 5
    )  # the longest run, not all shared
    assert chinese_f1("１９４９年", "1949年") == pytest.approx(2 * 1 / 4)
    found = values_of(judge_answers(["1949年10月", "北京"], [["1949年"], ["上海"]], language="zh"))
    assert found == pytest.approx({"exact_match": 0, "f1": (2 * 2 / 6) / 2})


def test_the_threshold_is_the_best_one_and_does_not_cut_ties() -> None:
    # probability of no answer, score when answered, score when declined
    assert best_threshold([0.1, 0.9], [1, 0], [0, 1]) == (0.1, 1.0)
    assert best_threshold([0.5, 0.5], [1, 0], [0, 1]) == (
        -math.inf,
        0.5,
    )  # above it: all are declined
    assert best_threshold([-3.0, -1.0], [0, 0], [1, 1]) == (-math.inf, 1.0)
    assert best_threshold([0.2, 0.3, 0.8], [1, 0.5, 0], [0, 0, 1]) == (0.3, pytest.approx(2.5 / 3))


def test_two_translators_are_compared_on_the_very_score() -> None:
    good = judge_translations(ENGLISH * 8, ENGLISH * 8, language="en")
    bad = judge_translations(WRITTEN * 8, ENGLISH * 8, language="en")
    found = {one.name: one for one in compare(good, bad)}
    assert found["bleu"].is_significant
    assert found["bleu"].a == pytest.approx(100)
    assert found["ter"].difference < 0
    with pytest.raises(UsageError, match="cannot be compared"):
        compare(good, judge_translations(ODD * 8, CHINESE * 8, language="zh"))


def test_writing_counts_variety_repetition_and_novelty() -> None:
    judged = judge_writing(
        ["a b a b a b", "c d e f"], ["c d e f g"], language="en", sizes=[1], repetition=2, novelty=2
    )
    found = values_of(judged)
    assert found["distinct_1"] == pytest.approx(6 / 10)
    assert found["repetition_2"] == pytest.approx(3 / 8)
    assert found["novelty_2"] == pytest.approx(5 / 8)
    assert next(score for score in scores(judged) if score.name == "distinct_1").low is None
    chinese = judge_writing(["好好好好好", ""], language="zh")
    assert chinese.notes == ("1 texts are empty",)
    assert undefined(judge_writing(["好"], language="zh")) == ["distinct_2", "repetition_4"]
    with pytest.raises(DataError, match="nothing to score"):
        judge_writing(["", " "], language="zh")


def longest_by_hand(text: str, known: list[str]) -> int:
    """Try every run."""
    words = text.split()
    runs = [words[a:b] for a in range(len(words)) for b in range(a + 1, len(words) + 1)]
    padded = [f" {each} " for each in known]
    found = [len(run) for run in runs if any(f" {' '.join(run)} " in each for each in padded)]
    return max(found, default=0)


def test_the_longest_copy_is_that_of_trying_every_run() -> None:
    chance = random.Random(3)
    texts = [" ".join(chance.choices("abcde", k=chance.randint(1, 25))) for _ in range(40)]
    known = [" ".join(chance.choices("abcde", k=chance.randint(1, 30))) for _ in range(60)]
    judged = judge_writing([*texts, "zzz", known[0]], known, language="en")
    copies = next(each for each in judged.measures if each.name == "longest_copy")
    expected = [longest_by_hand(text, known) for text in [*texts, "zzz", known[0]]]
    assert copies.table[:, 0].tolist() == expected
    assert expected[-2:] == [0, len(known[0].split())]
    assert len({*expected}) > 4


def test_a_run_over_the_end_of_a_training_text_is_no_copy() -> None:
    judged = judge_writing(["a b c d"], ["x a b", "c d y"], language="en", novelty=2)
    found = values_of(judged)
    assert found["longest_copy"] == 2
    assert found["novelty_2"] == pytest.approx(1 / 3)


def test_training_texts_read_once_serve_for_all() -> None:
    known = training_of(["c d e f g"], "en")
    judged = judge_writing(["c d e f"], known, language="en")
    assert values_of(judged)["novelty_4"] == 0.0
    assert known.num_words == 5
