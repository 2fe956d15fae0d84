"""Masked language modelling and next-sentence prediction: BERT's two objectives, learnt together.

    [begin] the cat sat on ▒▒▒ mat [end] it ▒▒▒▒ [end]          ▒: hidden, to be predicted from both sides
    loss = -Σ_hidden log p(token | the rest) / hidden  -  Σ_pairs log p(follows or not) / pairs

Devlin et al. 2018, §3.1: of 15 % of the tokens 80 % become the mask token, 10 % a random one, 10 % stay. Words are hidden
whole (Cui et al. 2019 for Chinese, where a word is what segmentation finds). What is hidden is drawn anew in each epoch
(Liu et al. 2019), from random numbers that follow from (seed, epoch, pair). Left out: fixed masks, sentence order (ALBERT).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from zhixing.core.targets import IGNORED
from zhixing.data.examples import Made
from zhixing.data.sentences import Pair, cut_to
from zhixing.kernels.cross_entropy import linear_cross_entropy
from zhixing.objective.config import MaskedConfig
from zhixing.objective.functions import cross_entropy, num_right
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import head, kept, pad, read
from zhixing.text.segment import words
from zhixing.text.sentences import sentences
from zhixing.text.span import Span
from zhixing.tokenizer.marks import MASK
from zhixing.tokenizer.tokenizer import Tokenizer

FOLLOWS, OTHER = 0, 1
"""Labels of next-sentence prediction, in BERT's order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedItem:
    """One input; `targets` are the hidden tokens, -100 elsewhere; `follows`: a label, None without a second text."""

    tokens: NDArray[np.int64]
    targets: NDArray[np.int64]
    segments: NDArray[np.int64]
    follows: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedBatch:
    """Inputs side by side, padded at their ends (`keep` is False there)."""

    tokens: Int[Tensor, "batch time"]
    targets: Int[Tensor, "batch time"]
    keep: Bool[Tensor, "batch time"]
    segments: Int[Tensor, "batch time"]
    follows: Int[Tensor, " batch"] | None


