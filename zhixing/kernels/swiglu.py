"""The gate of SwiGLU: silu(gate) ⊙ up (Shazeer 2020, eq. 6)."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from zhixing.kernels import native


def swiglu(gate_up: Float[Tensor, "*places both"]) -> Float[Tensor, "*places hidden"]:
    """`gate_up` holds gate, then up, in its last dimension; half as wide comes back."""
    if native.usable(gate_up):
        y: Tensor = native.apply(_SwiGLU, gate_up)
        return y
    return swiglu_reference(gate_up)


def swiglu_reference(gate_up: Float[Tensor, "*places both"]) -> Float[Tensor, "*places hidden"]:
    """The definition."""
    gate, up = gate_up.chunk(2, dim=-1)
    return F.silu(gate) * up


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate_up: Tensor) -> Tensor:
        *places, both = gate_up.shape
        y = gate_up.new_empty(*places, both // 2)
        rows, hidden = gate_up.numel() // both, both // 2
        native.call("swiglu_forward", (gate_up, y, rows, hidden, native.is_narrow(y)))
        ctx.save_for_backward(gate_up)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (gate_up,) = ctx.saved_tensors
        dy = grads[0].contiguous()
        d_gate_up = torch.empty_like(gate_up)
        hidden = gate_up.shape[-1] // 2
        rows = dy.numel() // hidden
        native.call("swiglu_backward", (dy, gate_up, d_gate_up, rows, hidden, native.is_narrow(dy)))
        return d_gate_up
