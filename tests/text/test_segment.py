from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.growth import LIMIT, growth
from zhixing.core.errors import UnsupportedError
from zhixing.text.segment import language_of, words

MIXED = st.text(
    alphabet=st.sampled_from("ab'-.3,，。中国人 的股A\n@:/https😀\u200d\ud800é繁體"), max_size=60
)


def cut(text: str, language: str = "zh", **options: tuple[str, ...]) -> list[str]:
    return [text[start:end] for start, end in words(text, language, **options)]


def test_english_keeps_contractions_hyphens_numbers_and_addresses_whole():
    text = "Don't pay $3.14 or 1,234,567 for state-of-the-art at http://a.b/c?d=e. Mail a.b@c.org, U.S."
    assert cut(text, "en") == [
        *("Don't", "pay", "$", "3.14", "or", "1,234,567", "for", "state-of-the-art", "at"),
        *("http://a.b/c?d=e", ".", "Mail", "a.b@c.org", ",", "U.S."),
    ]


def test_chinese_is_cut_into_dictionary_words():
    assert cut("我们在北京大学学习自然语言处理。") == [
        *("我们", "在", "北京大学", "学习", "自然语言", "处理", "。")
    ]


def test_mixed_text_is_cut_by_both_rules():
    assert cut("她用Python写代码，don't know——好……") == [
        *("她", "用", "Python", "写", "代码", "，", "don't", "know", "——", "好", "……")
    ]


def test_words_that_cross_scripts_stay_whole():
    assert cut("买T恤和A股") == ["买", "T恤", "和", "A股"]


def test_traditional_chinese_is_cut_like_simplified():
    assert cut("我們發展國家") == ["我們", "發展", "國家"]


def test_custom_words_are_kept_whole():
    assert "知行合一工具包" not in cut("知行合一工具包很好用")
    assert cut("知行合一工具包很好用", custom=("知行合一工具包",))[0] == "知行合一工具包"
    assert "知行合一工具包" not in cut("知行合一工具包很好用"), "one call must not change another"


@pytest.mark.parametrize("language", ["ja", "fr", "und", "", "ko-KR"])
def test_other_languages_are_refused_by_name(language: str):
    with pytest.raises(UnsupportedError, match=repr(language)):
        words("text", language)


@pytest.mark.parametrize("language", ["en-GB", "zh-Hant", "zh_CN", "EN"])
def test_regional_tags_are_understood(language: str):
    assert words("a 我", language) == [(0, 1), (2, 3)]


def test_emoji_sequences_are_one_word():
    assert cut("a👩\u200d💻b🇨🇳👍🏽") == ["a", "👩\u200d💻", "b", "🇨🇳", "👍🏽"]


@given(MIXED)
@settings(max_examples=300, deadline=None)
def test_every_character_but_space_is_in_exactly_one_word(text: str):
    spans = words(text, "zh")
    assert "".join(text[start:end] for start, end in spans) == "".join(text.split())
    assert all(first.end <= second.start for first, second in pairwise(spans))
    assert all(not text[start:end] or not set(text[start:end]) & set(" \n") for start, end in spans)


@pytest.mark.parametrize("piece", ["中", "a", "http://", "a@", "'-"])
def test_one_very_long_line_takes_linear_time(piece: str):
    assert growth(lambda size: words(piece * (size // len(piece)), "en"), 50_000) < LIMIT


@pytest.mark.parametrize(
    ("texts", "language"),
    [(["狗", "x"], "en"), (["狗", "河", "x"], "zh"), (["x"], "en"), (["一 dog"], "zh"), ([], "en")],
)
def test_more_than_half_of_the_texts_decide_their_language(texts: list[str], language: str):
    assert language_of(texts) == language


def test_a_number_or_word_that_could_go_on_and_does_not_ends_where_it_does() -> None:
    """Possessive groups would cut these otherwise on Python before 3.11.5."""

    def cut(text: str) -> list[str]:
        return [text[start:stop] for start, stop in words(text, "en")]

    assert cut("MAY 27, 2002") == ["MAY", "27", ",", "2002"]
    assert cut("v4.1.60/v4218") == ["v4", ".", "1.60", "/", "v4218"]
    assert cut("Users' Group, age 18.") == ["Users", "'", "Group", ",", "age", "18", "."]
    assert cut("1,234,5678 1.5a") == ["1,234", ",", "5678", "1", ".", "5a"]
