"""Recurrent language models: Elman RNN, GRU, LSTM, one cell after another through time.

    embedding -> (norm -> W x of all times -> cell through time) per layer -> norm -> output layer

Layers are in recurrent_layer.py, the formulas of their cells in zhixing/kernels/through_time.py. `normalised` puts an
RMSNorm before each layer and before the output layer (Ba et al. 2016, §3.1, for recurrent nets): h is a product of
numbers below one, too small for logits to grow from; the original networks are without. Where a new document begins in a
packed row the state is set to zero.
"""

from typing import Self, cast

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from zhixing.kernels.through_time import CELLS
from zhixing.model.config import RecurrentConfig
from zhixing.model.norms import RMSNorm
from zhixing.model.protocol import LanguageModel, Output, State
from zhixing.model.recurrent_layer import CellState, RecurrentLayer

NORM_EPSILON = 1e-6


class RecurrentState:
    """Hidden vectors of every layer, each (batch, width), and how many tokens made them."""

    def __init__(self, layers: list[CellState], length: int = 0) -> None:
        self.layers = layers
        self._length = length

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self._length

    def advance(self, tokens: int) -> None:
        """Count tokens as read."""
        self._length += tokens

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new state of the given rows."""
        kept = [tuple(part[rows] for part in layer) for layer in self.layers]
        return type(self)(kept, self._length)


class Recurrent(LanguageModel):
    """Embedding, recurrent layers, output layer."""

    def __init__(self, config: RecurrentConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = None
        self.embed = nn.Embedding(vocab, config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(
            RecurrentLayer(config.kind, config.width, config.width) for _ in range(config.layers)
        )
        self.norms = nn.ModuleList(
            RMSNorm(config.width, NORM_EPSILON) if config.normalised else nn.Identity()
            for _ in range(config.layers + 1)
        )
        self.unembed = nn.Linear(config.width, vocab, bias=False)
        initialise(self)

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body; recurrent models count positions by themselves."""
        memory = cast(RecurrentState | None, state) or self.new_state(len(tokens), 0)
        begins = None if documents is None else document_begins(documents)
        x = self.dropout(self.embed(tokens))
        *before, last = self.norms
        for index, (norm, layer) in enumerate(zip(before, self.layers, strict=True)):
            x, memory.layers[index] = layer(norm(x), begins, memory.layers[index])
            x = self.dropout(x)
        memory.advance(tokens.shape[1])
        return Output(hidden=last(x), state=state)

    def new_state(self, batch: int, capacity: int) -> RecurrentState:
        """Zero vectors; the state of a recurrent model does not grow, so `capacity` is not used."""
        weight = self.embed.weight
        zero = torch.zeros(batch, self.config.width, dtype=weight.dtype, device=weight.device)
        parts = CELLS[self.config.kind][2]
        return RecurrentState([(zero,) * parts for _ in self.layers])


def document_begins(documents: Int[Tensor, "batch time"]) -> Bool[Tensor, "batch time"]:
    """True at the first token of every document but the first of a row, whose state is given."""
    begins = torch.zeros_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return begins


def initialise(model: Recurrent) -> None:
    """The cells as `RecurrentLayer.initialise`, embedding and output layer normal with deviation 0.05."""
    for layer in model.layers:
        assert isinstance(layer, RecurrentLayer)
        layer.initialise()
    nn.init.normal_(model.embed.weight, std=0.05)
    nn.init.normal_(model.unembed.weight, std=0.05)
    if model.config.tied:
        model.unembed.weight = model.embed.weight