class Masked:
    """Hidden tokens, and whether the second text follows the first.

    `common`: the most frequent token, which a model that sees nothing would guess: the baseline of the accuracy.
    """

    kind = "masked"
    target = "token"

    def __init__(
        self, config: MaskedConfig, tokenizer: Tokenizer, *, time: int, common: int
    ) -> None:
        self._config, self._time, self._common = config, time, common
        self._begin, self._end, self._pad = tokenizer.begin, tokenizer.end, tokenizer.pad
        self._mask = tokenizer.mark(MASK)
        known = [*tokenizer.specials.values(), self._mask]
        self._ordinary = np.setdiff1d(np.arange(tokenizer.vocab), known)

    @property
    def room(self) -> int:
        """Tokens of both texts together."""
        return self._time - (3 if self._config.next_sentence else 2)

    def item(self, pair: Pair, random: np.random.Generator) -> MaskedItem:
        """Cut to fit, put the special tokens in, hide some of the words."""
        pair = cut_to(pair, self.room, random)
        tokens, starts = [self._begin, *pair.first.ids, self._end], [2, *pair.first.starts, 2]
        segments = [0] * len(tokens)
        if pair.second is not None:
            tokens += [*pair.second.ids, self._end]
            starts += [*pair.second.starts, 2]
            segments += [1] * (len(tokens) - len(segments))
        ids = np.array(tokens, dtype=np.int64)
        seen, targets = self._hide(ids, np.array(starts), random)
        follows = None
        if pair.second is not None:
            follows = FOLLOWS if pair.follows else OTHER
        return MaskedItem(
            tokens=seen, targets=targets, segments=np.array(segments), follows=follows
        )

    def counts(self, item: MaskedItem) -> Counts:
        """Hidden tokens, and one pair."""
        hidden = {"masked": int(np.count_nonzero(item.targets != IGNORED))}
        return hidden if item.follows is None else {**hidden, "next_sentence": 1}

    def collate(self, items: Sequence[MaskedItem]) -> MaskedBatch:
        """Pad to the longest."""
        rows = [item.tokens for item in items]
        follows = [item.follows for item in items if item.follows is not None]
        return MaskedBatch(
            tokens=pad(rows, self._pad),
            targets=pad([item.targets for item in items], IGNORED),
            keep=kept(rows),
            segments=pad([item.segments for item in items], 0),
            follows=torch.tensor(follows) if follows else None,
        )

    def losses(self, model: Any, batch: MaskedBatch) -> Losses:
        """-log p of the hidden tokens, and of the label of each pair."""
        hidden = read(model, batch.tokens, batch.keep, batch.segments)
        losses = {"masked": masked_loss(model, hidden, batch.targets)}
        if batch.follows is not None:
            pairs = head(model, "next-sentence")(hidden, batch.keep)
            losses["next_sentence"] = _loss(pairs, batch.follows)
        return losses

    def measure(self, model: Any, batch: MaskedBatch) -> Measured:
        """The losses; accuracy of both, and that of always guessing the most frequent token."""
        hidden = read(model, batch.tokens, batch.keep, batch.segments)
        logits, targets = masked_logits(model, hidden, batch.targets)
        guess = float((targets == self._common).sum())
        losses = {"masked": _loss(logits, targets)}
        scores = {
            "masked_accuracy": _right(logits, targets),
            "masked_accuracy_of_a_guess": Tally(total=guess, count=len(targets)),
        }
        if batch.follows is not None:
            pairs = head(model, "next-sentence")(hidden, batch.keep)
            losses["next_sentence"] = _loss(pairs, batch.follows)
            scores["next_sentence_accuracy"] = _right(pairs, batch.follows)
        return Measured(losses=losses, scores=scores)

    def _hide(
        self, ids: NDArray[np.int64], starts: NDArray[np.int64], random: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What the model sees, and the hidden tokens; `starts` is 2 at special tokens."""
        places = np.flatnonzero(starts != 2)
        if not self._config.whole_words:
            chosen = random.permutation(places)[: self._wanted(places)]
        else:
            chosen = _whole_words(places, starts, self._wanted(places), random)
        seen, targets = ids.copy(), np.full_like(ids, IGNORED)
        targets[chosen] = ids[chosen]
        fates = random.random(len(chosen))
        others = random.choice(self._ordinary, size=len(chosen))
        seen[chosen] = disguised(ids[chosen], others, fates, mask=self._mask, config=self._config)
        return seen, targets

    def _wanted(self, places: NDArray[np.int64]) -> int:
        return max(1, round(self._config.share * len(places)))


def disguised(
    ids: NDArray[np.int64],
    others: NDArray[np.int64],
    fates: NDArray[np.float64],
    *,
    mask: int,
    config: MaskedConfig,
) -> NDArray[np.int64]:
    """What is seen of tokens to predict: the mask, another token, or themselves; `fates` are drawn from [0, 1)."""
    kept = np.where(fates < config.mask + config.random, others, ids)
    return np.where(fates < config.mask, mask, kept)


def masked_logits(
    model: Any, hidden: Float[Tensor, "batch time width"], targets: Int[Tensor, "batch time"]
) -> tuple[Float[Tensor, "hidden vocab"], Int[Tensor, " hidden"]]:
    """Logits and targets of the hidden places alone: the rest of the text costs no output layer."""
    chosen = targets != IGNORED
    return head(model, "masked")(hidden[chosen]), targets[chosen]


def masked_loss(
    model: Any, hidden: Float[Tensor, "batch time width"], targets: Int[Tensor, "batch time"]
) -> Loss:
    """-log p of the hidden tokens, and their number, never with all logits at once.

    The cross entropy of `masked_logits` is the definition.
    """
    masked, chosen = head(model, "masked"), targets != IGNORED
    total = linear_cross_entropy(
        masked.body(hidden[chosen]), masked.output.weight, targets[chosen], masked.output.bias
    )
    return Loss(total=total, count=int(chosen.sum()))


def _loss(logits: Float[Tensor, "rows labels"], targets: Int[Tensor, " rows"]) -> Loss:
    return Loss(total=cross_entropy(logits, targets), count=len(targets))


def _right(logits: Float[Tensor, "rows labels"], targets: Int[Tensor, " rows"]) -> Tally:
    return Tally(total=num_right(logits, targets), count=len(targets))


def document_example(text: str, language: str, tokenizer: Tokenizer) -> Made:
    """A document as `data.sentences.FIELDS`: tokens, sentence ends, word starts, language."""
    ids: list[int] = []
    ends: list[int] = []
    starts: list[int] = []
    for span in sentences(text, language):
        sentence = text[span.start : span.end]
        encoding = tokenizer.encode(sentence)
        chosen = [place for place, special in enumerate(encoding.specials) if not special]
        if not chosen:
            continue
        ids += [encoding.ids[place] for place in chosen]
        spans = [encoding.spans[place] for place in chosen]
        starts += word_starts(sentence, spans, words(sentence, language))
        ends.append(len(ids))
    if not ids:
        return Made(dropped="empty")
    found = {"ids": ids, "ends": ends, "starts": starts, "language": [language == "zh"]}
    return Made(example={name: np.array(each, dtype=np.int64) for name, each in found.items()})


def word_starts(
    text: str, spans: Sequence[tuple[int, int]], found: Sequence[Span]
) -> Iterator[int]:
    """1 where a token begins a word that no token before it has a part of, else 0."""
    ends = [word.end for word in found]
    last = -1
    for start, stop in spans:
        piece = text[start:stop]
        first = start + len(piece) - len(piece.lstrip()) if piece.strip() else start
        begins = int(np.searchsorted(ends, first, side="right"))
        yield int(begins > last)
        last = max(last, int(np.searchsorted(ends, max(first, stop - 1), side="right")))


def _whole_words(
    places: NDArray[np.int64], starts: NDArray[np.int64], wanted: int, random: np.random.Generator
) -> NDArray[np.int64]:
    """Places of whole words in random order, `wanted` tokens at most; of one too long word, its first tokens."""
    word = np.cumsum(starts[places] == 1)
    groups = [places[word == number] for number in random.permutation(np.unique(word))]
    chosen: list[int] = []
    for group in groups:
        if len(chosen) + len(group) <= wanted:
            chosen += group.tolist()
        if len(chosen) == wanted:
            break
    return np.array(chosen or groups[0][:wanted].tolist(), dtype=np.int64)
