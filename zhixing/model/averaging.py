"""The language model of textgenrnn: LSTMs on an embedding, then an average of all places weighted by attention.

    x_t = [embedding_t ; h¹_t ; h²_t]          what every layer has to say
    hidden_t = Σ_{s ≤ t} softmax_{s ≤ t}(w · x_s) x_s          logits = W hidden + b

M. Woolf's textgenrnn (2017), after the emoji model of Felbo et al. 2017. One vector w decides by itself how much a place
counts, whatever is asked. Only this architecture has it; the average is over the past, so the model is causal, and
generation keeps every place.
"""

from typing import Self, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from zhixing.core.errors import UnsupportedError
from zhixing.model.protocol import LanguageModel, Output, State
from zhixing.model.recurrent_layer import CellState, RecurrentLayer
from zhixing.model.sequence_config import AveragingConfig


class AveragingState:
    """The state of every LSTM, and what all places so far had to say."""

    def __init__(
        self, layers: list[CellState | None], said: Float[Tensor, "batch past all"]
    ) -> None:
        self.layers = layers
        self.said = said

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self.said.shape[1]

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new state of the given rows."""
        layers = [layer and tuple(part[rows] for part in layer) for layer in self.layers]
        return type(self)(layers, self.said[rows])


class Averaging(LanguageModel):
    """Embedding, LSTMs, weighted average, output layer."""

    def __init__(self, config: AveragingConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = None
        self.embed = nn.Embedding(vocab, config.embedding)
        sizes = [config.embedding] + [config.width] * (config.layers - 1)
        self.layers = nn.ModuleList(
            RecurrentLayer("lstm", size, config.width).initialise() for size in sizes
        )
        self.everything = config.embedding + config.layers * config.width
        self.score = nn.Linear(self.everything, 1, bias=False)
        self.weights = nn.Softmax(dim=-1)
        self.unembed = nn.Linear(self.everything, vocab)

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body. Raises UnsupportedError for packed rows: this model reads one text a row."""
        if documents is not None and bool((documents != documents[:, :1]).any()):
            raise UnsupportedError(
                "this model averages over its whole row; give it one document per row"
            )
        memory = cast(AveragingState | None, state) or self.new_state(len(tokens), 0)
        x = self.embed(tokens)
        said = [x]
        for index, layer in enumerate(self.layers):
            x, memory.layers[index] = layer(x, None, memory.layers[index])
            said.append(x)
        past = memory.length
        memory.said = torch.cat((memory.said, torch.cat(said, dim=-1)), dim=1)
        return Output(hidden=self._average(memory.said, past), state=state)

    def new_state(self, batch: int, capacity: int) -> AveragingState:
        """Nothing read yet; the state grows by itself, so `capacity` is not used."""
        nothing = self.embed.weight.new_zeros(batch, 0, self.everything)
        return AveragingState([None] * len(self.layers), nothing)

    def _average(
        self, said: Float[Tensor, "batch all width"], past: int
    ) -> Float[Tensor, "batch time width"]:
        """For each place after the first `past` the average over the places up to it."""
        scores = self.score(said).transpose(1, 2)  # (batch, 1, all)
        shape = (said.shape[1] - past, said.shape[1])
        future = torch.ones(shape, dtype=torch.bool, device=said.device).triu(past + 1)
        return self.weights(scores.masked_fill(future, -torch.inf)) @ said
