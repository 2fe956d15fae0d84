"""A conversation that is to fit into a model: its oldest exchanges go first, in training and in use alike.

system   user answer   user answer   user …
stays    └─ exchange ┘ └─ exchange ┘ └─ the last one always stays
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhixing.core.errors import DataError
from zhixing.tokenizer.chat import ASSISTANT, ChatEncoding, Message, encode_chat
from zhixing.tokenizer.tokenizer import Tokenizer

SYSTEM, USER = "system", "user"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """The messages that are kept of a conversation, as ids, and how many exchanges were left out before them."""

    messages: tuple[Message, ...]
    encoding: ChatEncoding
    left_out: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What is read before an answer, and the answer with the token that ends it."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]


def fit(
    tokenizer: Tokenizer, messages: Sequence[Message], *, room: int, asks: bool = False
) -> Fitted:
    """The longest end of a conversation that has at most `room` tokens; the last exchange alone may have more.

    asks: the text ends where the next answer begins. Messages of the system at the beginning stay. Errors as in encode_chat.
    """
    head, exchanges = _split(messages)
    for left_out in range(max(1, len(exchanges))):
        kept = [*head, *(each for exchange in exchanges[left_out:] for each in exchange)]
        encoding = encode_chat(tokenizer, kept, add_generation_prompt=asks)
        if len(encoding.ids) <= room:
            break
    return Fitted(messages=tuple(kept), encoding=encoding, left_out=left_out)


def answered(tokenizer: Tokenizer, messages: Sequence[Message], answer: str) -> Answered:
    """The ids of an answer behind the messages that it answers: the tokens that are learnt of it. Errors as in encode_chat."""
    encoding = encode_chat(tokenizer, [*messages, {"role": ASSISTANT, "content": answer}])
    end = max(place for place, learnt in enumerate(encoding.learnt) if learnt) + 1
    start = end
    while start and encoding.learnt[start - 1]:
        start -= 1
    return Answered(prompt=encoding.ids[:start], answer=encoding.ids[start:end])


def check_asked(messages: Sequence[Message]) -> None:
    """Raise DataError for a conversation whose last message is an answer: there is nothing to answer."""
    if messages and _role(messages[-1]) == ASSISTANT:
        raise DataError(
            "the last message of the conversation is an answer; end it with one of the user, such as "
            '{"role": "user", "content": "…"}'
        )


def _split(messages: Sequence[Message]) -> tuple[list[Message], list[list[Message]]]:
    """What the system says first, and the exchanges: each begins with a message of the user."""
    first = next((n for n, each in enumerate(messages) if _role(each) != SYSTEM), len(messages))
    exchanges: list[list[Message]] = []
    for each in messages[first:]:
        if not exchanges or _role(each) == USER:
            exchanges.append([])
        exchanges[-1].append(each)
    return [*messages[:first]], exchanges


def _role(message: Message) -> str:
    """Who says it; of what is no message encode_chat complains."""
    return str(message.get("role")) if isinstance(message, Mapping) else ""
