"""Recurrent layers that read a sequence in one direction or in both, for encoders: RNN, GRU, LSTM.

    forward    h_t = cell(x_t, h_{t-1})          reads the past of t
    backward   g_t = cell(x_t, g_{t+1})          reads its future
    output     [h_t ; g_t], which the next layer reads        Schuster & Paliwal 1997, "Bidirectional recurrent …"

Rows of a batch differ in length. Padding is read before the tokens of its row and then forgotten, and its output is
zero, so each direction starts at a real token and ends after one, wherever the padding stands: the meaning of torch's
packed sequences. The cells, and their way through time in native code, are kernels/through_time.py; weights are torch's.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.kernels.recurrence import Tape
from zhixing.kernels.through_time import CELLS, Kind, Recurrence, through_time

CellState = tuple[Float[Tensor, "batch width"], ...]
"""What one cell remembers: h, and for an LSTM the memory c."""


class RecurrentPass(nn.Module):
    """One cell in one direction; parameters are named as in torch.nn.RNNBase."""

    def __init__(self, cell: Kind, inputs: int, width: int, *, is_backward: bool) -> None:
        super().__init__()
        self.cell, gates, self.parts = CELLS[cell]
        self.kind: Kind = cell
        self.width = width
        self.is_backward = is_backward
        self.weight_ih = nn.Parameter(torch.empty(gates * width, inputs))
        self.weight_hh = nn.Parameter(torch.empty(gates * width, width))
        self.bias_ih = nn.Parameter(torch.zeros(gates * width))
        self.bias_hh = nn.Parameter(torch.zeros(gates * width))
        self.stacked = {"weight_ih": (width,) * gates, "weight_hh": (width,) * gates}
        self._initialise(cell)

    def _initialise(self, cell: Kind) -> None:
        """As the language models': uniform, orthogonal recurrent matrices, forget gates open at first."""
        bound = self.width**-0.5
        nn.init.uniform_(self.weight_ih, -bound, bound)
        for gate in self.weight_hh.chunk(len(self.weight_hh) // self.width):
            nn.init.orthogonal_(gate)
        if cell == "lstm":
            nn.init.ones_(self.bias_ih.data[self.width : 2 * self.width])

    def forward(
        self,
        x: Float[Tensor, "batch time inputs"],
        keep: Bool[Tensor, "batch time"] | None,
        state: CellState | None,
    ) -> tuple[Float[Tensor, "batch time width"], CellState]:
        """Hidden vectors at every time, zero at padding, and the state after the last token read.

        With `keep` a pass starts fresh, and a row needs one token at least.
        """
        assert keep is None or state is None, "a pass over padding starts fresh"
        wx = F.linear(x, self.weight_ih, self.bias_ih)
        if self.is_backward:
            wx, keep = wx.flip(1), None if keep is None else keep.flip(1)
        memory = state or (x.new_zeros(len(x), self.width),) * self.parts
        recurrence = Recurrence(kind=self.kind, weight=self.weight_hh, bias=self.bias_hh)
        if keep is None:
            output, last = through_time(recurrence, wx, None, memory)
        else:
            output, last = _tokens_last(recurrence, wx, keep, memory)
        return output.flip(1) if self.is_backward else output, last

    def stepper(self, dtype: torch.dtype) -> Callable[[Tensor, CellState], CellState]:
        """One step of this cell: from W x + b, in the given type, and a state to the next state."""
        multiply = recurrent_product(self.weight_hh, self.bias_hh, dtype)
        return lambda wx, state: self.cell(wx, multiply(state[0]), state)


class RecurrentStack(nn.Module):
    """Layers of passes: `passes[layer][0]` forward, `passes[layer][1]` backward where it reads both ways.

    The width is that of the output; each direction has an equal share of it.
    """

    def __init__(
        self,
        cell: Kind,
        inputs: int,
        width: int,
        *,
        layers: int,
        bidirectional: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        directions = 2 if bidirectional else 1
        assert width % directions == 0, "the configuration checks that the width is even"
        self.passes = nn.ModuleList(
            nn.ModuleList(
                RecurrentPass(
                    cell, width if layer else inputs, width // directions, is_backward=backward
                )
                for backward in (False, True)[:directions]
            )
            for layer in range(layers)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "batch time inputs"], keep: Bool[Tensor, "batch time"] | None = None
    ) -> tuple[Float[Tensor, "batch time width"], list[CellState]]:
        """The last layer's vectors, and every layer's last state with the directions side by side."""
        states: list[CellState] = []
        for layer, directions in enumerate(self.passes):
            assert isinstance(directions, nn.ModuleList)
            x = self.dropout(x) if layer else x
            read = [direction(x, keep, None) for direction in directions]
            x = torch.cat([output for output, _ in read], dim=-1)
            parts = zip(*(state for _, state in read), strict=True)
            states.append(tuple(torch.cat(part, dim=-1) for part in parts))
        return x, states


def _tokens_last(
    recurrence: Recurrence,
    wx: Float[Tensor, "batch time gates"],
    keep: Bool[Tensor, "batch time"],
    memory: CellState,
) -> tuple[Float[Tensor, "batch time width"], CellState]:
    """Move the padding of each row before its tokens, forget what was read of it, and move the outputs back."""
    order = keep.int().argsort(dim=1, stable=True)
    is_token = keep.gather(1, order)
    begins = is_token.clone()
    begins[:, 1:] &= ~is_token[:, :-1]
    moved = wx.gather(1, order.unsqueeze(-1).expand(wx.shape))
    output, last = through_time(recurrence, moved, begins, memory)
    places = order.unsqueeze(-1).expand(output.shape)
    kept = output * is_token.unsqueeze(-1)
    return torch.zeros_like(output).scatter(1, places, kept), last


def recurrent_product(
    weight: Float[Tensor, "gates width"], bias: Float[Tensor, " gates"], dtype: torch.dtype
) -> Callable[[Tensor], Tensor]:
    """The map from h to U h + b, on a tape when gradients will be asked for; make a new one for every pass.

    A tape goes back once. In float64, where gradients are checked against differences, there is none.
    """
    if torch.is_grad_enabled() and weight.requires_grad and dtype != torch.float64:
        return Tape(weight, bias, dtype).multiply
    narrow, shift = weight.to(dtype), bias.to(dtype)
    return lambda h: F.linear(h.to(dtype), narrow, shift)
