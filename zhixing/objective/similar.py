"""Vectors of texts that mean the same point the same way.

    vector        mean of the model's vectors over the tokens of a text
    contrastive   -Σ_i log exp(cos(a_i, b_i)/τ) / Σ_j exp(cos(a_i, b_j)/τ)       InfoNCE: van den Oord et al. 2018, eq. 4
    both ways     half of that, and half of the same with a and b exchanged                LaBSE: Feng et al. 2022, §2.2
    cosine        Σ_i (cos(a_i, b_i) - label_i)²                                 Reimers & Gurevych 2019, §3

In-batch negatives: the second texts of the other pairs of the same micro-batch. Pairs with the same first or the same second
text as this one are left out: their other texts are right as well. So are pairs whose second text is the first of this one: no text
is a wrong answer to itself, and none could come nearer to it. So here, and only here, the size of the micro-batch changes
what is learnt: more pairs at once make the question harder. Sums and counts stay exact: one target a pair, whatever the batch.
Left out: hard negatives, negatives from other processes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from zhixing.data.examples import Example, Made, bits_float, float_bits
from zhixing.kernels.precision import widen
from zhixing.model.heads import mean_of_places
from zhixing.objective.functions import cross_entropy, num_right, squared_error
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import frame, kept, pad, read
from zhixing.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class PairBatch:
    """First and second texts, and how similar they are (cosine loss)."""

    first: Int[Tensor, "batch first"]
    first_keep: Bool[Tensor, "batch first"]
    second: Int[Tensor, "batch second"]
    second_keep: Bool[Tensor, "batch second"]
    values: Float[Tensor, " batch"]


class Similar:
    """Pairs of texts."""

    kind = "similar"
    target = "pair"
    fields = ("first", "second", "label")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        time: int,
        loss: Literal["contrastive", "cosine"] = "contrastive",
        temperature: float = 0.05,
        both_ways: bool = False,
    ) -> None:
        self._tokenizer, self._time = tokenizer, time
        self._loss, self._temperature, self._both_ways = loss, temperature, both_ways

    def example(self, record: Mapping[str, Any]) -> Made:
        """{text1, text2} and, for the cosine loss, a number as label."""
        try:
            value = float(record["label"]) if self._loss == "cosine" else 1.0
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            return Made(dropped="label_is_no_number")
        ids = [self._tokenizer.encode_text(record[key]) for key in ("text1", "text2")]
        if not all(ids):
            return Made(dropped="empty")
        framed = [frame(self._tokenizer, each, None, time=self._time) for each in ids]
        example = {
            "first": np.array(framed[0].tokens),
            "second": np.array(framed[1].tokens),
            "label": np.array([float_bits(value)]),
        }
        return Made(example=example, truncated=any(each.truncated for each in framed))

    def counts(self, item: Example) -> Counts:
        """One pair."""
        return {"loss": 1}

    def collate(self, items: Sequence[Example]) -> PairBatch:
        """Pad each side."""
        first, second = ([item[side] for item in items] for side in ("first", "second"))
        return PairBatch(
            first=pad(first, self._tokenizer.pad),
            first_keep=kept(first),
            second=pad(second, self._tokenizer.pad),
            second_keep=kept(second),
            values=torch.tensor([bits_float(int(item["label"][0])) for item in items]),
        )

    def losses(self, model: Any, batch: PairBatch) -> Losses:
        """InfoNCE, or squared error of the cosine."""
        return self.measure(model, batch).losses

    def measure(self, model: Any, batch: PairBatch) -> Measured:
        """The loss; contrastive: how often the right second text is the nearest of the batch."""
        one = unit_vectors(model, batch.first, batch.first_keep)
        other = unit_vectors(model, batch.second, batch.second_keep)
        count = len(one)
        if self._loss == "cosine":
            total = squared_error((one * other).sum(dim=-1), batch.values)
            return Measured(losses={"loss": Loss(total=total, count=count)}, scores={})
        not_wrong = no_wrong_answers(batch.first, batch.second, pad=self._tokenizer.pad)
        cosines = (one @ other.T).masked_fill(
            not_wrong, -torch.inf
        )  # (batch of first texts, batch of second texts)
        own = torch.arange(count, device=cosines.device)
        right = Tally(total=num_right(cosines, own), count=count)
        total = cross_entropy(cosines / self._temperature, own)
        if self._both_ways:
            total = (total + cross_entropy(cosines.T / self._temperature, own)) / 2
        return Measured(losses={"loss": Loss(total=total, count=count)}, scores={"accuracy": right})


def no_wrong_answers(
    first: Int[Tensor, "batch first"], second: Int[Tensor, "batch second"], *, pad: int
) -> Bool[Tensor, "batch batch"]:
    """Whether the second text of another pair (column) is no wrong answer to a first one (row).

    It is none where the pairs have a text in common on the same side, or where it is that first text.
    """
    width = max(first.shape[1], second.shape[1])
    both = torch.cat(
        [F.pad(side, (0, width - side.shape[1]), value=pad) for side in (first, second)]
    )
    _, numbers = torch.unique(both, dim=0, return_inverse=True)  # the same number: the same text
    one, other = numbers.split(len(first))
    is_shared = (one[:, None] == one) | (other[:, None] == other) | (one[:, None] == other)
    return is_shared.fill_diagonal_(False)


def unit_vectors(
    model: Any, tokens: Int[Tensor, "batch time"], keep: Bool[Tensor, "batch time"]
) -> Float[Tensor, "batch width"]:
    """One vector of length 1 per text."""
    return F.normalize(widen(mean_of_places(read(model, tokens, keep), keep)), dim=-1)
