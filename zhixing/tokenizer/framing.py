"""What a tokenizer of ours puts around texts, in the form that Hugging Face's libraries read.

of a text that goes on    [begin] text                    two: [begin] first second
of a text that is read    [begin] text [end]              two: [begin] first [end] second [end], the second in segment 1
"""

from collections.abc import Mapping, Sequence
from typing import Any

from zhixing.tokenizer.encoding import Special

Part = dict[str, Any]


def begun(numbers: Mapping[str, int]) -> Part:
    """A begin token in front, given the ids of the special tokens by their text."""
    return template((Special.BEGIN.value,), (), numbers)


def with_frame(pipeline: Mapping[str, Any], *, begin: int, end: int) -> Part:
    """`pipeline` with a begin token in front and an end token behind every text."""
    names = {token["id"]: token["content"] for token in pipeline["added_tokens"]}
    first, last = names[begin], names[end]
    numbers = {first: begin, last: end}
    return {**pipeline, "post_processor": template((first,), (last,), numbers, segment=1)}


def template(
    before: Sequence[str], behind: Sequence[str], numbers: Mapping[str, int], *, segment: int = 0
) -> Part:
    """Special tokens around every text, given their ids; a second text is in `segment` and has only those behind it."""
    one = [*(_special(mark) for mark in before), _text("A"), *(_special(mark) for mark in behind)]
    other = [_text("B", segment), *(_special(mark, segment) for mark in behind)]
    marks = dict.fromkeys((*before, *behind))
    return {
        "type": "TemplateProcessing",
        "single": one,
        "pair": [*one, *other],
        "special_tokens": {
            mark: {"id": mark, "ids": [numbers[mark]], "tokens": [mark]} for mark in marks
        },
    }


def _special(token: str, segment: int = 0) -> Part:
    return {"SpecialToken": {"id": token, "type_id": segment}}


def _text(name: str, segment: int = 0) -> Part:
    return {"Sequence": {"id": name, "type_id": segment}}
