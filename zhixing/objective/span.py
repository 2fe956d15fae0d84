"""Where in a text the answer to a question stands.

    [begin] who sat on it ? [end] the cat sat on the mat [end]
                                  ^start ^end
    loss = -Σ (log p(start) + log p(end)) / 2          a softmax over the places of the input each

Devlin et al. 2018, §4.2 and §4.3: a question without an answer points at the begin token. Of a context that is too long the
window around the answer is learnt from, or the first one where there is no answer; an answer that does not fit into a window
is dropped and counted. Left out: the other windows of a long context, from which there would be no answer.

With `mark_shared` a token of the context that belongs to a word of the question too has segment 2 (the exact match of Chen et
al. 2017, §3.2, which is a feature of the word there): a small model need not find out by itself that words are the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zhixing.data.examples import Example, Made
from zhixing.kernels.precision import widen
from zhixing.objective.functions import cross_entropy
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import frame, kept, pad, span_logits
from zhixing.text.shared import shared
from zhixing.tokenizer.tokenizer import Tokenizer

SEGMENTS = 3
"""Question, context, and what the context shares with the question."""
LONGEST = 30
"""Tokens of the longest answer that is looked for."""
NOWHERE = (0, 0)
"""The place of an answer that there is not."""
_SPECIALS = 3
"""Special tokens around a question and its context."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanBatch:
    """Question and context side by side; first and last token of the answer (0, 0: there is none)."""

    tokens: Int[Tensor, "batch time"]
    keep: Bool[Tensor, "batch time"]
    segments: Int[Tensor, "batch time"]
    starts: Int[Tensor, " batch"]
    ends: Int[Tensor, " batch"]


class Span:
    """Start and end of the answer."""

    kind = "span"
    target = "place"
    fields = ("tokens", "segments", "places")

    def __init__(self, tokenizer: Tokenizer, *, time: int, mark_shared: bool = False) -> None:
        self._tokenizer, self._time, self._mark_shared = tokenizer, time, mark_shared

    def example(self, record: Mapping[str, Any]) -> Made:
        """{question, context, answers: {text, answer_start}}; the first answer is learnt."""
        question = self._tokenizer.encode_text(record["question"])
        context = self._tokenizer.encode(record["context"])
        inside = [place for place, special in enumerate(context.specials) if not special]
        if not question or not inside:
            return Made(dropped="empty")
        found = _answer(record)
        if found is None:
            return Made(dropped="answer_not_in_context")
        touched = [n for n, place in enumerate(inside) if _overlap(context.spans[place], found)]
        if not touched and found != NOWHERE:  # not to be learnt as a question without an answer
            return Made(dropped="answer_without_token")
        first = _window(touched, len(inside), room=self._time - len(question) - _SPECIALS)
        ids = [context.ids[place] for place in inside[first:]]
        framed = frame(self._tokenizer, question, ids, time=self._time)
        begin = framed.segments.index(1) - first
        places = (begin + touched[0], begin + touched[-1]) if touched else NOWHERE
        if places[1] >= len(framed.tokens) - 1:
            return Made(dropped="answer_cut_off")
        if self._mark_shared:
            _mark(framed.segments, record, [context.spans[place] for place in inside[first:]])
        example = {
            "tokens": np.array(framed.tokens),
            "segments": np.array(framed.segments),
            "places": np.array(places),
        }
        wide = [context.spans[inside[place]] for place in touched]
        return Made(
            example=example,
            truncated=framed.truncated or first > 0,
            widened=bool(wide)
            and _is_more(record["context"], (wide[0][0], wide[-1][1]), than=found),
        )

    def counts(self, item: Example) -> Counts:
        """A start and an end."""
        return {"loss": 2}

    def collate(self, items: Sequence[Example]) -> SpanBatch:
        """Pad to the longest."""
        rows = [item["tokens"] for item in items]
        places = torch.from_numpy(np.stack([item["places"] for item in items]))
        return SpanBatch(
            tokens=pad(rows, self._tokenizer.pad),
            keep=kept(rows),
            segments=pad([item["segments"] for item in items], 0),
            starts=places[:, 0],
            ends=places[:, 1],
        )

    def losses(self, model: Any, batch: SpanBatch) -> Losses:
        """-log p of starts and ends."""
        return self.measure(model, batch).losses

    def measure(self, model: Any, batch: SpanBatch) -> Measured:
        """The loss, and how often the best span is exactly the answer."""
        logits = widen(span_logits(model, batch.tokens, batch.keep, batch.segments))
        scores = logits.masked_fill(~batch.keep.unsqueeze(-1), -torch.inf)
        total = cross_entropy(scores[..., 0], batch.starts)
        total = total + cross_entropy(scores[..., 1], batch.ends)
        best = [
            best_span(row, segments > 0)
            for row, segments in zip(scores.detach(), batch.segments, strict=True)
        ]
        true = zip(batch.starts.tolist(), batch.ends.tolist(), strict=True)
        right = float(sum(one == other for one, other in zip(best, true, strict=True)))
        return Measured(
            losses={"loss": Loss(total=total, count=2 * len(batch.starts))},
            scores={"exact": Tally(total=right, count=len(batch.starts))},
        )


