"""Words that two texts have in common, in both languages."""

import pytest

from zhixing.text.shared import shared


@pytest.mark.parametrize(
    ("text", "other", "marks"),
    [
        ("Schooner: a ship", "What is a schooner?", "^^^^^^^^..^....."),
        ("ships and ship-yards", "a ship", "..........^^^^......"),
        ("in 1998, 19 of 98", "98 or 1998", "...^^^^........^^"),
        ("添加或删除页脚。删页除脚", "哪一项删除页脚？", "...^^^^....."),
        ("页，页脚", "页", "^..."),
        ("用GPT写诗", "gpt 写诗吗", ".^^^^^"),
        ("“”。,.", "“”。,.", "....."),
        ("", "a", ""),
        ("a", "", "."),
    ],
)
def test_words_and_pairs_of_han_characters_are_shared(text: str, other: str, marks: str) -> None:
    assert "".join("^" if mark else "." for mark in shared(text, other)) == marks


def test_a_text_shares_all_its_words_with_itself() -> None:
    text = "The 3 cats 和两只狗 sat."
    assert [
        character for character, mark in zip(text, shared(text, text), strict=True) if mark
    ] == [character for character in text if character.isalnum()]
