import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.growth import LIMIT, growth
from zhixing.core.errors import UnsupportedError
from zhixing.text.sentences import sentences

PIECES = st.lists(
    st.sampled_from(
        [
            "Dr.",
            " ",
            "\n",
            "\n\n",
            "。",
            "”",
            "“",
            '"',
            "A",
            "b",
            "3.14",
            "e.g.",
            "！",
            "……",
            "1. ",
            "他说",
            "，",
            "?",
            "\ud800",
        ]
    ),
    max_size=30,
).map("".join)


def split(text: str, language: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text, language)]


ENGLISH = [
    ["Dr. Smith paid $3.14 to J. K. Rowling, e.g. at www.example.com.", "Then he left!"],
    ['"Really?" she asked.', '"Yes."', "He smiled."],
    ["The U.S. Army came.", "I live in the U.S.", "It is big... well, maybe."],
    ['He said "no."', "Wait...", "What?!", "It is 5 p.m.", "The end."],
    [
        "See Fig. 3 and No. 5.",
        "I said no.",
        "Use os.path.join or Python 3.11.",
        "(This is it.)",
        "So did I.",
        "Then?",
    ],
    [
        "Apples, pears, etc. and more.",
        "Acme Inc. makes them.",
        "He joined Acme Inc.",
        "They met Mr. and Mrs. Li.",
    ],
]
CHINESE = [
    ["你好。", "我很好！", "真的吗？！", "是的；不是句末：好。"],
    ["他说：“你好。”", "然后走了。"],
    ["“你好！”他说。", "“走吧。”", "天黑了。"],
    ["圆周率是3.14，网址是www.a.com。", "他用Python 3.11.", "然后结束。"],
    ["我……我不知道。", "等等……", "后来好了。"],
    ["（完。）", "《书》好。", "「好。」", '"好的。"', "走吧！"],
]


@pytest.mark.parametrize("expected", ENGLISH)
def test_english_sentences(expected: list[str]):
    assert split(" ".join(expected), "en") == expected


@pytest.mark.parametrize("expected", CHINESE)
def test_chinese_sentences(expected: list[str]):
    assert split("".join(expected), "zh") == expected


def test_wrapped_english_is_one_sentence_and_blank_lines_and_lists_divide():
    text = "A wrapped\nline. Next\n\nTitle\n\n1. First item\n2. Second. More\n- bullet\n* star"
    assert split(text, "en") == [
        *(
            "A wrapped\nline.",
            "Next",
            "Title",
            "1. First item",
            "2. Second.",
            "More",
            "- bullet",
            "* star",
        )
    ]


def test_chinese_lines_are_sentences_unless_they_end_with_a_comma():
    text = "标题\n第一行没有句号\n一、第一条\n（二）第二条，\n续行。"
    assert split(text, "zh") == ["标题", "第一行没有句号", "一、第一条", "（二）第二条，\n续行。"]


def test_text_without_capitals_is_still_split():
    assert split("hello. how are you? fine.", "en") == ["hello.", "how are you?", "fine."]


@pytest.mark.parametrize("text", ["", "   \n\n ", "\u3000"])
def test_nothing_has_no_sentences(text: str):
    assert sentences(text, "en") == sentences(text, "zh") == []


def test_other_languages_are_refused_by_name():
    with pytest.raises(UnsupportedError, match="'fr'"):
        sentences("Bonjour.", "fr")


@given(PIECES, st.sampled_from(["en", "zh"]))
@settings(max_examples=300, deadline=None)
def test_every_character_but_space_is_in_exactly_one_sentence(text: str, language: str):
    spans = sentences(text, language)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)


@pytest.mark.parametrize(
    "piece", ["e.g. ", "x", " ", "\n", "  \n", '!"', "A... a ", "。”", "你好。", "hi\n", '." x']
)
def test_one_very_long_text_takes_linear_time(piece: str):
    assert growth(lambda size: sentences(piece * (size // len(piece)), "en"), 50_000) < LIMIT
