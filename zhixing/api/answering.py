"""Where in a context the answer to a question stands, or that it has none.

    best   = max over windows, start and end of z_start + z_end       at most LONGEST tokens long
    none   = min over windows of z_start + z_end at the begin token   Devlin et al. 2018, §4.3
    score  = best - none: above the least score that was learnt (0 where none was) there is an answer

A long context is read in windows that overlap by half. In one window this is objective/span.best_span.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.inputs import ModelInput, in_batches, input_of, stacked
from zhixing.api.results import Answer
from zhixing.core.errors import UnsupportedError
from zhixing.model.assembly import Network
from zhixing.model.protocol import device_of
from zhixing.objective.reading import span_logits
from zhixing.objective.span import best_place, shared_marks
from zhixing.tokenizer.tokenizer import Tokenizer

ROOM = 8
"""Tokens of the context that a window must have room for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """The best answer of a window, as characters of the context, and the logits of it and of none."""

    start: int
    end: int
    best: float
    none: float


def windows_of(
    tokenizer: Tokenizer,
    question: str,
    context: str,
    *,
    limit: int | None,
    mark_shared: bool = False,
) -> list[ModelInput]:
    """Question and context side by side, as often as the context needs; `mark_shared` as the objective span has it.

    Raises DataError for an empty one, UnsupportedError for a question that leaves no room.
    """
    whole = input_of(tokenizer, (question, context))
    places = whole.places_of(1)
    if mark_shared:
        told = shared_marks(question, context, [whole.spans[place] for place in places])
        marks = dict(zip(places, told, strict=True))
        segments = tuple(part + marks.get(n, False) for n, part in enumerate(whole.segments))
        whole = replace(whole, segments=segments)
    others = len(whole) - len(places)
    if limit is None or len(whole) <= limit:
        return [whole]
    if limit - others < ROOM:
        raise UnsupportedError(
            f"the question and special tokens are {others} tokens of the {limit} that this model reads at once, which "
            "leaves no room for the context; shorten the question"
        )
    return [whole.at(chosen) for chosen in _slices(whole, places, limit - others)]


def candidates(network: Network, windows: Sequence[ModelInput], padding: int) -> list[Candidate]:
    """The best answer of each window."""

    def answer(chosen: Sequence[int]) -> list[Candidate]:
        made = [windows[n] for n in chosen]
        tokens, keep, segments = stacked(made, padding, device_of(network))
        logits = span_logits(network, tokens, keep, segments).float().cpu()
        return [_candidate(row[: len(each)], each) for row, each in zip(logits, made, strict=True)]

    with torch.inference_mode():
        return in_batches([len(each) for each in windows], answer)


def answer_of(found: Sequence[Candidate], context: str, *, least_score: float) -> Answer:
    """The answer of all windows of a context, if it scores more than the least."""
    best = max(found, key=lambda each: each.best)
    score = best.best - min(each.none for each in found)
    raw = context[best.start : best.end]
    text = raw.strip()
    if score <= least_score or not text:
        return Answer(found=False, text="", start=0, end=0, score=min(score, least_score))
    start = best.start + len(raw) - len(raw.lstrip())
    return Answer(found=True, text=text, start=start, end=start + len(text), score=score)


def _candidate(logits: Float[Tensor, "time 2"], window: ModelInput) -> Candidate:
    inside = torch.tensor([text == 1 for text in window.texts])
    first, last, best = best_place(logits, inside)
    none = float(logits[0, 0] + logits[0, 1])
    start, end = window.spans[first][0], window.spans[last][1]
    return Candidate(start=start, end=end, best=best, none=none)


def _slices(whole: ModelInput, places: Sequence[int], room: int) -> Iterator[list[int]]:
    """The places of each window: everything but the context, and `room` tokens of it."""
    before, after = range(places[0]), range(places[-1] + 1, len(whole))
    for first in range(0, len(places), max(1, room // 2)):
        start = max(0, min(first, len(places) - room))
        yield [*before, *places[start : start + room], *after]
        if start + room >= len(places):
            return
