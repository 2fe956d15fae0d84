"""The two operations of a recurrent step, made cheap for the way back through time.

`Tape`: U h at every time. Plain autograd adds one outer product to the gradient of U per step, hundreds of passes
over a matrix; the tape keeps each h and each gradient of U h and makes one matrix product of them at the end:

    dU = Σ_t  d(U h_t) h_tᵀ                                (Werbos 1990, "Backpropagation through time", eq. 12)

`lstm_cell`: gates and new state in one pass (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000).
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from zhixing.kernels import native
from zhixing.kernels.precision import widen

State = tuple[Float[Tensor, "batch width"], Float[Tensor, "batch width"]]


class Tape:
    """One pass of one matrix through time; make a new one for every pass."""

    def __init__(
        self,
        weight: Float[Tensor, "gates width"],
        bias: Float[Tensor, " gates"],
        dtype: torch.dtype,
    ) -> None:
        self._inputs: list[Tensor] = []
        self._gradients: list[Tensor] = []
        self._weight, self._bias = _Gather.apply(weight, bias, self, dtype)  # type: ignore[no-untyped-call]

    def multiply(self, h: Float[Tensor, "batch width"]) -> Float[Tensor, "batch gates"]:
        """U h + b."""
        product: Tensor = _Multiply.apply(h, self._weight, self._bias, self)  # type: ignore[no-untyped-call]
        return product

    def keep_input(self, h: Tensor) -> None:
        """Remember an input for the end."""
        self._inputs.append(h)

    def keep_gradient(self, gradient: Tensor) -> None:
        """Remember the gradient of a product; they come in reverse order of time."""
        self._gradients.append(gradient)

    def gather(self) -> tuple[Tensor, Tensor]:
        """The gradients of weight and bias over all times; the tape is empty afterwards."""
        gradients = torch.cat(self._gradients)
        inputs = torch.cat(self._inputs[: len(self._gradients)][::-1])
        # The tape and the graph hold each other: without this they would wait for the garbage collector.
        del self._inputs, self._gradients, self._weight, self._bias
        return gradients.T @ inputs, widen(gradients).sum(0)


class _Gather(torch.autograd.Function):
    """Hands the weights out; on the way back, when all products have had their turn, takes the sum from the tape."""

    @staticmethod
    def forward(
        ctx: Any, weight: Tensor, bias: Tensor, tape: Tape, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        ctx.tape = tape
        ctx.dtypes = (weight.dtype, bias.dtype)
        return weight.to(dtype, copy=True), bias.to(dtype, copy=True)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        weight, bias = ctx.tape.gather()
        return weight.to(ctx.dtypes[0]), bias.to(ctx.dtypes[1]), None, None


class _Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, weight: Tensor, bias: Tensor, tape: Tape) -> Tensor:
        narrow = h.to(weight.dtype)
        ctx.tape, ctx.dtype = tape, h.dtype
        ctx.save_for_backward(weight)
        if any(ctx.needs_input_grad):
            tape.keep_input(narrow)
        return torch.addmm(bias, narrow, weight.T)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (weight,) = ctx.saved_tensors
        gradient = grads[0].to(weight.dtype)
        ctx.tape.keep_gradient(gradient)
        return (gradient @ weight).to(ctx.dtype), None, None, None


def lstm_cell(
    wx: Float[Tensor, "batch gates"],
    uh: Float[Tensor, "batch gates"],
    c: Float[Tensor, "batch width"],
) -> State:
    """i, f, g, o from W x + U h (gates = 4 width): c' = σ(f) c + σ(i) tanh(g), h' = σ(o) tanh(c'); float32 states."""
    if native.usable(wx, uh, float32=(c,)):
        h, new = native.apply(_LSTMCell, wx, uh, c)
        return h, new
    return lstm_cell_reference(wx, uh, c)


def lstm_cell_reference(
    wx: Float[Tensor, "batch gates"],
    uh: Float[Tensor, "batch gates"],
    c: Float[Tensor, "batch width"],
) -> State:
    """The definition."""
    i, f, g, o = widen(wx + uh).chunk(4, dim=-1)
    c = F.sigmoid(f) * c + F.sigmoid(i) * torch.tanh(g)
    return F.sigmoid(o) * torch.tanh(c), c


class _LSTMCell(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, wx: Tensor, uh: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        batch, width = c.shape
        h, new = torch.empty_like(c), torch.empty_like(c)
        gates = torch.empty(batch, 4 * width)
        sizes = (batch, width, native.is_narrow(wx))
        native.call("lstm_cell_forward", (wx, uh, c, h, new, gates, *sizes))
        ctx.save_for_backward(gates, c, new)
        ctx.dtype = wx.dtype
        return h, new

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, c, new = ctx.saved_tensors
        dh, d_new = (grad.contiguous() for grad in grads)
        d_gates = torch.empty(gates.shape, dtype=ctx.dtype)
        dc = torch.empty_like(c)
        sizes = (*c.shape, native.is_narrow(d_gates))
        native.call("lstm_cell_backward", (dh, d_new, gates, c, new, d_gates, dc, *sizes))
        return d_gates, d_gates, dc
