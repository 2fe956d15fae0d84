"""What every language model of the ladder is: a body that reads tokens and a head that gives logits.

    tokens (batch, time) -> body -> hidden (batch, time, width) -> head -> logits (batch, time, vocab)

The same `body` serves training (state is None), evaluation, generation (state carries the past) and explaining.
A loss may read `hidden` and fuse the head, generation may ask for the head of the last position alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Protocol, Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.kernels.attention import ScoreRule

KeysValues = tuple[
    Float[Tensor, "batch kv_heads past head_dim"], Float[Tensor, "batch kv_heads past head_dim"]
]


class State(Protocol):
    """What a model remembers of the tokens read so far, for every row of a batch."""

    @property
    def length(self) -> int:
        """Tokens read so far."""

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new state of the given rows, in the given order (rows may repeat)."""


class AttentionState(State, Protocol):
    """The past of a model with attention: keys and values."""

    def attend(
        self,
        layer: int,
        q: Float[Tensor, "batch heads time head_dim"],
        k: Float[Tensor, "batch kv_heads time head_dim"],
        v: Float[Tensor, "batch kv_heads time head_dim"],
        rule: ScoreRule,
    ) -> Float[Tensor, "batch heads time head_dim"]:
        """Store k and v of `layer`, then attend from q to everything stored that is not in its future."""


class CrossState(AttentionState, Protocol):
    """The past of a target, and the keys and values of its source, which are made once."""

    def source(self, layer: int, make: Callable[[], KeysValues]) -> KeysValues:
        """The keys and values of the source in `layer`: those kept, or those that `make` gives the first time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """A source as an encoder has read it; `keep` is True at its tokens, False at padding (None: no padding)."""

    hidden: Float[Tensor, "batch source width"]
    keep: Bool[Tensor, "batch source"] | None = None

    def select(self, rows: Int[Tensor, " kept"]) -> "Memory":
        """The memory of the given rows."""
        keep = None if self.keep is None else self.keep[rows]
        return Memory(hidden=self.hidden[rows], keep=keep)


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """`hidden` after the last norm; `logits` when the head was applied; `state` when one was given."""

    hidden: Float[Tensor, "batch time width"]
    logits: Float[Tensor, "batch time vocab"] | None = None
    state: State | None = None


def device_of(model: nn.Module) -> torch.device:
    """Where the numbers of a model of any kind live, and where its tokens must be."""
    tensor = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if tensor is None else tensor.device


class LanguageModel(nn.Module, ABC):
    """A causal language model: logits at position t depend on tokens 0..t of the same document only."""

    vocab: int
    """Number of token ids."""
    max_time: int | None
    """Longest input with attention to all of it; None where there is no limit (recurrent, n-gram)."""
    unembed: nn.Linear
    """The output layer, whose matrix may be the embedding's; a model that ends in none defines `head` instead."""

    @property
    def device(self) -> torch.device:
        """Where the numbers of the model live, and where its tokens must be."""
        return device_of(self)

    @abstractmethod
    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """Read tokens; `logits` stays None.

        positions: place of each token in its document (default: counted from `state.length`).
        documents: packed rows only, an increasing number per document in the row; no information crosses.
        state: continue after what it has seen, and update it in place; None starts fresh and remembers nothing.
        """

    def head(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Logits (natural logarithm, not normalised) for the next token."""
        return self.unembed(hidden)

    @abstractmethod
    def new_state(self, batch: int, capacity: int) -> State:
        """An empty state for `batch` rows with room for `capacity` tokens."""

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """The body, then the head at every position."""
        output = self.body(tokens, positions=positions, documents=documents, state=state)
        return Output(hidden=output.hidden, logits=self.head(output.hidden), state=output.state)
