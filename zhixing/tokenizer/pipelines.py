"""One pipeline of the `tokenizers` library, opened for two uses: plain text, and text with special tokens in it.

Plain text is a user's: whatever it spells stays text. The library has a switch for that, but a Unigram model finds
its own special pieces in a text all the same; there they get names that no text can spell. Marked text is what a
chat template writes; in it special tokens count, except in the parts that a user wrote.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from tokenizers import AddedToken
from tokenizers import Tokenizer as Pipeline

Part = tuple[int, int]  # characters from start to end, end not included
_HIDDEN = "\ufdd0\ufdd1\ufdd0"  # noncharacters: never in interchanged text


class Pipelines:
    """`plain` for plain text, `marked` for marked text; `full` knows every token's name and decodes."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self._plain_content = _without_special_pieces(content)
        self.plain = _open_plain(self._plain_content)
        self.full = self.plain if self._plain_content is content else self.marked
        added = self.full.get_added_tokens_decoder()
        self.specials: dict[int, AddedToken] = {n: t for n, t in added.items() if t.special}
        self._numbers = {token.content: number for number, token in self.specials.items()}
        longest_first = sorted(self._numbers, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @cached_property
    def marked(self) -> Pipeline:
        """Opened when it is first needed: a large vocabulary takes a second."""
        return _open(self._content)

    def look_alikes(self, text: str) -> list[Part]:
        """Where `text` spells a special token."""
        return [found.span() for found in self._pattern.finditer(text)]

    def cut_marked(self, text: str, users: Sequence[Part] = ()) -> tuple[list[int], list[Part]]:
        """Ids and spans of a marked text; a special token that touches a part in `users` is text."""
        if not users:
            encoded = self.marked.encode(text, add_special_tokens=False)
            return encoded.ids, encoded.offsets
        ids: list[int] = []
        spans: list[Part] = []
        place = 0
        for start, end, number in [*self._special_places(text, users), (len(text), len(text), -1)]:
            pipeline = self.plain if place == 0 else self._plain_later
            encoded = pipeline.encode(text[place:start], add_special_tokens=False)
            ids += encoded.ids
            spans += [(place + left, place + right) for left, right in encoded.offsets]
            if number >= 0:
                ids.append(number)
                spans.append((start, end))
            place = end
        return ids, spans

    def _special_places(self, text: str, users: Sequence[Part]) -> Iterator[tuple[int, int, int]]:
        """(start, end, id) of the special tokens outside `users`, with the white space that they take."""
        reached = 0
        for found in self._pattern.finditer(text):
            start, end = found.span()
            if any(left < end and start < right for left, right in users):
                continue
            number = self._numbers[found.group()]
            token = self.specials[number]
            if token.lstrip:
                start = reached + len(text[reached:start].rstrip())
            if token.rstrip:
                end += len(text[end:]) - len(text[end:].lstrip())
            reached = end
            yield start, end, number

    @cached_property
    def _plain_later(self) -> Pipeline:
        """For text that is not the first: SentencePiece's newer rule puts no space in front of it."""
        cutter = json.dumps(self._content.get("pre_tokenizer"))
        later = cutter.replace('"prepend_scheme": "first"', '"prepend_scheme": "never"')
        if later == cutter:
            return self.plain
        return _open_plain({**self._plain_content, "pre_tokenizer": json.loads(later)})


def _open_plain(content: Mapping[str, Any]) -> Pipeline:
    pipeline = _open(content)
    pipeline.encode_special_tokens = True
    return pipeline


def _open(content: Mapping[str, Any]) -> Pipeline:
    pipeline = Pipeline.from_str(json.dumps(content))
    pipeline.no_truncation()
    pipeline.no_padding()
    return pipeline


def _without_special_pieces(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A Unigram pipeline whose special pieces have hidden names, and keep their ids; another one as it is."""
    model = content.get("model")
    if not isinstance(model, dict) or "unk_id" not in model:
        return content
    added = content.get("added_tokens") or []
    specials = {token["content"] for token in added if token["special"]}
    pieces = {text for text, _ in model["vocab"]}
    vocab = [
        [_HIDDEN + text if text in specials else text, score] for text, score in model["vocab"]
    ]
    kept = [token for token in added if token["content"] not in specials & pieces]
    return {**content, "model": {**model, "vocab": vocab}, "added_tokens": kept}
