"""Words of a list in a text: as written, and in disguise; harmless words stand in for those of real lists."""

import pytest

from zhixing.text.disguise import disguised
from zhixing.text.word_list import WordList, fold

WORDS = ("darn", "heck no", "c++", "笨蛋", "店")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Darn it", True),
        ("DARN!", True),
        ("darning socks", False),
        ("say heck no to it", True),
        ("heck, no", False),
        ("he likes c++", True),
        ("他是笨蛋吗", True),
        ("商店", True),
        ("d a r n", False),
        ("dаrn", False),  # a Cyrillic а
        ("", False),
    ],
)
def test_a_word_of_letters_stands_alone_and_a_chinese_one_anywhere(text: str, found: bool) -> None:
    assert (text in WordList(WORDS)) is found


def test_short_chinese_words_can_be_left_out() -> None:
    assert "商店" not in WordList(WORDS, shortest=2)
    assert "笨蛋" in WordList(WORDS, shortest=2)
    assert "c++" in WordList(WORDS, shortest=9), "of words of letters none is"


@pytest.mark.parametrize(
    "text",
    ["d a r n", "D.A.R.N", "dаrn", "d4rn", "ｄａｒｎ", "da\u200brn", "笨·蛋", "笨 蛋", "HΕCK NΟ"],
)
def test_a_folded_list_sees_through_disguise(text: str) -> None:
    assert text not in WordList(WORDS, shortest=2)
    assert f"they say {text} here" in WordList(WORDS, folded=True, shortest=2)


def test_folding_reads_traditional_characters_as_simplified() -> None:
    assert "頭髮" in WordList(["头发"], folded=True)
    assert "頭髮" not in WordList(["头发"])


@pytest.mark.parametrize("text", ["in 1455 and 405", "a b", "Moscow", "3 to 4", "北京 上海"])
def test_folding_leaves_numbers_and_plain_words(text: str) -> None:
    assert fold(text) == text.lower().replace("北京 上海", "北京上海")


def test_nothing_is_in_an_empty_list() -> None:
    assert "darn" not in WordList([])
    assert WordList([""]).spans("a") == []


def test_a_letter_that_is_two_in_lower_case_moves_no_place() -> None:
    assert len("İ".lower()) == 2
    assert WordList(["darn", "笨蛋"]).spans("İ DARN 笨蛋") == [(2, 6), (7, 9)]


def test_each_disguise_changes_the_words_and_nothing_else() -> None:
    text = "Oh darn, what toast"
    spans = WordList(["darn"]).spans(text)
    assert [text[start:end] for start, end in spans] == ["darn"]
    made = disguised(text, spans)
    assert made["spaced"] == "Oh d a r n, what toast"
    assert made["digits"] == "Oh d4rn, what toast"
    assert made["look-alike"] == "Oh dаrn, what toast"
    for each in made.values():
        assert each not in WordList(["darn"])
        assert each in WordList(["darn"], folded=True)


def test_chinese_words_get_dots_or_traditional_characters() -> None:
    made = disguised("他的头发", [(2, 4)])
    assert made == {"spaced": "他的头·发", "traditional": "他的頭髮"}
    assert set(disguised("他是笨蛋", [(2, 4)])) == {"spaced"}, "these have one form"
