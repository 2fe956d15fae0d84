"""A recurrent cell over a whole sequence: hidden states from W x of all times, and the way back.

    RNN   h' = tanh(W x + U h + b)                                          Elman 1990
    GRU   r, z = σ(W x + U h + b);  n = tanh(W x + b + r ⊙ (U h + c));  h' = (1 - z) ⊙ n + z ⊙ h   Cho et al. 2014
    LSTM  i, f, o = σ(…); g = tanh(…);  c' = f ⊙ c + i ⊙ g;  h' = o ⊙ tanh(c')    Hochreiter & Schmidhuber 1997

Backpropagation through time (Werbos 1990, eq. 12). Native code (through_time.c) takes rows of the batch, not times, as
the unit of work of a thread; elsewhere the definition below goes step by step. Native sums are float32 also
where W x is bfloat16; the definition rounds h and U there, as every bf16 product does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from zhixing.kernels import native
from zhixing.kernels.recurrence import Tape, lstm_cell

Kind = Literal["rnn", "gru", "lstm"]
State = tuple[Float[Tensor, "batch width"], ...]
"""h, and for the LSTM its memory c."""
Cell = Callable[[Tensor, Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]
"""(W x + b of one time, U h + c, old state) -> new state; the first part of a state is h."""

LEAST_PLACES = 64
"""With fewer places (batch x time) packing the weight costs more than it saves; a generated token is one place."""
PANEL = 32
"""No panel of packed columns is wider (through_time.c)."""


def rnn_cell(wx: Tensor, uh: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Elman's cell."""
    return (torch.tanh(wx + uh),)


def gru_cell(wx: Tensor, uh: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Gated recurrent unit; the reset gate acts after the product, as in cuDNN and torch."""
    (h,) = state
    wr, wz, wn = wx.chunk(3, dim=-1)
    ur, uz, un = uh.chunk(3, dim=-1)
    reset, keep = torch.sigmoid(wr + ur), torch.sigmoid(wz + uz)
    new = torch.tanh(wn + reset * un)
    return (new + keep * (h - new),)


def long_short_term_cell(wx: Tensor, uh: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Long short-term memory; the state is h and the memory c."""
    return lstm_cell(wx, uh, state[1])


CELLS: dict[Kind, tuple[Cell, int, int]] = {
    "rnn": (rnn_cell, 1, 1),
    "gru": (gru_cell, 3, 1),
    "lstm": (long_short_term_cell, 4, 2),
}
"""kind -> (cell, gates, parts of the state); through_time.c numbers the kinds in this order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recurrence:
    """The recurrent half of a cell: U, its bias, and which formula they serve."""

    kind: Kind
    weight: Float[Tensor, "gates width"]
    bias: Float[Tensor, " gates"]


def through_time(
    recurrence: Recurrence,
    wx: Float[Tensor, "batch time gates"],
    begins: Bool[Tensor, "batch time"] | None,
    state: State,
) -> tuple[Float[Tensor, "batch time width"], State]:
    """All hidden states and the last state; `begins` is True where nothing may be remembered of what was before."""
    weight, bias = recurrence.weight, recurrence.bias
    is_long = wx[..., 0].numel() >= LEAST_PLACES
    if is_long and native.usable(wx, float32=(weight, bias, *state)):
        keep = torch.ones(wx.shape[:2]) if begins is None else (~begins).float()
        out, *last = native.apply(_ThroughTime, recurrence.kind, wx, weight, bias, keep, *state)
        return out, tuple(last)
    return through_time_reference(recurrence, wx, begins, state)


def through_time_reference(
    recurrence: Recurrence,
    wx: Float[Tensor, "batch time gates"],
    begins: Bool[Tensor, "batch time"] | None,
    state: State,
) -> tuple[Float[Tensor, "batch time width"], State]:
    """The definition, step by step."""
    cell = CELLS[recurrence.kind][0]
    multiply = recurrent_product(recurrence.weight, recurrence.bias, wx.dtype)
    keeps = None if begins is None else (~begins).to(state[0].dtype).T.unsqueeze(-1).unbind(0)
    outputs = []
    for time, inputs in enumerate(wx.transpose(0, 1).contiguous().unbind(0)):
        if keeps is not None:
            state = tuple(part * keeps[time] for part in state)
        state = cell(inputs, multiply(state[0]), state)
        outputs.append(state[0])
    return torch.stack(outputs, dim=1), state


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


class _ThroughTime(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, kind: Kind, wx: Tensor, weight: Tensor, bias: Tensor, keep: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        batch, time, gates = wx.shape
        width = weight.shape[1]
        h, c = state[0], state[-1]
        out = torch.empty(batch, time, width)
        cells = torch.empty_like(out) if len(state) == 2 else out.new_empty(0)
        values = torch.empty(0 if kind == "rnn" else batch * time * 4 * width)
        room = _scratch((gates + PANEL) * width, batch * width, batch * gates)
        ctx.sizes = (list(CELLS).index(kind), batch, time, width, native.is_narrow(wx))
        arguments = (wx, weight, bias, keep, h, c, out, cells, values, *room, *ctx.sizes)
        native.call("through_time_forward", arguments)
        ctx.save_for_backward(weight, keep, out, cells, values, *state)
        ctx.kind, ctx.dtype = kind, wx.dtype
        ctx.set_materialize_grads(False)
        return (out, out[:, -1].clone(), *([cells[:, -1].clone()] if len(state) == 2 else []))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        weight, keep, out, cells, values, *state = ctx.saved_tensors
        h, gates = state[0], len(weight)
        d_out = torch.zeros_like(out) if grads[0] is None else grads[0].float().contiguous()
        d_state = [
            torch.zeros_like(h) if grad is None else grad.float().clone() for grad in grads[1:]
        ]
        d_wx = torch.empty(*out.shape[:2], gates, dtype=ctx.dtype)
        d_uh = torch.empty_like(d_wx) if ctx.kind == "gru" else d_wx
        room = _scratch((len(h.T) + PANEL) * gates, len(h) * gates)
        tensors = (d_out, d_state[0], d_state[-1], weight, keep, h, state[-1], out, cells, values)
        native.call("through_time_backward", (*tensors, d_wx, d_uh, *room, *ctx.sizes))
        before = torch.cat((h[:, None], out[:, :-1]), dim=1) * keep[..., None]
        rows = d_uh.flatten(0, 1)
        d_weight = (rows.T @ before.flatten(0, 1).to(ctx.dtype)).float()
        d_bias = rows.sum(0, dtype=torch.float32)
        return None, d_wx, d_weight, d_bias, None, *d_state


def _scratch(*sizes: int) -> list[Tensor]:
    return [torch.empty(size) for size in sizes]
