"""Each named threshold drops what it is for and keeps ordinary prose in both languages."""

import random
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zhixing.corpus.config import FilterConfig, LanguageThresholds
from zhixing.corpus.cut import pieces
from zhixing.corpus.document import Verdict
from zhixing.corpus.duplicates import find_exact_copies, find_near_copies, signatures
from zhixing.corpus.filters import (
    duplicate_line_ratio,
    duplicate_ngram_ratio,
    judge,
    threshold,
    top_ngram_ratio,
)
from zhixing.corpus.units import UnitHasher, hash_of, jaccard, ngrams, units

ENGLISH = (
    "When the first settlers came down the river they found nothing but reeds, so they built "
    "their houses on wooden posts and caught fish from their own windows in the evening."
)
CHINESE = (
    "第一批居民沿河而下的时候，这里只有一片芦苇，于是他们在木桩上盖起了房子，"
    "傍晚就从自己家的窗口钓鱼。后来的人慢慢修了堤，种了树，河边才有了今天的样子。"
)


def verdict(text: str, language: str = "en") -> Verdict:
    limits: LanguageThresholds = getattr(FilterConfig(), language)
    return judge(text, UnitHasher().measure(text), limits)


@pytest.mark.parametrize(("text", "language"), [(ENGLISH, "en"), (CHINESE, "zh")])
def test_prose_is_kept(text: str, language: str) -> None:
    assert verdict(text, language) == Verdict(keep=True, reason="kept", score=0.0)


@pytest.mark.parametrize(
    ("reason", "language", "text"),
    [
        ("too_short", "en", "Only a few words here."),
        ("too_short", "zh", "只有几个字。"),
        ("too_long", "en", "word " * 100_001),
        ("symbols", "en", ENGLISH + " | + | = | # " * 40),
        ("few_letters", "en", "1997 1998 2003 441 22 8 " * 8 + "sales per year in units " * 2),
        (
            "few_letters",
            "zh",
            "二月三月四月五月六月七月八月九月十月年末总计合计共计小计如下所示见表"
            + "３１４１５" * 30,
        ),
        ("repeated_lines", "en", "\n".join([ENGLISH, "Click here to subscribe to it"] * 4)),
        ("repeated_lines", "zh", "\n".join([CHINESE, "点击这里订阅我们的新闻"] * 4)),
        ("repeated_phrase", "en", ENGLISH + " buy our cheap watches" * 6),
        ("repeated_phrase", "zh", CHINESE + "本店大减价，" * 12),
        ("repeated_text", "en", " ".join([ENGLISH] * 3)),
        ("repeated_text", "zh", CHINESE * 3),
    ],
)
def test_each_reason_drops_what_it_is_for(reason: str, language: str, text: str) -> None:
    found = verdict(text, language)
    assert (found.keep, found.reason) == (False, reason)
    limits: LanguageThresholds = getattr(FilterConfig(), language)
    beyond = found.score - threshold(reason, limits)
    assert beyond < 0 if reason == "too_short" else beyond > 0


def test_ratios_of_hand_worked_examples() -> None:
    hashes = UnitHasher().measure("a b c a b d").hashes
    assert duplicate_line_ratio("aaaa\nbbbb\naaaa") == pytest.approx(4 / 12)
    assert top_ngram_ratio(hashes, 2) == pytest.approx(2 * 2 / 6)  # "a b" twice
    assert duplicate_ngram_ratio(hashes, 2) == pytest.approx(1 / 5)  # ab bc ca ab bd
    assert top_ngram_ratio(UnitHasher().measure("a b c d").hashes, 2) == 0


def test_units_are_words_and_han_characters() -> None:
    assert units("GPT-4模型 is，很 Good_１２") == [
        "gpt",
        "4",
        "模",
        "型",
        "is",
        "很",
        "good",
        "１２",
    ]


