"""Denoising: spans are taken out of a text, and the model writes them.

    text      Thank you for inviting me to your party last week
    source    Thank you <0> me to your party <1> week [end]
    target    <0> for inviting <1> last [end]

Raffel et al. 2020, §3.1.4: 15 % of the tokens in spans of 3 on average, drawn anew each time from random numbers that
follow from (seed, epoch, piece). Text comes first and a span last, as in T5's code. Left out: whole-word spans.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhixing.objective.config import DenoiseConfig
from zhixing.objective.loss import Counts, Losses, Measured
from zhixing.objective.seq2seq import Seq2SeqBatch, collate_pairs, measure_written, write_loss
from zhixing.tokenizer.tokenizer import Tokenizer


def sentinel(number: int) -> str:
    """The token that stands for span `number` of a text."""
    return f"<|span{number}|>"


@dataclass(frozen=True, kw_only=True, slots=True)
class DenoiseItem:
    """A text with holes, and what was in them."""

    source: NDArray[np.int64]
    target: NDArray[np.int64]


class Denoise:
    """The missing spans of each text."""

    kind = "denoise"
    target = "token"

    def __init__(self, config: DenoiseConfig, tokenizer: Tokenizer, *, start: int) -> None:
        self._config, self._tokenizer, self._start = config, tokenizer, start
        self._sentinels = [tokenizer.mark(sentinel(n)) for n in range(config.sentinels)]

    def item(self, ids: NDArray[np.int64], random: np.random.Generator) -> DenoiseItem:
        """Take spans out of the tokens of a text (of which specials at the ends are left out)."""
        text = ids[~np.isin(ids, [self._tokenizer.begin, self._tokenizer.end])]
        taken = spans_to_take(len(text), self._config, random)
        source: list[int] = []
        target: list[int] = []
        at = 0
        for mark, (start, stop) in zip(self._sentinels, taken, strict=False):
            source += [*text[at:start].tolist(), mark]
            target += [mark, *text[start:stop].tolist()]
            at = stop
        source += [*text[at:].tolist(), self._tokenizer.end]
        target.append(self._tokenizer.end)
        return DenoiseItem(source=np.array(source), target=np.array(target))

    def counts(self, item: DenoiseItem) -> Counts:
        """Target tokens: sentinels, spans and the end."""
        return {"loss": len(item.target)}

    def collate(self, items: Sequence[DenoiseItem]) -> Seq2SeqBatch:
        """Pad both sides."""
        return collate_pairs(
            [item.source for item in items],
            [item.target for item in items],
            start=self._start,
            padding=self._tokenizer.pad,
        )

    def losses(self, model: Any, batch: Seq2SeqBatch) -> Losses:
        """Cross entropy of the targets."""
        return write_loss(model, batch, smoothing=self._config.label_smoothing)

    def measure(self, model: Any, batch: Seq2SeqBatch) -> Measured:
        """The loss without smoothing, and how often the best token is the true one."""
        return measure_written(model, batch)


def spans_to_take(
    length: int, config: DenoiseConfig, random: np.random.Generator
) -> list[tuple[int, int]]:
    """Starts and ends of the spans in a text of `length` tokens: text and spans alternate, a span comes last."""
    if length < 2:
        return [(0, length)] * length
    noise = min(max(round(length * config.share), 1), length - 1)
    most = min(noise, length - noise, config.sentinels)
    num_spans = min(max(round(noise / config.span), 1), most)
    texts = _parts(length - noise, num_spans, random)
    holes = _parts(noise, num_spans, random)
    ends = np.cumsum(texts + holes)
    return list(zip((ends - holes).tolist(), ends.tolist(), strict=True))


def _parts(total: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """`total` as a sum of `count` positive numbers, every way equally probable."""
    cuts = np.sort(random.choice(total - 1, size=count - 1, replace=False)) + 1
    return np.diff(cuts, prepend=0, append=total)
