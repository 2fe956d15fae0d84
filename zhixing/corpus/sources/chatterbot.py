"""The corpus of ChatterBot, English and Chinese: short conversations, sorted by topic, in YAML.

A conversation is a list of what is said in turn. Two topics of the English part hold something else: a sentence and several
answers to choose from, which become as many conversations; and one list of trivia is questions with their answers, one after
another, which have nothing to do with each other. A text where a list belongs is a conversation of one turn, which nobody
answers. Much of the Chinese part was translated by a machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from zhixing.core.errors import DataError, MissingExtraError
from zhixing.corpus.archive import Archive
from zhixing.corpus.conversations import Conversation
from zhixing.corpus.document import Document

LANGUAGES: Mapping[str, str] = {"english": "en", "chinese": "zh"}
"""Folder -> language; the others are neither read nor checked."""
ALTERNATIVES = frozenset({("en", "emotion"), ("en", "computers")})
"""Where what follows the first turn are answers to it, not turns."""
MOST_TURNS = 20
"""A longer list holds questions and answers that stand for themselves."""


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per conversation, a line for each turn; `meta` has its topic."""
    for number, each in enumerate(conversations(archive), start=1):
        yield Document(
            id=f"{each.topic}:{number}",
            text="\n".join(each.turns),
            source="chatterbot",
            language=each.language,
            meta={"topic": each.topic},
        )


def conversations(archive: Archive) -> Iterator[Conversation]:
    """Yield every conversation, those of one turn too. Raises DataError for a file in another form."""
    for name, content in archive.members(*(f"*/data/{folder}/*.yml" for folder in LANGUAGES)):
        path = PurePosixPath(name)
        language, topic = LANGUAGES[path.parent.name], path.stem
        for turns in _lists(name, content):
            for said in _apart(turns, language, topic):
                yield Conversation(turns=said, language=language, topic=topic)


def _lists(name: str, content: bytes) -> Iterator[list[str]]:
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("pyyaml", "data", "reading YAML") from error
    try:
        table: Any = yaml.load(content, yaml.BaseLoader)  # knows texts alone: No is no boolean
        for turns in table["conversations"]:
            yield [*map(_turn, turns if isinstance(turns, list) else [turns])]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{name} is not a list of conversations in YAML: {error}") from error


def _turn(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{value!r} is nothing that is said")
    return value.strip()


def _apart(turns: Sequence[str], language: str, topic: str) -> Iterator[tuple[str, ...]]:
    """One list as the conversations that it means."""
    if (language, topic) in ALTERNATIVES and len(turns) > 1:
        yield from ((turns[0], answer) for answer in turns[1:])
    elif len(turns) > MOST_TURNS:
        yield from (tuple(turns[at : at + 2]) for at in range(0, len(turns), 2))
    else:
        yield tuple(turns)
