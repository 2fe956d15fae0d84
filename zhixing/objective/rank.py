"""Texts in the order of how well they answer a query; a model scores each text together with its query.

    pairwise   Σ_{i,j: r_i > r_j} log(1 + exp(-(s_i - s_j)))             RankNet: Burges et al. 2005, §3
    listwise   -Σ_lists Σ_i softmax(r)_i log softmax(s)_i                ListNet, top one: Cao et al. 2007, §4.3

The count is the number of ordered pairs, or of lists. Left out: gains and cut-offs inside the loss (LambdaRank).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from zhixing.data.examples import Example, Made, bits_float, float_bits
from zhixing.kernels.precision import widen
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import frame, kept, pad, text_logits
from zhixing.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class RankBatch:
    """All texts of all lists, each with its query in front; `lists` says which list a text is of."""

    tokens: Int[Tensor, "texts time"]
    keep: Bool[Tensor, "texts time"]
    segments: Int[Tensor, "texts time"]
    relevance: Float[Tensor, " texts"]
    lists: Int[Tensor, " texts"]


class Rank:
    """Lists of texts, each with a query."""

    kind = "rank"
    fields = ("tokens", "segments", "ends", "relevance")

    def __init__(
        self, tokenizer: Tokenizer, *, time: int, loss: Literal["pairwise", "listwise"] = "pairwise"
    ) -> None:
        self._tokenizer, self._time, self._loss = tokenizer, time, loss
        self.target = {"pairwise": "pair", "listwise": "list"}[loss]

    def example(self, record: Mapping[str, Any]) -> Made:
        """{query, texts, relevance}: as many numbers as texts, not all the same."""
        texts, relevance = record["texts"], [float(each) for each in record["relevance"]]
        if len(texts) != len(relevance) or len(set(relevance)) < 2:
            return Made(dropped="nothing_to_order")
        query = self._tokenizer.encode_text(record["query"])
        framed = [
            frame(self._tokenizer, query, self._tokenizer.encode_text(text), time=self._time)
            for text in texts
        ]
        example = {
            "tokens": np.concatenate([each.tokens for each in framed]),
            "segments": np.concatenate([each.segments for each in framed]),
            "ends": np.array([*accumulate(len(each.tokens) for each in framed)]),
            "relevance": np.array([float_bits(each) for each in relevance]),
        }
        return Made(example=example, truncated=any(each.truncated for each in framed))

    def counts(self, item: Example) -> Counts:
        """Ordered pairs, or one list."""
        if self._loss == "listwise":
            return {"loss": 1}
        relevance = np.array([bits_float(int(bits)) for bits in item["relevance"]])
        return {"loss": int(np.count_nonzero(relevance[:, None] > relevance[None, :]))}

    def collate(self, items: Sequence[Example]) -> RankBatch:
        """All texts under each other, padded to the longest."""
        rows = [row for item in items for row in np.split(item["tokens"], item["ends"][:-1])]
        segments = [row for item in items for row in np.split(item["segments"], item["ends"][:-1])]
        relevance = [bits_float(int(bits)) for item in items for bits in item["relevance"]]
        sizes = torch.tensor([len(item["ends"]) for item in items])
        return RankBatch(
            tokens=pad(rows, self._tokenizer.pad),
            keep=kept(rows),
            segments=pad(segments, 0),
            relevance=torch.tensor(relevance),
            lists=torch.repeat_interleave(torch.arange(len(items)), sizes),
        )

    def losses(self, model: Any, batch: RankBatch) -> Losses:
        """RankNet's or ListNet's."""
        return self.measure(model, batch).losses

    def measure(self, model: Any, batch: RankBatch) -> Measured:
        """The loss, and the share of ordered pairs that the scores put in order."""
        scores = widen(text_logits(model, batch.tokens, batch.keep, batch.segments)).squeeze(-1)
        differences = ordered_differences(scores, batch.relevance, batch.lists)
        right = Tally(total=float((differences > 0).sum()), count=len(differences))
        if self._loss == "pairwise":
            loss = Loss(total=F.softplus(-differences).sum(), count=len(differences))
        else:
            total = listwise(scores, batch.relevance, batch.lists)
            loss = Loss(total=total, count=int(batch.lists.max()) + 1)
        return Measured(losses={"loss": loss}, scores={"pair_accuracy": right})


def ordered_differences(
    scores: Float[Tensor, " texts"],
    relevance: Float[Tensor, " texts"],
    lists: Int[Tensor, " texts"],
) -> Float[Tensor, " pairs"]:
    """Score of the better text less that of the worse one, for every pair of a list that differs in relevance."""
    better = (relevance[:, None] > relevance[None, :]) & (lists[:, None] == lists[None, :])
    return (scores[:, None] - scores[None, :])[better]


def listwise(
    scores: Float[Tensor, " texts"],
    relevance: Float[Tensor, " texts"],
    lists: Int[Tensor, " texts"],
) -> Float[Tensor, ""]:
    """Sum over lists of the cross entropy between the two softmaxes."""
    total = scores.new_zeros(())
    for number in range(int(lists.max()) + 1):
        here = lists == number
        wanted = relevance[here].softmax(-1)
        total = total - (wanted * scores[here].log_softmax(-1)).sum()
    return total
