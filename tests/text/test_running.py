"""Words as running text: spaces where people write them, none in Chinese or between characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhixing.text.running import aligned, places, running_text


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["Angela", "Merkel", "visited", "Paris"], "Angela Merkel visited Paris"),
        (["我", "喜欢", "北京", "。"], "我喜欢北京。"),
        (["他", "说", "：", "“", "Python", "3", "”"], "他说：“ Python 3 ”"),
        (["１", "９９８", "年"], "１９９８年"),
        ([*"1998年WTO，"], "1998年WTO，"),
        (["a", "bc", "", "d"], "a bcd"),
        ([], ""),
    ],
)
def test_a_space_stands_where_neither_side_is_wide(words: list[str], text: str) -> None:
    assert running_text(words)[0] == text


@given(st.lists(st.text(alphabet="ab中，１ ", max_size=3), max_size=8))
def test_every_word_stands_where_its_span_says(words: list[str]) -> None:
    text, spans = running_text(words)
    assert [text[start:end] for start, end in spans] == words
    assert text.replace(" ", "") == "".join(words).replace(" ", "")


def test_wide_characters_take_two_places_of_a_line() -> None:
    assert [places(text) for text in ("", "ab", "好", "a好１")] == [0, 2, 2, 5]
    assert aligned("好", 4) == "好  "
    assert aligned("too long", 4) == "too long"
