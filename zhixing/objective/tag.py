"""A label for each word: names, parts of speech, segmentation, roles around a predicate.

    words    Angela   Merkel   visited  Paris
    tags     B-PER    I-PER    O        B-LOC
    tokens   Ang ela  Mer kel  visited  Par is      a word's label stands at its first token; the others have none

    loss = -Σ_words log softmax(z_first token)_tag, or with a linear chain -log p(all tags of the text)

Where tags are about one word of the text, its predicate, that word stands between the two special tokens of the frame:

    <begin> Mali staff <begin> say <end> so <end>

Every tagger and every pre-trained encoder reads that as it is, without an input or a token more, and a word that occurs
twice is told apart, which is not so where the predicate is repeated behind the text (Shi & Lin 2019, §2.2).

Devlin et al. 2018, §5.3 for first tokens; Lafferty et al. 2001 for the chain. BIO tags of what is found are read as
entities like seqeval does by default: I-x without a B-x or I-x before it begins an entity. Examples whose own tags are so
broken are left out and counted, and a chain chooses among tags that are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zhixing.core.targets import IGNORED
from zhixing.data.examples import Example, Made
from zhixing.kernels.precision import widen
from zhixing.model.crf import LabelRules, bio_rules
from zhixing.objective.functions import cross_entropy
from zhixing.objective.loss import Counts, Loss, Losses, Measured, Tally
from zhixing.objective.reading import kept, pad, word_logits
from zhixing.text.running import running_text
from zhixing.tokenizer.tokenizer import Tokenizer

Entity = tuple[str, int, int]
"""Type, first word, and the word after the last one."""
OUTSIDE = "O"
"""The tag of a word that belongs to no entity."""
VERB = "V"
"""The role of the predicate itself, which is given and never counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TagBatch:
    """Texts side by side; `labels` is -100 wherever no word begins."""

    tokens: Int[Tensor, "batch time"]
    keep: Bool[Tensor, "batch time"]
    labels: Int[Tensor, "batch time"]


class Tag:
    """One of `labels` for each word; `with_predicate`: they are about the word whose place a record names."""

    kind = "tag"
    target = "word"
    fields = ("tokens", "labels")

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        time: int,
        labels: Sequence[str],
        with_predicate: bool = False,
    ) -> None:
        self._tokenizer, self._time, self.labels = tokenizer, time, tuple(labels)
        self._numbers = {label: number for number, label in enumerate(labels)}
        self._rules = rules_of(labels)
        self._with_predicate = with_predicate

    def example(self, record: Mapping[str, Any]) -> Made:
        """{tokens, tags}: words and as many tags; also {predicate}, the place of a word, from 0."""
        words, tags = record["tokens"], record["tags"]
        if len(words) != len(tags) or not words:
            return Made(dropped="words_and_tags_differ")
        if not all(str(tag) in self._numbers for tag in tags):
            return Made(dropped="unknown_tag")
        if self._rules is not None and breaks_bio([str(tag) for tag in tags]):
            return Made(dropped="tags_break_bio")
        cut, room = word_tokens(words, self._tokenizer), self._time - 1
        if self._with_predicate:
            if "predicate" not in record:
                return Made(dropped="missing_predicate")
            place = record["predicate"]
            if not is_place(place, words):
                return Made(dropped="predicate_is_no_place")
            cut[place] = between_marks(cut[place], self._tokenizer)
            if 1 + sum(map(len, cut[: place + 1])) > room:
                return Made(dropped="predicate_is_cut_off")
        ids, labels = [self._tokenizer.begin], [IGNORED]
        for pieces, tag in zip(cut, tags, strict=True):
            ids += pieces
            labels += [self._numbers[str(tag)], *[IGNORED] * (len(pieces) - 1)][: len(pieces)]
        truncated = len(ids) > room
        ids, labels = [*ids[:room], self._tokenizer.end], [*labels[:room], IGNORED]
        return Made(
            example={"tokens": np.array(ids), "labels": np.array(labels)}, truncated=truncated
        )

    def counts(self, item: Example) -> Counts:
        """Words with a label."""
        return {"loss": int(np.count_nonzero(item["labels"] != IGNORED))}

    def collate(self, items: Sequence[Example]) -> TagBatch:
        """Pad to the longest."""
        rows = [item["tokens"] for item in items]
        labels = pad([item["labels"] for item in items], IGNORED)
        return TagBatch(tokens=pad(rows, self._tokenizer.pad), keep=kept(rows), labels=labels)

    def losses(self, model: Any, batch: TagBatch) -> Losses:
        """-log p of the labels, one by one or, where the model has a chain, all of a text together."""
        logits, labels, there = by_word(word_logits(model, batch.tokens, batch.keep), batch.labels)
        return {"loss": _loss(model, logits, labels, there)}

    def measure(self, model: Any, batch: TagBatch) -> Measured:
        """The loss, accuracy over words, and F1 over entities where the labels are BIO."""
        logits, labels, there = by_word(word_logits(model, batch.tokens, batch.keep), batch.labels)
        found = best_labels(model, logits, there, self._rules)
        true = [row[mask].tolist() for row, mask in zip(labels, there, strict=True)]
        pairs = [pair for row in zip(found, true, strict=True) for pair in zip(*row, strict=True)]
        right = Tally(total=float(sum(a == b for a, b in pairs)), count=len(pairs))
        scores = {"accuracy": right}
        if self._rules is not None:
            scores["entity_f1"] = self._f1(found, true)
        return Measured(losses={"loss": _loss(model, logits, labels, there)}, scores=scores)

    def _f1(self, found: Sequence[Sequence[int]], true: Sequence[Sequence[int]]) -> Tally:
        """2 · right / (found + true), over all entities: sums that add up over batches."""
        right = total = 0
        for one, other in zip(found, true, strict=True):
            guesses, facts = (self._counted(row) for row in (one, other))
            right += 2 * len(guesses & facts)
            total += len(guesses) + len(facts)
        return Tally(total=float(right), count=total)

    def _counted(self, row: Sequence[int]) -> set[Entity]:
        found = set(entities([self.labels[n] for n in row]))
        return {each for each in found if each[0] != VERB} if self._with_predicate else found


