"""What every model is that reads a source and writes a target.

source -> encode -> memory ─┐
target ------------------> decode -> hidden -> head -> logits of the next target token
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.protocol import Output, State


class Writer(nn.Module, ABC):
    """Logits at place t of a target depend on its tokens 0..t and on the whole source.

    What `encode` gives is for `decode` alone, and differs from model to model; `select(rows)` is all that others ask of it.
    """

    vocab: int
    """Number of token ids of targets."""
    max_time: int | None
    """Longest target; None where there is no limit."""
    embed: nn.Embedding
    """Vectors of the tokens of targets."""
    unembed: nn.Linear
    """The output layer, whose matrix may be the embedding's: the logits are its values at `to_output(hidden)`."""
    opening: tuple[int, ...]
    """The tokens that every target begins with."""
    never: tuple[int, ...] = ()
    """The tokens that are in no target."""

    @property
    def device(self) -> torch.device:
        """Where the numbers of the model live, and where its tokens must be."""
        return self.embed.weight.device

    @abstractmethod
    def encode(
        self,
        source: Int[Tensor, "batch source"],
        *,
        keep: Bool[Tensor, "batch source"] | None = None,
    ) -> Any:
        """Read a source; `keep` is True at tokens, False at padding, and a row needs one token at least.

        Raises UnsupportedError for a source that is too long.
        """

    @abstractmethod
    def decode(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: Any,
        *,
        state: State | None = None,
    ) -> Output:
        """Read the target so far, with its opening; padding belongs at its end, where it changes nothing.

        state: continue after what it has seen, and update it in place; it must always get the same memory.
        """

    def head(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Logits of the next target token."""
        return self.unembed(self.to_output(hidden))

    def to_output(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """What the output layer reads."""
        return hidden

    @abstractmethod
    def new_state(self, batch: int, capacity: int) -> State:
        """An empty state for `batch` rows with room for `capacity` tokens of the target."""

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        source: Int[Tensor, "batch source"],
        keep: Bool[Tensor, "batch source"] | None = None,
    ) -> Output:
        """Encode, decode, and the head at every place of the target."""
        output = self.decode(tokens, self.encode(source, keep=keep))
        return Output(hidden=output.hidden, logits=self.head(output.hidden))
