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
