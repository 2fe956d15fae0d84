"""From a source text to a target text, with the true target so far as the decoder's input (teacher forcing).

    source            the cat sat [end]
    decoder reads     [start] die Katze sass
    and must say      die Katze sass [end]
    loss = -Σ_t Σ_v q_t(v) log p(v | source, target before t),   q_t = (1 - ε) on the true token + ε spread over all

Sutskever et al. 2014, §2; label smoothing ε: Vaswani et al. 2017, §5.4. Left out: scheduled sampling.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from torch import Tensor

from zhixing.core.targets import IGNORED
from zhixing.data.examples import Example, Made
from zhixing.model.writer import Writer
from zhixing.objective.functions import cross_entropy, num_right, smoothed_cross_entropy
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import Numbers, kept, pad
from zhixing.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True, slots=True)
class Seq2SeqBatch:
    """Sources (`keep` is False at padding), what the decoder reads, and what it must say (-100: nothing)."""

    source: Int[Tensor, "batch source"]
    keep: Bool[Tensor, "batch source"]
    tokens: Int[Tensor, "batch time"]
    targets: Int[Tensor, "batch time"]


class Seq2Seq:
    """A target for each source; `start` is the id that the model's targets begin with."""

    kind = "seq2seq"
    target = "token"
    fields = ("source", "target")

    def __init__(self, tokenizer: Tokenizer, *, time: int, start: int, smoothing: float) -> None:
        self._tokenizer, self._time, self._start, self._smoothing = (
            tokenizer, time, start, smoothing,
        )  # fmt: skip

    def example(self, record: Mapping[str, Any]) -> Made:
        """{src, tgt} to ids, each cut to the longest time, its end token kept."""
        source, target = (self._tokenizer.encode_text(record[key]) for key in ("src", "tgt"))
        if not source or not target:
            return Made(dropped="empty")
        room = self._time - 1
        cut = {
            "source": np.array([*source[:room], self._tokenizer.end]),
            "target": np.array([*target[:room], self._tokenizer.end]),
        }
        return Made(example=cut, truncated=max(len(source), len(target)) > room)

    def counts(self, item: Example) -> Counts:
        """Target tokens, the end among them."""
        return {"loss": len(item["target"])}

    def collate(self, items: Sequence[Example]) -> Seq2SeqBatch:
        """Pad both sides."""
        return collate_pairs(
            [item["source"] for item in items],
            [item["target"] for item in items],
            start=self._start,
            padding=self._tokenizer.pad,
        )

    def losses(self, model: Any, batch: Seq2SeqBatch) -> Losses:
        """Smoothed cross entropy of the targets."""
        return write_loss(model, batch, smoothing=self._smoothing)

    def measure(self, model: Any, batch: Seq2SeqBatch) -> Measured:
        """The loss without smoothing (so that it is a likelihood), and how often the best token is the true one."""
        return measure_written(model, batch)

    def answer(self, ids: Sequence[int]) -> str:
        """The text of generated ids, up to the end token."""
        chosen = [*ids]
        if self._tokenizer.end in chosen:
            chosen = chosen[: chosen.index(self._tokenizer.end)]
        return self._tokenizer.decode(chosen)


def collate_pairs(
    sources: Sequence[Numbers], targets: Sequence[Numbers], *, start: int, padding: int
) -> Seq2SeqBatch:
    """Pad sources and targets; the decoder reads each target moved one place, behind `start`."""
    return Seq2SeqBatch(
        source=pad(sources, padding),
        keep=kept(sources),
        tokens=pad([np.array([start, *target[:-1]]) for target in targets], padding),
        targets=pad(targets, IGNORED),
    )


def write_loss(model: Writer, batch: Seq2SeqBatch, *, smoothing: float) -> Losses:
    """Encode, decode, compare, without ever holding the logits of all targets."""
    hidden, targets = _written(model, batch)
    total = smoothed_cross_entropy(
        model.to_output(hidden), model.unembed.weight, targets, model.unembed.bias, smoothing
    )
    return {"loss": Loss(total=total, count=len(targets))}


def measure_written(model: Writer, batch: Seq2SeqBatch) -> Measured:
    """The cross entropy, and how many targets have the largest logit."""
    hidden, targets = _written(model, batch)
    logits = model.head(hidden)
    loss = Loss(total=cross_entropy(logits, targets), count=len(targets))
    right = Tally(total=num_right(logits, targets), count=len(targets))
    return Measured(losses={"loss": loss}, scores={"accuracy": right})


def _written(model: Writer, batch: Seq2SeqBatch) -> tuple[Tensor, Tensor]:
    """The vectors from which the targets are predicted, and these."""
    memory = model.encode(batch.source, keep=batch.keep)
    wanted = batch.targets != IGNORED
    return model.decode(batch.tokens, memory).hidden[wanted], batch.targets[wanted]