def word_tokens(words: Sequence[str], tokenizer: Tokenizer) -> list[list[int]]:
    """The tokens of each word, cut as in running text: a word has the space before it, where there is one."""
    text, spans = running_text(words)
    ends = [0, *(span.end for span in spans)]
    return [tokenizer.encode_text(text[start:end]) for start, end in pairwise(ends)]


def between_marks(pieces: Sequence[int], tokenizer: Tokenizer) -> list[int]:
    """The tokens of a predicate: those of its word between begin and end, the first of which has the label."""
    return [tokenizer.begin, *pieces, tokenizer.end]


def is_place(value: Any, words: Sequence[object]) -> bool:
    """Whether a value says which of some words is meant, from 0."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return is_whole and 0 <= value < len(words)


def is_bio(labels: Sequence[str]) -> bool:
    """Whether labels are O, B-… and I-… alone, so that they mean entities."""
    return all(label == OUTSIDE or label[:2] in ("B-", "I-") for label in labels)


def entities(tags: Sequence[str]) -> list[Entity]:
    """What BIO tags say: B-x begins an x, I-x continues one or, where there is none to continue, begins one."""
    found: list[Entity] = []
    kind, start = "", 0
    for place, tag in enumerate([*tags, OUTSIDE]):
        goes_on = tag.startswith("I-") and tag[2:] == kind
        if goes_on:
            continue
        if kind:
            found.append((kind, start, place))
        kind, start = ("", 0) if tag == OUTSIDE else (tag[2:], place)
    return found


def rules_of(labels: Sequence[str]) -> LabelRules | None:
    """Which of BIO labels may follow which, for a model with a chain; None for other labels."""
    return bio_rules(labels) if is_bio(labels) else None


def breaks_bio(tags: Sequence[str]) -> bool:
    """Whether some I-x has no B-x or I-x before it."""
    pairs = zip(["O", *tags], tags, strict=False)
    return any(tag.startswith("I-") and before[1:] != tag[1:] for before, tag in pairs)


def by_word(
    logits: Float[Tensor, "batch time labels"], labels: Int[Tensor, "batch time"]
) -> tuple[
    Float[Tensor, "batch words labels"], Int[Tensor, "batch words"], Bool[Tensor, "batch words"]
]:
    """Only the places with a label, moved together; the last tensor is True at words, False at padding behind them."""
    there = labels != IGNORED
    longest = max(1, int(there.sum(dim=1).max()))
    order = (~there).long().argsort(dim=1, stable=True)[:, :longest]
    moved = logits.gather(1, order.unsqueeze(-1).expand(-1, -1, logits.shape[-1]))
    return moved, labels.gather(1, order), there.gather(1, order)


def _loss(model: Any, logits: Tensor, labels: Tensor, there: Tensor) -> Loss:
    count = int(there.sum())
    chain = getattr(model, "chain", None)
    if chain is None:
        return Loss(total=cross_entropy(logits[there], labels[there]), count=count)
    rows = there[:, 0]  # a text whose words were all cut off has nothing to say
    return Loss(total=-chain(widen(logits[rows]), labels[rows], there[rows]).sum(), count=count)


def best_labels(
    model: Any,
    logits: Float[Tensor, "batch words labels"],
    there: Bool[Tensor, "batch words"],
    rules: LabelRules | None,
) -> list[list[int]]:
    """The labels of the words of each text: one by one, or together where the model has a chain."""
    chain = getattr(model, "chain", None)
    if chain is None:
        chosen = logits.argmax(dim=-1)
        return [row[mask].tolist() for row, mask in zip(chosen, there, strict=True)]
    rows = there[:, 0]  # a chain needs a word
    found = iter(chain.best(widen(logits[rows]), there[rows], rules))
    return [next(found) if has_words else [] for has_words in rows.tolist()]
