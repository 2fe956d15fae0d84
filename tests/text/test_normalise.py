import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.growth import LIMIT, growth
from zhixing.text.normalise import (
    SOUND,
    _repair_once,
    _undo_gbk,
    repair,
    to_simplified,
    to_traditional,
)

SIGNS = st.sampled_from(
    "aé中好，“”Ａ浣犲ソ\u200d\u200c\u200b\ufeff\u0301\r\n\x00\x85\u2028Ã¤©â€™😀👩\u05d0\u200f\xa0\ud800\udc00ﬁ\x1b["
)


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("donâ€™t", "don’t"),
        ("cafÃ©", "café"),
        ("ä½\xa0å¥½", "你好"),
        ("浣犲ソ", "你好"),
        ("\ufeffa\x00b\u200bc\r\nd\re\x0bf\u2028g", "abc\nd\ne\nf\ng"),
        ("e\u0301", "é"),
        ("中\u200d国\u200c人", "中国人"),
        ("a\xa0b\u2009c", "a b c"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\ud83d\ude00", "😀"),
        ("a\ud800b", "a\ufffdb"),
        ("abc\u202edef", "abcdef"),
        ("hi\U000e0041\U000e0042", "hi"),
    ],
)
def test_broken_text_is_mended(broken: str, whole: str):
    assert repair(broken) == whole


@pytest.mark.parametrize(
    "text",
    [
        "，！：；？（）“你好”‘好’《书》——……",
        "ＡＢＣ１２３　全角",
        "“Curly” ‘quotes’ — it’s fine… café naïve",
        "plain ASCII\n\ttext &amp; <b>",
        "👩\u200d💻 ❤\ufe0f\u200d🔥 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "क्\u200dष می\u200cخواهم",
        "中华人民共和国成立了，联通公司在此。國家發展，浙江舟山。",
        "",
    ],
)
def test_sound_text_is_left_alone(text: str):
    assert repair(text) == text


@given(st.text() | st.text(alphabet=SIGNS, max_size=40))
@example("e\u200b\u0301")
@example("Ã\u200b¤")
@settings(max_examples=500, deadline=None)
def test_repairing_twice_changes_nothing_more(text: str):
    once = repair(text)
    assert repair(once) == once
    once.encode("utf-8")  # and is always writable


def repair_without_looking_first(text: str) -> str:
    while (repaired := _repair_once(text)) != text:
        text = repaired
    return text


SOUND_CHARACTERS = [chr(point) for point in range(0x10000) if SOUND.fullmatch(chr(point))]


def test_no_sound_character_is_one_that_the_slow_path_would_touch():
    together = "".join(SOUND_CHARACTERS)
    for text in (together, *SOUND_CHARACTERS):
        assert repair_without_looking_first(text) == text


@given(
    st.text(alphabet=st.sampled_from(SOUND_CHARACTERS), max_size=60)
    | st.lists(st.sampled_from(["“", "”", "·", "—", "…", "’", " ", "A", "中", "浣犲ソ", "\n"])).map(
        "".join
    )
)
@settings(max_examples=500, deadline=None)
def test_the_fast_path_gives_what_the_slow_one_gives(text: str):
    assert repair(text) == repair_without_looking_first(text)


def test_runs_that_can_be_undone_are_all_looked_at():
    """The search for runs begins at certain characters only; here every run is tried."""
    every = re.compile("[^\x00-\x7f]{3,}")
    for point in [*range(0x4E00, 0x9FA6, 7), *map(ord, "，。！？、；：“”")]:
        whole = f"{chr(point)}国好"
        try:
            broken = whole.encode().decode("gb18030")
        except UnicodeDecodeError:
            continue
        assert repair(f"x{broken}") == f"x{every.sub(_undo_gbk, broken)}"
        assert repair(f"中{broken}") == f"中{broken}"  # part of a run proves nothing


def test_conversion_looks_at_phrases():
    assert to_simplified("頭髮發展，乾燥的幹部") == "头发发展，干燥的干部"
    assert to_traditional("头发发展，皇后在后面") == "頭髮發展，皇后在後面"


def test_conversion_leaves_english_and_broken_characters_alone():
    assert to_simplified("hello 😀\ud800國\udfff") == "hello 😀\ud800国\udfff"
    assert to_traditional("") == to_simplified("") == ""


@pytest.mark.parametrize("piece", ["a\u200b", "中", "\u200d", "Ã©", "\ud800"])
def test_one_very_long_line_takes_linear_time(piece: str):
    assert growth(lambda size: repair(piece * size), 20_000) < LIMIT
