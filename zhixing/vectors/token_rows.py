"""Vectors of words as the rows of a model's embedding: which token of a tokenizer is which word.

A token is a word when its text, without the space that byte-level tokenizers put before a word, is one of the words as
it is written or in lower case. Pieces of words, bytes and special tokens are not covered.
"""

from dataclasses import dataclass

import numpy as np

from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.vectors.table import Floats, Vectors, Whole


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRows:
    """`rows[i]` is the vector for token `ids[i]`; `vocab` is how many tokens there are."""

    ids: Whole
    rows: Floats
    vocab: int

    @property
    def coverage(self) -> float:
        """Share of the tokens that have a vector."""
        return len(self.ids) / self.vocab


def token_rows(vectors: Vectors, tokenizer: Tokenizer) -> TokenRows:
    """The vectors of all tokens that are words."""
    specials = set(tokenizer.specials.values())
    ids, rows = [], []
    for token in range(tokenizer.vocab):
        row = None if token in specials else vectors.find(tokenizer.decode([token]).strip())
        if row is not None:
            ids.append(token)
            rows.append(row)
    return TokenRows(
        ids=np.array(ids, dtype=np.int64),
        rows=np.array(vectors.matrix[rows], dtype=np.float32).reshape(len(ids), vectors.width),
        vocab=tokenizer.vocab,
    )
