"""Conversations of ChatterBot as examples: alternatives apart, copies out, groups in one part, preferences derived."""

import json
from pathlib import Path

import pytest

from tests.corpus.test_corpus_sources import packed
from zhixing.core.errors import DataError
from zhixing.corpus.archive import Archive
from zhixing.corpus.conversations import Conversation, write_conversations, write_preferences
from zhixing.corpus.sources import READERS, chatterbot

FILES = {
    "x/data/english/greetings.yml": "conversations:\n- - Hello\n  - Hi\n  - How are you?\n  - Fine\n",
    "x/data/english/emotion.yml": "conversations:\n- - You are sad\n  - No\n  - Of what?\n",
    "x/data/english/trivia.yml": "conversations:\n- "
    + "\n  ".join(f"- q{n}\n  - '{n}'" for n in range(12))
    + "\n",
    "x/data/chinese/ai.yml": "conversations:\n- - 什么是ai\n  - 人工智能\n- - 无人回答\n",
    "x/data/german/ai.yml": "- not read\n",
}


def archive(folder: Path, **changes: str) -> Archive:
    files = {name: text.encode() for name, text in {**FILES, **changes}.items()}
    return packed(folder / "package.tgz", files)


def rows(folder: Path) -> list[tuple[str, dict]]:
    return [
        (path.stem, json.loads(line))
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
    ]


def said(*turns: str, language: str = "en", topic: str = "t") -> Conversation:
    return Conversation(turns=turns, language=language, topic=topic)


def test_turns_alternatives_and_lists_of_questions_are_told_apart(tmp_path: Path) -> None:
    found = [*chatterbot.conversations(archive(tmp_path))]
    by_topic = {
        topic: [each.turns for each in found if each.topic == topic]
        for topic in ("greetings", "emotion", "ai")
    }
    assert by_topic == {
        "greetings": [("Hello", "Hi", "How are you?", "Fine")],
        "emotion": [("You are sad", "No"), ("You are sad", "Of what?")],
        "ai": [("什么是ai", "人工智能"), ("无人回答",)],
    }
    trivia = [each.turns for each in found if each.topic == "trivia"]
    assert trivia == [(f"q{n}", f"{n}") for n in range(12)]
    assert {each.topic: each.language for each in found}["ai"] == "zh"


def test_a_text_in_the_place_of_a_list_is_one_turn_and_not_many_letters(tmp_path: Path) -> None:
    """A line of the package's trivia lacks the break between question and answer."""
    broken = "conversations:\n- In a game of bingo, which number is that? - '22'\n- - q\n  - a\n"
    made = archive(tmp_path, **{"x/data/english/trivia.yml": broken})
    found = [*chatterbot.conversations(made)]
    trivia = [each.turns for each in found if each.topic == "trivia"]
    assert trivia == [("In a game of bingo, which number is that? - '22'",), ("q", "a")]
    written = write_conversations(found, tmp_path / "out")
    assert written.unanswered == 2  # and 无人回答
    assert "2 without an answer" in str(written)
    questions = [row["messages"][0]["content"] for _, row in rows(tmp_path / "out")]
    assert sorted(questions) == ["Hello", "You are sad", "You are sad", "q", "什么是ai"]


def test_documents_have_a_line_for_each_turn(tmp_path: Path) -> None:
    first = next(iter(READERS["chatterbot"](archive(tmp_path))))
    assert first.text.count("\n") == 3
    assert first.meta == {"topic": "greetings"}


def test_what_is_no_yaml_is_told_by_file(tmp_path: Path) -> None:
    for broken in (
        "conversations: [",
        "- a list",
        "conversations:\n- - a\n  -\n",
        "conversations:\n- - a: b\n",
    ):
        made = archive(tmp_path, **{"x/data/english/ai.yml": broken})
        with pytest.raises(DataError, match=r"english/ai\.yml is not a list of conversations"):
            list(chatterbot.conversations(made))


def test_conversations_that_share_a_question_are_in_one_part(tmp_path: Path) -> None:
    given = [said(f"question number {n // 2}", f"answer number {n} of them") for n in range(200)]
    written = write_conversations(given, tmp_path)
    assert sum(written.parts.values()) == 200
    assert min(written.parts.values()) > 5
    parts: dict[str, set[str]] = {}
    for part, row in rows(tmp_path):
        parts.setdefault(row["messages"][0]["content"], set()).add(part)
    assert all(len(each) == 1 for each in parts.values())


def test_an_exchange_of_a_longer_conversation_is_in_the_part_of_that(tmp_path: Path) -> None:
    """The second exchange of each long conversation also stands alone."""
    given = [
        each
        for n in range(60)
        for each in (
            said(f"first {n}", f"answer {n}", f"second {n}", f"reply {n}"),
            said(f"second {n}", f"reply {n}"),
        )
    ]
    written = write_conversations(given, tmp_path)
    assert (written.several_answers, sum(written.parts.values())) == (60, 120)
    parts: dict[str, set[str]] = {}
    for part, row in rows(tmp_path):
        parts.setdefault(row["messages"][-2]["content"], set()).add(part)
    assert all(len(each) == 1 for each in parts.values())


def test_copies_near_copies_and_last_turns_without_an_answer_go(tmp_path: Path) -> None:
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    given = [
        said("Hello", "Hi", "Bye"),
        said("hello", " HI"),
        said("tell me", long),
        said("tell me", f"{long} fifteen"),
    ]
    written = write_conversations(given, tmp_path)
    assert (written.copies, written.near_copies) == (1, 1)
    found = [[each["content"] for each in row["messages"]] for _, row in rows(tmp_path)]
    assert sorted(found) == [["Hello", "Hi"], ["tell me", long]]
    assert rows(tmp_path)[0][1]["messages"][0]["role"] == "user"


def test_a_rejected_answer_is_one_to_another_question_of_the_part_and_topic(tmp_path: Path) -> None:
    given = [
        said(f"question {n // 2}", f"{topic} {n}", topic=topic)
        for topic in ("a", "b")
        for n in range(80)
    ]
    given.append(said("什么", "唯一", language="zh"))
    write_preferences(given, tmp_path)
    found = rows(tmp_path)
    assert len(found) == 160  # nothing else was answered in Chinese
    parts = {row["chosen"]: part for part, row in found}
    for part, row in found:
        chosen, rejected = row["chosen"], row["rejected"]
        assert parts[rejected] == part
        assert chosen.split()[0] == rejected.split()[0]  # the topic
        assert int(chosen.split()[1]) // 2 != int(rejected.split()[1]) // 2
        assert row["prompt"][-1]["role"] == "user"
