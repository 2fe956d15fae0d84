"""What encoding a text gives, and the special tokens every tokenizer of ours has."""

from dataclasses import dataclass
from enum import StrEnum


class Special(StrEnum):
    """Our special tokens, in id order. The end is not the pad, so that the end is always learnt."""

    PAD = "<|pad|>"
    BEGIN = "<|begin|>"
    END = "<|end|>"
    UNKNOWN = "<|unknown|>"


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoding:
    """Token ids of one text.

    `spans[i]` is the half-open character range of token i in the text ((0, 0) for a special token);
    `specials[i]` is True where token i is a special token.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    specials: tuple[bool, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PairEncoding:
    """Token ids of two texts, with the special tokens around and between them.

    `segments` is what the model is told (BERT: 0 and 1; RoBERTa and T5 know no segments: 0 everywhere). `texts[i]`
    says which text token i is of, 0 or 1, and is None for a special token; `spans[i]` is its place in that text.
    """

    ids: tuple[int, ...]
    segments: tuple[int, ...]
    texts: tuple[int | None, ...]
    spans: tuple[tuple[int, int], ...]
