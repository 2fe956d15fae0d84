"""A conversation as token ids, with what is learnt from it: one function for training, evaluation and serving.

The folder's own template writes the conversation; the answers are found in what it wrote, so that the loss mask needs
no second template. Three things are made sure of, because each is a mistake that trains without an error message:

* A special token that somebody typed stays text: before the template runs, each look-alike in a message is replaced
  by a mark, and put back afterwards as text of a user.
* The begin token stands in front exactly once: what the template leaves out is added if the folder's texts begin with
  it, and a template that writes it twice is refused.
* Every answer ends with a special token that is learnt, or the model could never stop.

Answers are the parts inside {% generation %}. In a template without that tag an answer is found by writing the
conversation again with another text in its place: what differs is the answer.
"""

import difflib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.files import DEFAULT, TokenizerFiles
from zhixing.tokenizer.marks import add_marks
from zhixing.tokenizer.pipelines import Part
from zhixing.tokenizer.template import Template
from zhixing.tokenizer.tokenizer import Tokenizer

Message = Mapping[str, Any]
ASSISTANT = "assistant"
TOOL_TEMPLATE = "tool_use"
TURN_BEGIN, TURN_END = "<|im_start|>", "<|im_end|>"
CHATML = (
    "{{ bos_token or '' }}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""The default for our own models: ChatML, with the answers marked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChatEncoding:
    """Token ids of a conversation. `learnt[i]` is True where token i is part of an answer or ends one."""

    ids: tuple[int, ...]
    learnt: tuple[bool, ...]
    text: str
    spans: tuple[Part, ...]


def encode_chat(
    tokenizer: Tokenizer,
    messages: Sequence[Message],
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    add_generation_prompt: bool = False,
    template: str | None = None,
    variables: Mapping[str, Any] | None = None,
) -> ChatEncoding:
    """The ids of `messages` ({"role": …, "content": …}) and which of them are learnt.

    `template` is the name of one of the folder's templates; without it `tool_use` where there are `tools`, else the
    default. `variables` are handed to the template as they are (enable_thinking …). With `add_generation_prompt` the
    text ends where the next answer begins. Raises DataError for messages that are none or that the template refuses,
    UnsupportedError for a template that is missing, stopped, or breaks a rule of this module.
    """
    messages = _check_messages(messages)
    compiled = _compile(_choose(tokenizer.files, template, has_tools=bool(tools)))
    nonce = secrets.token_hex(8)
    writer = _Writer(
        template=compiled,
        variables={
            **_special_texts(tokenizer.files),
            "tools": tools,
            "documents": None,
            **(variables or {}),
        },
        nonce=nonce,
    )
    typed: list[str] = []
    safe = [_hide(message, tokenizer, typed, nonce) for message in messages]
    raw, marked = writer.write(safe, prompts=add_generation_prompt)
    if not compiled.has_generation:
        marked = _find_answers(writer, safe, raw, prompts=add_generation_prompt)
    text, users, (answers,) = _restore(raw, typed, nonce, [marked])
    return _encode(tokenizer, text, users, answers)


def with_chatml(tokenizer: Tokenizer) -> Tokenizer:
    """A tokenizer with the ChatML template and its two tokens; `<|im_end|>` becomes the end token.

    The two get the ids behind the last one, so a model's embedding must grow by two rows.
    Raises UnsupportedError when the folder has a template already.
    """
    files = tokenizer.files
    if files.templates or files.translation is not None:
        raise UnsupportedError(
            "this tokenizer has a chat template already, or none is possible for it"
        )
    files = add_marks(files, (TURN_BEGIN, TURN_END), vocab=tokenizer.vocab)
    parts = {"eos_token": TURN_END}
    return Tokenizer(
        replace(
            files,
            config={**files.config, **parts},
            specials_map={**files.specials_map, **parts} if files.specials_map else {},
            template_files={DEFAULT: CHATML},
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Writer:
    template: Template
    variables: Mapping[str, Any]
    nonce: str

    def write(self, messages: Sequence[Message], *, prompts: bool) -> tuple[str, list[Part]]:
        table = {**self.variables, "messages": messages, "add_generation_prompt": prompts}
        return self.template.render(table)


def _check_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    if not isinstance(messages, list | tuple) or not messages:
        raise DataError(
            'a conversation is a list of messages such as {"role": "user", "content": "…"}'
        )
    for number, message in enumerate(messages, start=1):
        if missing := _missing_in(message):
            raise DataError(
                f"message {number} of the conversation has no {missing}; it should look like "
                f'{{"role": "user", "content": "…"}}, not {str(message)[:80]}'
            )
    # As transformers does: a null is a key that is not there.
    return [{k: v for k, v in message.items() if v is not None} for message in messages]


def _missing_in(message: object) -> str:
    """What a message lacks. Its content may be a list, as of pictures, and is not needed beside other keys, as of tools."""
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        return "role"
    content = message.get("content")
    is_enough = content is None and len(message.keys() - {"role", "content"}) > 0
    return "" if is_enough or isinstance(content, str | list) else "content that is text"


def _choose(files: TokenizerFiles, name: str | None, *, has_tools: bool) -> str:
    templates = files.templates
    if not templates:
        raise UnsupportedError(
            "this folder has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json); "
            "zhixing.tokenizer.chat.with_chatml gives it one"
        )
    if name is None:
        name = TOOL_TEMPLATE if has_tools and TOOL_TEMPLATE in templates else DEFAULT
    if name not in templates:
        close = difflib.get_close_matches(name, templates, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UnsupportedError(
            f"there is no chat template {name!r}; {hint}this folder has {', '.join(sorted(templates))}"
        )
    return templates[name]


@lru_cache(maxsize=16)
def _compile(source: str) -> Template:
    return Template(source)


def _special_texts(files: TokenizerFiles) -> dict[str, str]:
    keys = [f"{role}_token" for role in ("bos", "eos", "unk", "pad", "sep", "cls", "mask")]
    return {key: text for key in keys if (text := files.role_text(key)) is not None}


def _hide(value: Any, tokenizer: Tokenizer, typed: list[str], nonce: str) -> Any:
    """`value` with a mark in the place of each look-alike of a special token; `typed` collects those."""
    if isinstance(value, Mapping):
        return {key: _hide(inner, tokenizer, typed, nonce) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(inner, tokenizer, typed, nonce) for inner in value]
    if not isinstance(value, str):
        return value
    pieces = []
    place = 0
    for start, end in tokenizer.look_alikes(value):
        pieces += [value[place:start], f"\ufdd2{nonce}:{len(typed)}\ufdd3"]
        typed.append(value[start:end])
        place = end
    return "".join([*pieces, value[place:]])


def _restore(
    raw: str, typed: Sequence[str], nonce: str, groups: Sequence[Sequence[Part]]
) -> tuple[str, list[Part], list[list[Part]]]:
    """The text with the look-alikes back in it, where they are, and `groups` of parts moved accordingly."""
    pieces: list[str] = []
    users: list[Part] = []
    moves: list[
        tuple[int, int]
    ] = []  # (place in `raw` behind a mark, how far what follows has moved)
    place = size = 0
    while (start := raw.find(f"\ufdd2{nonce}:", place)) != -1:
        end = raw.index("\ufdd3", start) + 1
        look_alike = typed[int(raw[start:end].strip("\ufdd2\ufdd3").split(":")[1])]
        pieces += [raw[place:start], look_alike]
        size += start - place
        users.append((size, size + len(look_alike)))
        size += len(look_alike)
        moves.append((end, size - end))
        place = end
    text = "".join([*pieces, raw[place:]])
    if nonce in text:
        raise UnsupportedError(
            "the chat template changes special tokens that a message spells, so they cannot be kept as text; "
            "take them out of the message"
        )
    moved = [[(_move(a, moves), _move(b, moves)) for a, b in group] for group in groups]
    return text, users, moved


def _move(place: int, moves: Sequence[tuple[int, int]]) -> int:
    return place + max(((end, by) for end, by in moves if end <= place), default=(0, 0))[1]


def _find_answers(
    writer: _Writer, messages: Sequence[Message], raw: str, *, prompts: bool
) -> list[Part]:
    """Where each answer is in `raw`, together with the opening that the model writes itself (<think>)."""
    found: list[Part] = []
    for number, message in enumerate(messages):
        if message["role"] != ASSISTANT:
            continue
        other = [*messages[:number], _changed(message), *messages[number + 1 :]]
        text, _ = writer.write(other, prompts=prompts)
        start = _common(raw, text)
        end = len(raw) - min(_common(raw[::-1], text[::-1]), len(raw) - start)
        if text == raw:
            continue  # the template leaves this message out
        earliest = found[-1][1] if found else 0
        begin = _begin(writer, messages[:number], raw[:start], earliest)
        found.append((begin, max(start, end)))
    return found


def _begin(writer: _Writer, before: Sequence[Message], raw: str, earliest: int) -> int:
    """Where the model takes over: behind what it is given when asked for this answer, `raw` ends with its text.

    A template that writes older turns otherwise is still recognised by the words that it asks with.
    """
    if not before:
        return len(raw)
    asked, plain = (writer.write(before, prompts=prompts)[0] for prompts in (True, False))
    if raw.startswith(asked):
        return len(asked)
    opening = asked[len(plain) :] if asked.startswith(plain) else ""
    place = raw.rfind(opening, earliest) if opening else -1
    return place + len(opening) if place >= 0 else len(raw)


def _changed(value: Any) -> Any:
    """The same message with other texts."""
    if isinstance(value, Mapping):
        return {k: v if k in ("role", "type", "id") else _changed(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_changed(inner) for inner in value]
    return f"\ufdd4{value}\ufdd4" if isinstance(value, str) else value


def _common(left: str, right: str) -> int:
    """How many characters two texts begin with in common."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if left[:middle] == right[:middle] else (low, middle - 1)
    return low


def _encode(
    tokenizer: Tokenizer, text: str, users: Sequence[Part], answers: Sequence[Part]
) -> ChatEncoding:
    encoding = tokenizer.encode_marked(text, users)
    ids, spans, specials = list(encoding.ids), list(encoding.spans), list(encoding.specials)
    _check_begin(tokenizer, ids)
    if _needs_begin(tokenizer, ids):
        ids, spans, specials = [tokenizer.begin, *ids], [(0, 0), *spans], [True, *specials]
    learnt = [False] * len(ids)
    for start, end in answers:
        last = -1
        for place, (left, right) in enumerate(spans):
            if left < end and right > start:
                learnt[place] = True
                last = place
            elif left >= end:
                last = place - 1 if last < 0 else last
                break
        _learn_end(learnt, specials, last)
    return ChatEncoding(ids=tuple(ids), learnt=tuple(learnt), text=text, spans=tuple(spans))


def _learn_end(learnt: list[bool], specials: Sequence[bool], last: int) -> None:
    """The token that ends an answer is learnt: inside the answer, or the next one after it."""
    if last >= 0 and learnt[last] and specials[last]:
        return
    if last + 1 < len(specials) and specials[last + 1]:
        learnt[last + 1] = True
        return
    if last < 0 or not any(learnt[place] and specials[place] for place in _tail(learnt, last)):
        raise UnsupportedError(
            "the chat template puts no special token behind an answer, so a model could not learn to stop; "
            "end the answer with eos_token in the template"
        )


def _tail(learnt: Sequence[bool], last: int) -> range:
    """The last two places of an answer: a line feed may follow its end token."""
    return range(max(0, last - 1), min(len(learnt), last + 1))


def _check_begin(tokenizer: Tokenizer, ids: Sequence[int]) -> None:
    begin = tokenizer.specials.get(Special.BEGIN)
    if begin is not None and list(ids[:2]) == [begin, begin]:
        raise UnsupportedError(
            "the chat template writes the begin token twice; a model was never trained on that. "
            "Remove one bos_token from the template"
        )


def _needs_begin(tokenizer: Tokenizer, ids: Sequence[int]) -> bool:
    begin = tokenizer.specials.get(Special.BEGIN)
    if begin is None or (ids and ids[0] == begin):
        return False
    return tokenizer.encode("").ids[:1] == (begin,)


def read_conversation(content: str, origin: str) -> tuple[list[Any], list[Any] | None]:
    """Messages and tools of a JSON text: a list of messages, or an object with `messages` and perhaps `tools`."""
    try:
        value = json.loads(content)
    except ValueError as error:
        several = " and several lines; give one conversation, as with: head -n 1 FILE | zhixing tokenizer chat MODEL"
        lines = len(content.splitlines()) > 1 and content.lstrip().startswith("{")
        raise DataError(f"{origin} is not JSON ({error}){several if lines else ''}") from error
    table = value if isinstance(value, dict) else {"messages": value}
    if not isinstance(table.get("messages"), list):
        raise DataError(f"{origin} must be a list of messages, or an object with the key messages")
    return table["messages"], table.get("tools")