def shared_marks(question: str, context: str, spans: Sequence[tuple[int, int]]) -> list[bool]:
    """For each span of a context whether it touches a word that the question has too."""
    marks = shared(context, question)
    return [any(marks[start:end]) for start, end in spans]


def _mark(segments: list[int], record: Mapping[str, Any], spans: Sequence[tuple[int, int]]) -> None:
    """Give the places of a context that share a word with the question the third segment; `spans` are those of its tokens."""
    told = shared_marks(record["question"], record["context"], spans)
    start = segments.index(1)
    for place in range(start, len(segments) - 1):  # behind them is the end token
        segments[place] += told[place - start]


def best_span(
    scores: Float[Tensor, "time 2"], context: Bool[Tensor, " time"], longest: int = LONGEST
) -> tuple[int, int]:
    """First and last place of the best answer in the context, or (0, 0) where that no answer is there scores more."""
    first, last, best = best_place(scores, context, longest)
    return (0, 0) if float(scores[0, 0] + scores[0, 1]) >= best else (first, last)


def best_place(
    scores: Float[Tensor, "time 2"], context: Bool[Tensor, " time"], longest: int = LONGEST
) -> tuple[int, int, float]:
    """First and last place of the best answer in the context, and the sum of their logits."""
    inside = scores.masked_fill(~context.unsqueeze(-1), -torch.inf)
    sums = inside[:, None, 0] + inside[None, :, 1]  # (start, end)
    allowed = torch.ones_like(sums, dtype=torch.bool).triu().tril(longest - 1)
    sums = sums.masked_fill(~allowed, -torch.inf)
    place = int(sums.argmax())
    return *divmod(place, len(scores)), float(sums.flatten()[place])


def _answer(record: Mapping[str, Any]) -> tuple[int, int] | None:
    """Characters of the first answer; NOWHERE for none; None for one that does not stand where it says."""
    answers = record["answers"]
    texts, starts = answers["text"], answers["answer_start"]
    if not texts:
        return NOWHERE
    start = int(starts[0])
    stands = start >= 0 and record["context"][start : start + len(texts[0])] == texts[0]
    return (start, start + len(texts[0])) if stands and texts[0].strip() else None


def _window(touched: Sequence[int], count: int, *, room: int) -> int:
    """The first of `count` places of a window of `room` that has the touched ones in its middle, if they are not in the first."""
    if not touched or touched[-1] < room:
        return 0
    middle = (touched[0] + touched[-1] + 1) // 2
    return max(0, min(middle - room // 2, count - room, touched[0]))


def _is_more(context: str, wide: tuple[int, int], *, than: tuple[int, int]) -> bool:
    """Whether characters other than spaces are in `wide` that are not in the part of it."""
    return bool((context[wide[0] : than[0]] + context[than[1] : wide[1]]).strip())


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
