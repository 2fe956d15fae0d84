"""Conversations as examples to learn from: copies and near-copies out, then split so that no test question was learnt.

    conversations -> no copies -> no near-copies -> groups -> parts -> {messages} or {prompt, chosen, rejected}

The first who speaks is the user, the second answers; a last turn without an answer is left out. Conversations that begin with
the same question, or share a question together with its answer, are one group, and a group is in one part as a whole. Spaces and
case make no difference.

Preferences are derived, not judged by people: the answer that was given is preferred to one that was given to another question,
of the same topic where there is one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zhixing.corpus.distinct import distinct, without_near_copies
from zhixing.corpus.parts import Part, one_of, part_of, same, told_parts, write_parts

ROLES = ("user", "assistant")
"""Who speaks, in turn."""
Row = Mapping[str, Any]
_Maker = Callable[[Sequence["Conversation"], Sequence[Part]], Iterator[tuple[Part, Row]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """What two say in turn; the one who begins is answered."""

    turns: tuple[str, ...]
    language: str
    topic: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenConversations:
    """Examples written to each part, how many of the conversations have several answers, and what was left out."""

    parts: dict[str, int]
    several_answers: int
    unanswered: int
    copies: int
    near_copies: int

    def __str__(self) -> str:
        return (
            f"{told_parts(self.parts)}, of {self.several_answers:,} conversations with several answers and others with one; "
            f"left out: {self.copies:,} copies, {self.near_copies:,} near-copies, {self.unanswered:,} without an answer"
        )


def messages(turns: Sequence[str]) -> list[dict[str, str]]:
    """Turns as messages of a user and an assistant."""
    return [
        {"role": ROLES[place % len(ROLES)], "content": turn} for place, turn in enumerate(turns)
    ]


def write_conversations(found: Iterable[Conversation], folder: Path) -> WrittenConversations:
    """Write {"messages", "language", "topic"} to train, validation and test .jsonl in `folder`: four fifths, a tenth, a tenth."""
    return _write(found, folder, _conversations)


def write_preferences(found: Iterable[Conversation], folder: Path) -> WrittenConversations:
    """Write {"prompt", "chosen", "rejected", "language", "topic"}, one row for each answer; the prompt is a list of messages.

    The parts are those of `write_conversations`, and a rejected answer is of the same part.
    """
    return _write(found, folder, _preferences)


def _write(found: Iterable[Conversation], folder: Path, make: _Maker) -> WrittenConversations:
    every = [_answered(each) for each in found]
    full = [each for each in every if each.turns]
    different = distinct(full, key=lambda each: same(_whole(each)))
    kept = without_near_copies(different.kept, _whole)
    parts = write_parts(make(kept, _parts(kept)), folder)
    return WrittenConversations(
        parts=parts,
        several_answers=sum(len(each.turns) > len(ROLES) for each in kept),
        unanswered=len(every) - len(full),
        copies=different.copies,
        near_copies=len(different.kept) - len(kept),
    )


def _whole(each: Conversation) -> str:
    """All that is said."""
    return "\n".join(each.turns)


def _answered(each: Conversation) -> Conversation:
    """Without a last turn that nobody answers."""
    even = len(each.turns) // len(ROLES) * len(ROLES)
    return Conversation(turns=each.turns[:even], language=each.language, topic=each.topic)


def _parts(kept: Sequence[Conversation]) -> list[Part]:
    """The part of each conversation: that of the first question of its group."""
    root: dict[str, str] = {}

    def find(key: str) -> str:
        while root.setdefault(key, key) != key:
            key = root[key]
        return key

    for each in kept:
        first = same(each.turns[0])
        for question, answer in _exchanges(each.turns):
            root[find(f"{same(question)}\n{same(answer)}")] = find(first)
    groups = [find(same(each.turns[0])) for each in kept]
    names: dict[str, str] = {}
    for group, each in zip(groups, kept, strict=True):
        names[group] = min(names.get(group, same(each.turns[0])), same(each.turns[0]))
    return [part_of(names[group]) for group in groups]


def _exchanges(turns: Sequence[str]) -> Iterator[tuple[str, str]]:
    return zip(turns[::2], turns[1::2], strict=True)


def _conversations(
    kept: Sequence[Conversation], parts: Sequence[Part]
) -> Iterator[tuple[Part, Row]]:
    for each, part in zip(kept, parts, strict=True):
        yield (
            part,
            {"messages": messages(each.turns), "language": each.language, "topic": each.topic},
        )


def _preferences(kept: Sequence[Conversation], parts: Sequence[Part]) -> Iterator[tuple[Part, Row]]:
    answers: dict[tuple[str, ...], list[str]] = {}
    given: dict[str, set[str]] = {}
    for each, part in zip(kept, parts, strict=True):
        for question, answer in _exchanges(each.turns):
            for place in _places(each, part):
                answers.setdefault(place, []).append(answer)
            given.setdefault(same(question), set()).add(same(answer))
    for each, part in zip(kept, parts, strict=True):
        for end in range(1, len(each.turns), len(ROLES)):
            question, answer = each.turns[end - 1], each.turns[end]
            known = given[same(question)]
            others = next(
                (
                    wrong
                    for place in _places(each, part)
                    if (wrong := [a for a in answers[place] if same(a) not in known])
                ),
                [],
            )
            if others:
                yield (
                    part,
                    {
                        "prompt": messages(each.turns[:end]),
                        "chosen": answer,
                        "rejected": one_of(others, f"{question}\n{answer}"),
                        "language": each.language,
                        "topic": each.topic,
                    },
                )


def _places(each: Conversation, part: Part) -> tuple[tuple[str, ...], ...]:
    """Where a wrong answer is looked for, one after the other."""
    return (part, each.language, each.topic), (part, each.language)
