"""What a user may choose about a tokenizer."""

from typing import Literal

from pydantic import Field

from zhixing.core.config import Config

Kind = Literal["byte_bpe", "characters", "words", "wordpiece", "unigram"]


class TokenizerConfig(Config):
    """How to cut text into tokens."""

    kind: Kind = "byte_bpe"
    """byte_bpe and unigram cut any text into learnt runs of bytes and give every string back exactly;
    characters, words and wordpiece (BERT's) keep whole characters and replace what they have not seen."""

    vocab: int = Field(default=6000, ge=8, le=2**20)
    """Largest number of token ids, the four special tokens included. A small corpus may not fill it.
    byte_bpe and unigram need at least 260: the special tokens and one per byte."""

    max_sample_bytes: int = Field(default=100_000_000, ge=1_000)
    """Learn from at most this many bytes of text, an even sample of all of it, and so bound the memory."""
