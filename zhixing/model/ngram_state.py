"""What an n-gram model remembers: the last n - 1 tokens of every row."""

from typing import Self

from jaxtyping import Int
from torch import Tensor


class NGramState:
    """`tokens` (batch, order - 1), newest last; a place before the start of the text holds the id `vocab`."""

    def __init__(self, tokens: Int[Tensor, "batch past"], length: int = 0) -> None:
        self.tokens = tokens
        self._length = length

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self._length

    def advance(self, tokens: Int[Tensor, "batch past"], read: int) -> None:
        """Remember `tokens` as the newest after `read` more were read."""
        self.tokens = tokens
        self._length += read

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new state of the given rows."""
        return type(self)(self.tokens[rows], self._length)
