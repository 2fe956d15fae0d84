"""Texts as a reader of both sides sees them, and what is read out of a model.

    [begin] first text [end]                       one text
    [begin] first text [end] second text [end]     two; the second has segment 1

An encoder gives vectors and its heads make answers of them; other readers (convolution, bag of words, tagger,
finder of answers) give the answer themselves. Objectives ask here and need not know which it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from zhixing.core.errors import UnsupportedError
from zhixing.model.protocol import LanguageModel
from zhixing.tokenizer.tokenizer import Tokenizer

Numbers = NDArray[np.int64] | Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Framed:
    """One or two texts with their special tokens; `truncated` when they were cut to fit."""

    tokens: list[int]
    segments: list[int]
    truncated: bool


def frame(
    tokenizer: Tokenizer, first: Sequence[int], second: Sequence[int] | None, *, time: int
) -> Framed:
    """At most `time` tokens; where that is too few, the longer text loses its last ones."""
    specials = 2 if second is None else 3
    sizes = [len(first), len(second or ())]
    too_many = max(0, sum(sizes) - (time - specials))
    for _ in range(too_many):
        sizes[0 if sizes[0] >= sizes[1] else 1] -= 1
    tokens = [tokenizer.begin, *first[: sizes[0]], tokenizer.end]
    segments = [0] * len(tokens)
    if second is not None:
        tokens += [*second[: sizes[1]], tokenizer.end]
        segments += [1] * (sizes[1] + 1)
    return Framed(tokens=tokens, segments=segments, truncated=bool(too_many))


def pad(rows: Sequence[Numbers], value: int) -> Int[Tensor, "batch time"]:
    """Rows side by side, filled up with `value` at their ends."""
    longest = max(len(row) for row in rows)
    filled = np.full((len(rows), longest), value, dtype=np.int64)
    for place, row in enumerate(rows):
        filled[place, : len(row)] = row
    return torch.from_numpy(filled)


def kept(rows: Sequence[Numbers]) -> Bool[Tensor, "batch time"]:
    """True where `pad` has a number of the row, False where it has filled up."""
    lengths = torch.tensor([len(row) for row in rows])
    return torch.arange(int(lengths.max())) < lengths[:, None]


def side_by_side(
    rows: Sequence[Numbers], padding: int, device: torch.device
) -> tuple[Int[Tensor, "batch time"], Bool[Tensor, "batch time"]]:
    """Rows in one tensor, and where there is no padding."""
    return pad(rows, padding).to(device), kept(rows).to(device)


def read(
    model: Any,
    tokens: Int[Tensor, "batch time"],
    keep: Bool[Tensor, "batch time"],
    segments: Int[Tensor, "batch time"] | None = None,
) -> Float[Tensor, "batch time width"]:
    """One vector per token; padding changes nothing. Models without segments are not told of them."""
    if isinstance(model, LanguageModel):  # padding stands behind the text, which never looks there
        return model.body(tokens).hidden
    knows_segments = getattr(model.config, "segments", 0) > 1
    if segments is None or not knows_segments:
        return model.body(tokens, keep=keep).hidden
    return model.body(tokens, keep=keep, segments=segments).hidden


def text_logits(
    model: Any,
    tokens: Int[Tensor, "batch time"],
    keep: Bool[Tensor, "batch time"],
    segments: Int[Tensor, "batch time"] | None = None,
) -> Float[Tensor, "batch labels"]:
    """One logit per label of each text: an encoder's classify head, or a classifier as a whole."""
    if hasattr(model, "heads"):
        return head(model, "classify")(read(model, tokens, keep, segments), keep)
    return model(tokens, keep=keep)


def every_logits(
    model: Any,
    tokens: Int[Tensor, "batch time"],
    keep: Bool[Tensor, "batch time"],
    segments: Int[Tensor, "batch time"] | None = None,
) -> tuple[Float[Tensor, "batch labels"], ...]:
    """`text_logits` of each member of an ensemble, which learns from them; those of any other model alone."""
    if hasattr(model, "members"):
        return model.answers(tokens, keep=keep)
    return (text_logits(model, tokens, keep, segments),)


def word_logits(
    model: Any, tokens: Int[Tensor, "batch time"], keep: Bool[Tensor, "batch time"]
) -> Float[Tensor, "batch time labels"]:
    """One logit per label at each place: an encoder's tag head, or a tagger as a whole."""
    if hasattr(model, "heads"):
        return head(model, "tag")(read(model, tokens, keep))
    return model(tokens, keep=keep)


def span_logits(
    model: Any,
    tokens: Int[Tensor, "batch time"],
    keep: Bool[Tensor, "batch time"],
    segments: Int[Tensor, "batch time"],
) -> Float[Tensor, "batch time 2"]:
    """Logits of start and end of an answer at each place: an encoder's span head, or a finder of answers as a whole."""
    if hasattr(model, "heads"):
        return head(model, "span")(read(model, tokens, keep, segments))
    return model(tokens, keep=keep, segments=segments)


def head(model: Any, kind: str) -> Any:
    """The head of an encoder. Raises UnsupportedError when it has none of this kind."""
    heads = getattr(model, "heads", {})
    if kind not in heads:
        raise UnsupportedError(
            f"this {type(model).__name__} has no head of kind {kind!r}; add it to model.heads_on_top, as "
            f'[{{ kind = "{kind}" }}]'
        )
    return heads[kind]
