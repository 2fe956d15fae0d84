"""One recurrent layer: a cell with its weights, applied along time.

The formulas of the cells are in zhixing/kernels/through_time.py. Gate order, the two biases and the names of the
parameters are torch's (i f g o; r z n), so weights move to and from `torch.nn.LSTM` unchanged. The input products W x
of all times are one matrix product; only U h must go step by step.
"""

from collections.abc import Callable
from typing import Self

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.kernels.through_time import (
    CELLS,
    Kind,
    Recurrence,
    recurrent_product,
    through_time,
)

CellState = tuple[Float[Tensor, "batch width"], ...]
"""What one cell remembers: h, and for an LSTM the memory c."""


class RecurrentLayer(nn.Module):
    """A cell and its weights, which have no values yet: call `initialise`, or load some."""

    def __init__(self, kind: Kind, inputs: int, width: int) -> None:
        super().__init__()
        self.kind: Kind = kind
        self.width = width
        self.cell, gates, self.parts = CELLS[kind]
        self.weight_ih = nn.Parameter(torch.empty(gates * width, inputs))
        self.weight_hh = nn.Parameter(torch.empty(gates * width, width))
        self.bias_ih = nn.Parameter(torch.zeros(gates * width))
        self.bias_hh = nn.Parameter(torch.zeros(gates * width))
        self.stacked = {"weight_ih": (width,) * gates, "weight_hh": (width,) * gates}

    def initialise(self) -> Self:
        """Uniform ±1/sqrt(width); orthogonal recurrent matrices; forget gates open at first.

        Saxe et al. 2014 for the orthogonal start, Jozefowicz et al. 2015 §2.2 for the forget bias of 1.
        """
        bound = self.width**-0.5
        nn.init.uniform_(self.weight_ih, -bound, bound)
        for gate in torch.split(self.weight_hh, self.width):
            nn.init.orthogonal_(gate)
        if self.kind == "lstm":
            nn.init.ones_(self.bias_ih.data[self.width : 2 * self.width])
        return self

    def forward(
        self,
        x: Float[Tensor, "batch time inputs"],
        begins: Bool[Tensor, "batch time"] | None,
        state: CellState | None,
    ) -> tuple[Float[Tensor, "batch time width"], CellState]:
        """Hidden vectors at every time, and the last state.

        `begins` is True where nothing may be remembered of what was before; a `state` of None is all zeros.
        """
        wx = F.linear(x, self.weight_ih, self.bias_ih)
        memory = state or (x.new_zeros(len(x), self.width),) * self.parts
        recurrence = Recurrence(kind=self.kind, weight=self.weight_hh, bias=self.bias_hh)
        return through_time(recurrence, wx, begins, memory)

    def stepper(self, dtype: torch.dtype) -> Callable[[Tensor, CellState], CellState]:
        """One step of this cell: from W x + b, in the given type, and a state to the next state."""
        multiply = recurrent_product(self.weight_hh, self.bias_hh, dtype)
        return lambda wx, state: self.cell(wx, multiply(state[0]), state)
