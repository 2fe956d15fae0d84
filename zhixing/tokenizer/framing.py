"""What a tokenizer of ours puts around texts, in the form that Hugging Face's libraries read.

of a text that goes on    [begin] text                    two: [begin] first second
of a text that is read    [begin] text [end]              two: [begin] first [end] second [end], the second in segment 1
"""

from collections.abc import Mapping
from typing import Any

from zhixing.tokenizer.encoding import Special

Part = dict[str, Any]


def begun(numbers: Mapping[str, int]) -> Part:
    """A begin token in front, given the ids of the special tokens by their text."""
    begin = Special.BEGIN.value
    return {
        "type": "TemplateProcessing",
        "single": [_special(begin), _text("A")],
        "pair": [_special(begin), _text("A"), _text("B")],
        "special_tokens": _table({begin: numbers[begin]}),
    }


def with_frame(pipeline: Mapping[str, Any], *, begin: int, end: int) -> Part:
    """`pipeline` with a begin token in front and an end token behind every text."""
    names = {token["id"]: token["content"] for token in pipeline["added_tokens"]}
    first, last = names[begin], names[end]
    one = [_special(first), _text("A"), _special(last)]
    template = {
        "type": "TemplateProcessing",
        "single": one,
        "pair": [*one, _text("B", 1), _special(last, 1)],
        "special_tokens": _table({first: begin, last: end}),
    }
    return {**pipeline, "post_processor": template}


def _special(token: str, segment: int = 0) -> Part:
    return {"SpecialToken": {"id": token, "type_id": segment}}


def _text(name: str, segment: int = 0) -> Part:
    return {"Sequence": {"id": name, "type_id": segment}}


def _table(numbers: Mapping[str, int]) -> Part:
    return {
        name: {"id": name, "ids": [number], "tokens": [name]} for name, number in numbers.items()
    }
