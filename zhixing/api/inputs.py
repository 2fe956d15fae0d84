"""Texts as a model of this folder reads them: framed as its tokenizer says, checked, in batches of about one length.

What a text becomes does not depend on its neighbours: answers in a batch are those of one text alone, to 1e-5.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from zhixing.api.results import Text
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.objective.reading import pad, side_by_side
from zhixing.tokenizer.tokenizer import Tokenizer

Answered = TypeVar("Answered")
Given = TypeVar("Given")
Got = TypeVar("Got")
TOKENS = 8192
"""Tokens of a batch, padding among them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInput:
    """Token ids with their special tokens; `texts` says which text each is of (None: special), `spans` where in it."""

    ids: tuple[int, ...]
    segments: tuple[int, ...]
    texts: tuple[int | None, ...]
    spans: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, places: Sequence[int]) -> "ModelInput":
        """These places alone."""
        return ModelInput(
            ids=tuple(self.ids[place] for place in places),
            segments=tuple(self.segments[place] for place in places),
            texts=tuple(self.texts[place] for place in places),
            spans=tuple(self.spans[place] for place in places),
        )

    def places_of(self, text: int) -> list[int]:
        """Where the tokens of a text stand."""
        return [place for place, number in enumerate(self.texts) if number == text]


def check_framed(tokenizer: Tokenizer) -> None:
    """Raise UnsupportedError for a folder that does not say what stands around a text that is read."""
    _, behind = tokenizer.frame
    if not behind:
        raise UnsupportedError(
            "the tokenizer of this folder puts no end token behind a text, as every model that answers about texts has "
            "learnt it: the folder was saved without its objective.json; train it again, or save it with ModelInfo(learnt=…)"
        )


def input_of(tokenizer: Tokenizer, text: Text) -> ModelInput:
    """One text or two with what the folder puts around them. Raises DataError for a text without any token."""
    if isinstance(text, str):
        one = tokenizer.encode(text)
        made = ModelInput(
            ids=one.ids,
            segments=(0,) * len(one.ids),
            texts=tuple(None if special else 0 for special in one.specials),
            spans=one.spans,
        )
    else:
        two = tokenizer.encode_pair(*text)
        made = ModelInput(ids=two.ids, segments=two.segments, texts=two.texts, spans=two.spans)
    empty = {0} if isinstance(text, str) else {0, 1}
    empty -= set(made.texts)
    if empty:
        which = "the text" if isinstance(text, str) else f"text {min(empty) + 1} of the two"
        raise DataError(f"{which} is empty: there is nothing in it that the tokenizer keeps")
    return made


def cut_to(made: ModelInput, limit: int) -> ModelInput:
    """At most `limit` tokens; the longer text loses its last ones, as in training."""
    sides = [made.places_of(0), made.places_of(1)]
    for _ in range(len(made) - limit):
        sides[0 if len(sides[0]) >= len(sides[1]) else 1].pop()
    left = {*sides[0], *sides[1]}
    places = [n for n, text in enumerate(made.texts) if text is None or n in left]
    return made.at(places)


def stacked(
    inputs: Sequence[ModelInput], padding: int, device: torch.device
) -> tuple[Int[Tensor, "batch time"], Bool[Tensor, "batch time"], Int[Tensor, "batch time"]]:
    """The ids of several inputs in one tensor, where there is no padding, and the segments."""
    tokens, keep = side_by_side([each.ids for each in inputs], padding, device)
    return tokens, keep, pad([each.segments for each in inputs], 0).to(device)


def in_batches(
    lengths: Sequence[int],
    answer: Callable[[Sequence[int]], Sequence[Answered]],
    *,
    tokens: int = TOKENS,
) -> list[Answered]:
    """Answers in the order of `lengths`; `answer` is given the places of items of about one length."""
    found: dict[int, Answered] = {}
    for places in _of_about_one_length(lengths, tokens):
        found.update(zip(places, answer(places), strict=True))
    return [found[place] for place in range(len(lengths))]


def _of_about_one_length(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Places in batches, the longest first, each of at most `tokens` tokens with its padding, or of one item."""
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    while order:
        count = max(1, tokens // max(1, lengths[order[0]]))
        yield order[:count]
        order = order[count:]


def check_is_list(name: str, given: Any) -> None:
    """Raise UsageError for what is no list, also for one text: each of its characters would count as one."""
    if isinstance(given, str):
        raise UsageError(
            f"{name} is one text, {given[:40]!r}; give a list of texts: [{given[:10]!r}]"
        )
    if not isinstance(given, Iterable) or isinstance(given, Mapping):
        raise UsageError(f"{name} is {given!r:.60}, which is no list; give a list")


def check_is_text(given: Any) -> None:
    """Raise DataError for what is neither a text nor a pair of texts."""
    pair = given if isinstance(given, tuple | list) and len(given) == 2 else (given,)
    if not all(isinstance(each, str) for each in pair):
        raise DataError(f"{given!r:.60} is neither a text nor a pair of texts (first, second)")


def check_is_one_text(given: Any) -> None:
    """Raise DataError for what is no text, a pair of texts too."""
    if not isinstance(given, str):
        raise DataError(f"{given!r:.60} is no text")


def check_is_pair(given: Any) -> None:
    """Raise DataError for what is no pair of texts."""
    check_is_text(given)
    if isinstance(given, str):
        raise DataError(f"{given!r:.60} is one text; give a pair of texts (first, second)")


def each_of(name: str, given: Sequence[Given], make: Callable[[Given], Got]) -> list[Got]:
    """`make` of every one; an error says which, as NAME[2]: … Raises UsageError for one text where a list of them belongs."""
    check_is_list(name, given)
    made = []
    for number, one in enumerate(given):
        try:
            made.append(make(one))
        except (DataError, UnsupportedError) as error:
            raise type(error)(f"{name}[{number}]: {error}") from error
    return made
