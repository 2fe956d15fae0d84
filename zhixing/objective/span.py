"""Where in a text the answer to a question stands.

    [begin] who sat on it ? [end] the cat sat on the mat [end]
                                  ^start ^end
    loss = -Σ (log p(start) + log p(end)) / 2          a softmax over the places of the input each

Devlin et al. 2018, §4.2 and §4.3: a question without an answer points at the begin token. Left out: several windows of a
long text; the context is cut, and an example whose answer is cut off is dropped and counted.
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
from zhixing.objective.reading import frame, head, kept, pad, read
from zhixing.tokenizer.tokenizer import Tokenizer

LONGEST = 30
"""Tokens of the longest answer that is looked for."""


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

    def __init__(self, tokenizer: Tokenizer, *, time: int) -> None:
        self._tokenizer, self._time = tokenizer, time

    def example(self, record: Mapping[str, Any]) -> Made:
        """{question, context, answers: {text, answer_start}}; the first answer is learnt."""
        question = self._tokenizer.encode_text(record["question"])
        context = self._tokenizer.encode(record["context"])
        inside = [place for place, special in enumerate(context.specials) if not special]
        if not question or not inside:
            return Made(dropped="empty")
        ids = [context.ids[place] for place in inside]
        framed = frame(self._tokenizer, question, ids, time=self._time)
        begin = framed.segments.index(1)
        found = _answer(record)
        if found is None:
            return Made(dropped="answer_not_in_context")
        places = (0, 0)
        if found != (0, 0):
            touched = [n for n, place in enumerate(inside) if _overlap(context.spans[place], found)]
            places = (begin + touched[0], begin + touched[-1])
        if places[1] >= len(framed.tokens) - 1:
            return Made(dropped="answer_cut_off")
        example = {
            "tokens": np.array(framed.tokens),
            "segments": np.array(framed.segments),
            "places": np.array(places),
        }
        return Made(example=example, truncated=framed.truncated)

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
        hidden = read(model, batch.tokens, batch.keep, batch.segments)
        logits = widen(head(model, "span")(hidden))  # (batch, time, 2)
        scores = logits.masked_fill(~batch.keep.unsqueeze(-1), -torch.inf)
        total = cross_entropy(scores[..., 0], batch.starts)
        total = total + cross_entropy(scores[..., 1], batch.ends)
        best = [
            best_span(row, segments == 1)
            for row, segments in zip(scores.detach(), batch.segments, strict=True)
        ]
        true = zip(batch.starts.tolist(), batch.ends.tolist(), strict=True)
        right = float(sum(one == other for one, other in zip(best, true, strict=True)))
        return Measured(
            losses={"loss": Loss(total=total, count=2 * len(batch.starts))},
            scores={"exact": Tally(total=right, count=len(batch.starts))},
        )


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
    """Characters of the first answer; (0, 0) for none; None for one that does not stand where it says."""
    answers = record["answers"]
    texts, starts = answers["text"], answers["answer_start"]
    if not texts:
        return 0, 0
    start = int(starts[0])
    stands = record["context"][start : start + len(texts[0])] == texts[0]
    return (start, start + len(texts[0])) if stands and texts[0] else None


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
