"""Conversations, instructions, preferences, pairs, and who liked what, under the keys that published sets use.

    {messages: [{role, content}]}                       as it is
    {conversations: [{from: human, value}]}             sharegpt
    {instruction, input, output}                        alpaca; the input stands below the instruction
    {question, choices, answer}                         MMLU; the choices stand below the question, the answer is one of them
    {prompt, chosen, rejected}                          as it is; the prompt is a text, or a list of messages
    {userId, movieId, rating}, {movieId, title, genres} MovieLens; {user, item} and {item, text} as they are
    {premise, hypothesis}, {sentence1, sentence2}, {anchor, positive}, {source, target}, {input, target}

All become the keys that objectives and commands read: messages; prompt, chosen, rejected; text1, text2; src, tgt; user, item,
rating, time; item, text. A row that cannot be
used is left out and its reason counted.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from string import ascii_uppercase
from typing import Any

from zhixing.corpus.formats.movielens import COLUMNS, interaction_row, item_row
from zhixing.corpus.table_rows import BrokenRow, Row

_SPEAKERS = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "assistant": "assistant",
    "system": "system",
    "tool": "tool",
}
ROLES = frozenset({"system", "user", "assistant", "tool"})
"""Who may say a message."""
_PAIRS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("text1", "text2"): ("text1", "text2"),
    ("premise", "hypothesis"): ("text1", "text2"),
    ("sentence1", "sentence2"): ("text1", "text2"),
    ("anchor", "positive"): ("text1", "text2"),
    ("src", "tgt"): ("src", "tgt"),
    ("source", "target"): ("src", "tgt"),
    ("input", "target"): ("src", "tgt"),
}


def detect_row_format(row: Row) -> str | None:
    """The format whose keys a row has; None when there is none."""
    return next(
        (name for name, (keys, _) in ROW_FORMATS.items() if all(k in row for k in keys)), None
    )


def read_row_format(rows: Iterable[Row | BrokenRow], kind: str) -> Iterator[Row | BrokenRow]:
    """Every row of one format; reasons that come in go out."""
    keys, make = ROW_FORMATS[kind]
    for row in rows:
        if isinstance(row, str):
            yield row
        elif not all(key in row for key in keys):
            yield "missing_key"
        else:
            yield make(row)


def is_messages(value: Any) -> bool:
    """Whether this is a list of messages that somebody said, the last of them not the one who answers."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, Mapping) and each.get("role") in ROLES for each in value)
        and all(isinstance(each.get("content"), str) and each["content"].strip() for each in value)
        and value[-1]["role"] != "assistant"
    )


def _messages(row: Row) -> Row | BrokenRow:
    return _checked(row["messages"], "role", "content", {role: role for role in ROLES})


def _sharegpt(row: Row) -> Row | BrokenRow:
    return _checked(row["conversations"], "from", "value", _SPEAKERS)


def _checked(value: Any, who: str, what: str, speakers: Mapping[str, str]) -> Row | BrokenRow:
    """Messages whose speakers are known and who answer at least once, after somebody asked."""
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        return "no_list_of_messages"
    messages = []
    for each in value:
        role, content = speakers.get(str(each.get(who))), each.get(what)
        if role is None:
            return "unknown_speaker"
        if not isinstance(content, str) or not content.strip():
            return "empty_message"
        messages.append({"role": role, "content": content})
    roles = [message["role"] for message in messages]
    if "assistant" not in roles or "user" not in roles[: roles.index("assistant")]:
        return "no_question_and_answer"
    return {"messages": messages}


def _alpaca(row: Row) -> Row | BrokenRow:
    asked, more, answer = (row.get(key) or "" for key in ("instruction", "input", "output"))
    if not all(isinstance(each, str) for each in (asked, more, answer)):
        return "no_text"
    if not asked.strip() or not answer.strip():
        return "empty_message"
    return _asked(f"{asked}\n\n{more}" if more.strip() else asked, answer)


def _mmlu(row: Row) -> Row | BrokenRow:
    question, choices, answer = row["question"], row["choices"], row["answer"]
    if not isinstance(choices, list) or not 2 <= len(choices) <= len(ascii_uppercase):
        return "no_list_of_choices"
    if not all(isinstance(each, str) and each.strip() for each in (question, *choices)):
        return "empty_text"
    letters = ascii_uppercase[: len(choices)]
    place = letters.find(answer) if isinstance(answer, str) and len(answer) == 1 else answer
    if type(place) is not int or not 0 <= place < len(choices):
        return "answer_is_no_choice"
    lines = [f"{letter}. {text}" for letter, text in zip(letters, choices, strict=True)]
    return _asked("\n".join([question, "", *lines]), lines[place])


def _asked(question: str, answer: str) -> Row:
    """A question and its answer as messages."""
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


def _preference(row: Row) -> Row | BrokenRow:
    made = {key: row[key] for key in ("prompt", "chosen", "rejected")}
    texts = [value for key, value in made.items() if key != "prompt" or not is_messages(value)]
    if not all(isinstance(value, str) for value in texts):
        return "no_text"
    if not all(value.strip() for value in texts):
        return "empty_text"
    return "chosen_is_rejected" if made["chosen"] == made["rejected"] else made


def _movie(row: Row) -> Row | BrokenRow:
    name, title, genres = (str(row[key]) for key in ("movieId", "title", "genres"))
    return item_row(name, title, genres.split("|"))


def _item(row: Row) -> Row | BrokenRow:
    if not isinstance(row["text"], str):
        return "no_text"
    return {"item": str(row["item"]), "text": row["text"]} if row["text"].strip() else "empty_text"


def _pair(keys: tuple[str, str]) -> Callable[[Row], Row | BrokenRow]:
    def make(row: Row) -> Row | BrokenRow:
        texts = [row[key] for key in keys]
        if not all(isinstance(text, str) for text in texts):
            return "no_text"
        if not all(text.strip() for text in texts):
            return "empty_text"
        rest = {"label": row["label"]} if "label" in row else {}
        return dict(zip(_PAIRS[keys], texts, strict=True)) | rest

    return make


ROW_FORMATS: Mapping[str, tuple[tuple[str, ...], Callable[[Row], Row | BrokenRow]]] = {
    "messages": (("messages",), _messages),
    "sharegpt": (("conversations",), _sharegpt),
    "preference": (("prompt", "chosen", "rejected"), _preference),
    "alpaca": (("instruction", "output"), _alpaca),
    "mmlu": (("question", "choices", "answer"), _mmlu),
    **{f"pairs-{'-'.join(keys)}": (keys, _pair(keys)) for keys in _PAIRS},
    "movielens-csv": (COLUMNS[:3], lambda row: interaction_row(row, COLUMNS)),
    "movielens-movies-csv": (("movieId", "title", "genres"), _movie),
    "interactions": (("user", "item"), interaction_row),
    "items": (("item", "text"), _item),
}
"""Format -> the keys that show it, and what makes a row of ours of one of its."""
