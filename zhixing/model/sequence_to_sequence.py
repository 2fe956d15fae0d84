"""Sequence to sequence: a recurrent network reads a source, another writes a target, with or without attention.

    source -> encode -> memory: a vector per place, and the last state of every layer
    target -> decode: starts from those states, looks at those vectors -> hidden -> head -> logits

Sutskever, Vinyals & Le 2014 without attention; Bahdanau et al. 2015 and Luong et al. 2015 with it (source_attention.py).
The same calls as the Transformer's encoder_decoder.py. Where the paper reads the source backwards, here the encoder may
read it both ways. Left out: the maxout layer of Bahdanau et al. before the output, local attention.
"""

from dataclasses import dataclass
from typing import Self, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.kernels.through_time import CELLS, recurrent_product
from zhixing.model.protocol import Output, State
from zhixing.model.recurrent_layer import CellState, RecurrentLayer
from zhixing.model.recurrent_stack import RecurrentStack
from zhixing.model.sequence_config import SequenceToSequenceConfig
from zhixing.model.source_attention import SourceAttention
from zhixing.model.writer import Writer


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceMemory:
    """A source that was read: its vectors, which of them are padding, and the last state of every layer."""

    hidden: Float[Tensor, "batch source width"]
    keep: Bool[Tensor, "batch source"] | None
    last: list[CellState]

    def select(self, rows: Int[Tensor, " kept"]) -> "SourceMemory":
        """The memory of the given rows."""
        keep = None if self.keep is None else self.keep[rows]
        last = [tuple(part[rows] for part in layer) for layer in self.last]
        return SourceMemory(hidden=self.hidden[rows], keep=keep, last=last)