def test_hashes_of_units_do_not_depend_on_the_process() -> None:
    """Python's own hash of a string changes from run to run; ours is written down."""
    assert UnitHasher().measure("知know").hashes.tolist() == [
        17841011225809602300,
        1038400291790385626,
    ]


@given(
    st.text(max_size=60)
    | st.text(alphabet="aé中文１2 ，_ß\u3400\U00020000\ud800\u0301", max_size=60)
)
@example("GPT-4模型 is，很 Good_１２")
def test_measuring_a_text_at_once_equals_the_definition(text: str) -> None:
    found = UnitHasher().measure(text)
    assert found.hashes.tolist() == [hash_of(unit) for unit in units(text)]
    assert found.num_characters == sum(map(len, units(text)))
    assert found.num_digits == len(re.findall(r"\d", text.casefold()))


def test_ngrams_depend_on_order_and_on_every_unit() -> None:
    hasher = UnitHasher()
    texts = ["a b c", "a c b", "b a c", "a b d", "a b"]
    found = {int(ngrams(hasher.measure(text).hashes, 3)[0]) for text in texts}
    assert len(found) == len(texts)


def test_pieces_lose_nothing_but_spaces_at_the_cuts() -> None:
    chance = random.Random(3)
    for _ in range(50):
        text = "".join(chance.choices("ab好 。\n", k=chance.randint(0, 400)))
        found = pieces(text, 37)
        assert all(len(piece) <= 37 for piece in found)
        assert "".join("".join(found).split()) == "".join(text.split())


def test_signatures_agree_as_often_as_the_sets_overlap() -> None:
    chance = np.random.default_rng(5)
    numbers = chance.integers(0, 2**63, size=3000, dtype=np.uint64)
    a, b = np.sort(numbers[:2000]), np.sort(numbers[500:2500])
    first, second = signatures([a, b])
    assert jaccard(a, b) == pytest.approx(1500 / 2500)
    assert float((first == second).mean()) == pytest.approx(0.6, abs=0.15)  # 128 numbers: sd 0.043


def test_near_copies_are_found_among_many_and_similar_chains_are_not_all_dropped() -> None:
    """1 is like 0, and 2 is like 1 but not like 0: 1 goes, 2 stays."""
    chance = np.random.default_rng(6)
    numbers = chance.integers(0, 2**63, size=1300, dtype=np.uint64)
    sets = [np.sort(numbers[at : at + 1000]) for at in (0, 150, 300)]
    sets += [np.sort(chance.integers(0, 2**63, size=500, dtype=np.uint64)) for _ in range(200)]
    assert jaccard(sets[0], sets[1]) > 0.7
    assert jaccard(sets[0], sets[2]) < 0.7 < jaccard(sets[1], sets[2])
    copies = find_near_copies(signatures(sets), {}, 0.7, lambda number: sets[number])
    assert [(number, copy.kept) for number, copy in copies.items()] == [(1, 0)]


def test_exact_copies_point_at_the_first() -> None:
    digests = np.array([[5, 1], [3, 3], [5, 1], [5, 2], [5, 1]], dtype=np.uint64)
    copies = find_exact_copies(digests)
    assert {number: copy.kept for number, copy in copies.items()} == {2: 0, 4: 0}


def test_what_a_table_of_one_language_leaves_out_has_the_default_of_that_language() -> None:
    usual = FilterConfig()
    own = FilterConfig.model_validate({"zh": {"min_units": 4}, "en": {"min_units": 5}})
    assert own.zh == usual.zh.model_copy(update={"min_units": 4})
    assert own.en == usual.en.model_copy(update={"min_units": 5})
    assert own.zh.top_ngram != own.en.top_ngram
    with pytest.raises(ValueError, match="zh does nothing with"):
        FilterConfig.model_validate({"languages": ["en"], "zh": {"min_units": 4}})
    with pytest.raises(ValueError, match="must be a number"):
        FilterConfig.model_validate({"zh": {"min_units": "4"}})
