"""The ranges of Chinese characters hold what Unicode calls so, each one more than the one before it."""

import re
import unicodedata

from zhixing.text.han import BASIC, COMMON, HAN, IDEOGRAPHS

EVERY = [chr(code) for code in range(0x2E80, 0x33000) if not 0xD800 <= code < 0xE000]
NAMES = ("CJK UNIFIED IDEOGRAPH", "CJK COMPATIBILITY IDEOGRAPH")


def held(ranges: str) -> set[str]:
    return set(re.findall(f"[{ranges}]", "".join(EVERY)))


def test_all_characters_that_unicode_names_so_are_in_and_no_other_letter() -> None:
    named = {each for each in EVERY if unicodedata.name(each, "").startswith(NAMES)}
    assert named <= held(IDEOGRAPHS)
    others = {each for each in held(IDEOGRAPHS) - named if unicodedata.name(each, "")}
    assert not others, "what has no name yet may come with a later Unicode"
    assert held(HAN) - held(IDEOGRAPHS) == {*"々〆〇"}


def test_each_range_holds_the_one_before_it() -> None:
    assert held(COMMON) < held(BASIC) < held(IDEOGRAPHS) < held(HAN)
    assert held(BASIC) == {each for each in held(IDEOGRAPHS) if each <= "\uffff"}