class WritingState:
    """Where a target stands: the state of every layer (none before the first token), what attention found last."""

    def __init__(
        self,
        layers: list[CellState] | None = None,
        found: Tensor | None = None,
        keys: Tensor | None = None,
        length: int = 0,
    ) -> None:
        self.layers = layers
        self.found = found
        self.keys = keys
        self._length = length

    @property
    def length(self) -> int:
        """Tokens of the target read so far."""
        return self._length

    def advance(self, tokens: int) -> None:
        """Count tokens as read."""
        self._length += tokens

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new state of the given rows."""
        layers = None
        if self.layers is not None:
            layers = [tuple(part[rows] for part in layer) for layer in self.layers]
        found, keys = (None if x is None else x[rows] for x in (self.found, self.keys))
        return type(self)(layers, found, keys, self._length)


class SequenceToSequence(Writer):
    """Two recurrent networks, one after the other."""

    def __init__(self, config: SequenceToSequenceConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = None
        self.opening = (config.start,)
        self.embed = nn.Embedding(vocab, config.embedding)
        self.embed_source = nn.Embedding(config.source_vocab or vocab, config.embedding)
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = RecurrentStack(
            config.cell,
            config.embedding,
            config.width,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        self.bridge = Bridge(config) if config.bridge else None
        fed = config.width if config.input_feeding else 0
        sizes = [config.embedding + fed] + [config.width] * (config.layers - 1)
        self.decoder = nn.ModuleList(
            RecurrentLayer(config.cell, size, config.width).initialise() for size in sizes
        )
        is_blind = config.attention == "none"
        self.attention = None if is_blind else SourceAttention(config.attention, config.width)
        self.unembed = nn.Linear(config.width, vocab, bias=config.output_bias)
        self._initialise()

    def _initialise(self) -> None:
        for matrix in (self.embed, self.embed_source, self.unembed):
            nn.init.normal_(matrix.weight, std=0.05)
        if self.config.output_bias:
            nn.init.zeros_(self.unembed.bias)
        if self.config.tied:
            self.unembed.weight = self.embed_source.weight = self.embed.weight

    def encode(
        self,
        source: Int[Tensor, "batch source"],
        *,
        keep: Bool[Tensor, "batch source"] | None = None,
    ) -> SourceMemory:
        """See Writer.encode."""
        hidden, last = self.encoder(self.dropout(self.embed_source(source)), keep)
        if self.bridge is not None:
            last = self.bridge(last)
        return SourceMemory(hidden=hidden, keep=keep, last=last)

    def decode(
        self,
        tokens: Int[Tensor, "batch time"],
        memory: SourceMemory,
        *,
        state: State | None = None,
    ) -> Output:
        """See Writer.decode."""
        past = cast(WritingState | None, state) or WritingState()
        if past.layers is None:
            past.layers = list(memory.last)
        if past.keys is None and self.attention is not None:
            past.keys = self.attention.score.keys(memory.hidden)
        x = self.dropout(self.embed(tokens))
        read = self._read_fed if self.config.input_feeding else self._read
        hidden = read(x, memory, past, past.layers)
        past.advance(tokens.shape[1])
        return Output(hidden=self.dropout(hidden), state=state)

    def new_state(self, batch: int, capacity: int) -> WritingState:
        """An empty state: the first `decode` makes its rows; it does not grow, so `capacity` is not used."""
        return WritingState()

    def _read(
        self, x: Tensor, memory: SourceMemory, past: WritingState, layers: list[CellState]
    ) -> Tensor:
        """All times of a layer at once, and attention from all places of the target."""
        for index, cell in enumerate(self.decoder):
            x = self.dropout(x) if index else x
            x, layers[index] = cell(x, None, layers[index])
        return self._look(x, past.keys, memory)

    def _read_fed(
        self, x: Tensor, memory: SourceMemory, past: WritingState, layers: list[CellState]
    ) -> Tensor:
        """Time by time, because a step needs what the step before found."""
        cells = [cast(RecurrentLayer, cell) for cell in self.decoder]
        own, fed = torch.split(cells[0].weight_ih, [x.shape[-1], self.config.width], dim=1)
        inputs = F.linear(x, own, cells[0].bias_ih).transpose(0, 1).contiguous().unbind(0)
        dtype = inputs[0].dtype
        feed = recurrent_product(fed, torch.zeros_like(cells[0].bias_ih), dtype)
        above = [recurrent_product(cell.weight_ih, cell.bias_ih, dtype) for cell in cells[1:]]
        steps = [cell.stepper(dtype) for cell in cells]
        found = x.new_zeros(len(x), self.config.width) if past.found is None else past.found
        outputs = []
        for wx in inputs:
            layers[0] = steps[0](wx + feed(found), layers[0])
            for index, product in enumerate(above, start=1):
                below = self.dropout(layers[index - 1][0])
                layers[index] = steps[index](product(below), layers[index])
            query = layers[-1][0].unsqueeze(1)
            found = self._look(query, past.keys, memory).squeeze(1)
            outputs.append(found)
        past.found = found
        return torch.stack(outputs, dim=1)

    def _look(self, query: Tensor, keys: Tensor | None, memory: SourceMemory) -> Tensor:
        """What each query finds in the source; itself where there is no attention."""
        if self.attention is None or keys is None:
            return query
        return self.attention(query, keys, memory.hidden, memory.keep)


class Bridge(nn.Module):
    """tanh(W s) of every part of every layer's state (Bahdanau et al. 2015, §A.2.2)."""

    def __init__(self, config: SequenceToSequenceConfig) -> None:
        super().__init__()
        parts = CELLS[config.cell][2]
        self.maps = nn.ModuleList(
            nn.ModuleList(nn.Linear(config.width, config.width) for _ in range(parts))
            for _ in range(config.layers)
        )

    def forward(self, last: list[CellState]) -> list[CellState]:
        """The states that the decoder starts from."""
        return [
            tuple(torch.tanh(one(part)) for one, part in zip(maps, layer, strict=True))
            for maps, layer in zip(cast(list[nn.ModuleList], self.maps), last, strict=True)
        ]
