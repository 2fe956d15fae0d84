"""A label, or a number, for a text or for two texts.

    classify   -Σ log softmax(z)_y, or the hinge loss: the right label ahead of every other by 1
    regress    Σ (z - y)²

Where labels have weights, w_y stands before the loss of a text (not before 1 / texts: `balanced` has a mean of 1).
Devlin et al. 2018, §4.1 for encoders; any classifier that reads tokens will do. Left out: several labels at once.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zhixing.corpus.labelled import as_number
from zhixing.data.examples import Example, Made, bits_float, float_bits
from zhixing.kernels.precision import widen
from zhixing.objective.functions import cross_entropy, hinge, num_right, squared_error
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import every_logits, frame, kept, pad, text_logits
from zhixing.tokenizer.tokenizer import Tokenizer

FIELDS = ("tokens", "segments", "label")


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelBatch:
    """Texts side by side and the number of the label of each."""

    tokens: Int[Tensor, "batch time"]
    keep: Bool[Tensor, "batch time"]
    segments: Int[Tensor, "batch time"]
    labels: Int[Tensor, " batch"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberBatch:
    """Texts side by side and the number that belongs to each."""

    tokens: Int[Tensor, "batch time"]
    keep: Bool[Tensor, "batch time"]
    segments: Int[Tensor, "batch time"]
    values: Float[Tensor, " batch"]


class Classify:
    """One of `labels`, whose places are the model's outputs."""

    kind = "classify"
    target = "text"
    fields = FIELDS

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        time: int,
        labels: Sequence[str],
        loss: Literal["cross_entropy", "hinge"] = "cross_entropy",
        weights: Sequence[float] | None = None,
        smoothing: float = 0.0,
    ) -> None:
        self._tokenizer, self._time, self.labels = tokenizer, time, tuple(labels)
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._loss = {"cross_entropy": cross_entropy, "hinge": hinge}[loss]
        self._learnt_loss = partial(cross_entropy, smoothing=smoothing) if smoothing else self._loss
        self._weights = None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def example(self, record: Mapping[str, Any]) -> Made:
        """{text, label} or {text1, text2, label}; a label that is not known drops the example."""
        number = self._numbers.get(str(record["label"]))
        if number is None:
            return Made(dropped="unknown_label")
        return texts_example(record, self._tokenizer, self._time, label=number)

    def counts(self, item: Example) -> Counts:
        """One text."""
        return {"loss": 1}

    def collate(self, items: Sequence[Example]) -> LabelBatch:
        """Pad to the longest."""
        tokens, keep, segments = padded_texts(items, self._tokenizer.pad)
        labels = torch.from_numpy(np.concatenate([item["label"] for item in items]))
        return LabelBatch(tokens=tokens, keep=keep, segments=segments, labels=labels)

    def losses(self, model: Any, batch: LabelBatch) -> Losses:
        """Cross entropy, smoothed if so asked, or hinge; of an ensemble the mean of its members' own losses."""
        every = every_logits(model, batch.tokens, batch.keep, batch.segments)
        found = [self._losses(self._learnt_loss, widen(z), batch)["loss"].total for z in every]
        return {"loss": Loss(total=torch.stack(found).mean(), count=len(batch.labels))}

    def measure(self, model: Any, batch: LabelBatch) -> Measured:
        """The loss without smoothing (so that it is a likelihood), and how often the largest logit is the right label's."""
        logits = widen(text_logits(model, batch.tokens, batch.keep, batch.segments))
        right = Tally(total=num_right(logits, batch.labels), count=len(batch.labels))
        return Measured(losses=self._losses(self._loss, logits, batch), scores={"accuracy": right})

    def _losses(
        self, loss: Any, logits: Float[Tensor, "batch labels"], batch: LabelBatch
    ) -> Losses:
        weights = None if self._weights is None else self._weights.to(logits)
        total = loss(logits, batch.labels, weights=weights)
        return {"loss": Loss(total=total, count=len(batch.labels))}

    def answer(self, logits: Float[Tensor, " labels"]) -> dict[str, float]:
        """Probability of each label, by name."""
        return dict(zip(self.labels, logits.float().softmax(-1).tolist(), strict=True))


def balanced(counts: Sequence[int]) -> tuple[float, ...]:
    """Weights n / (labels · n of the label), with which all labels count the same and an example counts 1 on average.

    King & Zeng 2001. Every count must be at least 1.
    """
    return tuple(sum(counts) / (len(counts) * count) for count in counts)


class Regress:
    """A number: the one logit of the model."""

    kind = "regress"
    target = "text"
    fields = FIELDS

    def __init__(self, tokenizer: Tokenizer, *, time: int) -> None:
        self._tokenizer, self._time = tokenizer, time

    def example(self, record: Mapping[str, Any]) -> Made:
        """{text, label} or {text1, text2, label} with a number as label."""
        value = as_number(record["label"])
        if math.isnan(value):
            return Made(dropped="label_is_no_number")
        return texts_example(record, self._tokenizer, self._time, label=float_bits(value))

    def counts(self, item: Example) -> Counts:
        """One text."""
        return {"loss": 1}

    def collate(self, items: Sequence[Example]) -> NumberBatch:
        """Pad to the longest."""
        tokens, keep, segments = padded_texts(items, self._tokenizer.pad)
        values = torch.tensor([bits_float(int(item["label"][0])) for item in items])
        return NumberBatch(tokens=tokens, keep=keep, segments=segments, values=values)

    def losses(self, model: Any, batch: NumberBatch) -> Losses:
        """Squared error."""
        return self.measure(model, batch).losses

    def measure(self, model: Any, batch: NumberBatch) -> Measured:
        """The squared error, and the absolute one."""
        values = widen(text_logits(model, batch.tokens, batch.keep, batch.segments)).squeeze(-1)
        count = len(values)
        total = squared_error(values, batch.values)
        off = Tally(total=float((values - batch.values).detach().abs().sum()), count=count)
        return Measured(
            losses={"loss": Loss(total=total, count=count)}, scores={"absolute_error": off}
        )


def texts_example(
    record: Mapping[str, Any], tokenizer: Tokenizer, time: int, *, label: int
) -> Made:
    """`FIELDS` of {text} or {text1, text2}."""
    texts = [record["text"]] if "text" in record else [record["text1"], record["text2"]]
    ids = [tokenizer.encode_text(text) for text in texts]
    if not all(ids):
        return Made(dropped="empty")
    framed = frame(tokenizer, ids[0], ids[1] if len(ids) > 1 else None, time=time)
    example = {
        "tokens": np.array(framed.tokens),
        "segments": np.array(framed.segments),
        "label": np.array([label]),
    }
    return Made(example=example, truncated=framed.truncated)


def padded_texts(
    items: Sequence[Example], padding: int
) -> tuple[Int[Tensor, "batch time"], Bool[Tensor, "batch time"], Int[Tensor, "batch time"]]:
    """Tokens, which of them are no padding, and segments."""
    rows = [item["tokens"] for item in items]
    return pad(rows, padding), kept(rows), pad([item["segments"] for item in items], 0)
