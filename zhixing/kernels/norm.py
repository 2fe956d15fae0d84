"""Root-mean-square normalisation: y = x / sqrt(mean(x²) + ε) · weight (Zhang & Sennrich 2019, eq. 4)."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from zhixing.kernels import native
from zhixing.kernels.precision import widen


def rms_norm(
    x: Float[Tensor, "*places width"], weight: Float[Tensor, " width"], epsilon: float
) -> Float[Tensor, "*places width"]:
    """Normalise the last dimension in float32; the result has the autocast type where autocast is on."""
    dtype = activation_dtype(x)
    if native.usable(float32=(x, weight)):
        y: Tensor = native.apply(_RMSNorm, x, weight, epsilon, dtype)
        return y
    return rms_norm_reference(x, weight, epsilon).to(dtype)


def rms_norm_reference(
    x: Float[Tensor, "*places width"], weight: Float[Tensor, " width"], epsilon: float
) -> Float[Tensor, "*places width"]:
    """The definition, in float32."""
    full = widen(x)
    return F.rms_norm(full, weight.shape, weight.to(full.dtype), epsilon)


def activation_dtype(x: Tensor) -> torch.dtype:
    """The type that products are taken in: autocast's where it is on, else that of x."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


class _RMSNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
        width = x.shape[-1]
        rows = x.numel() // width
        y = torch.empty_like(x, dtype=dtype)
        inverse = torch.empty(rows)
        native.call(
            "rms_norm_forward", (x, weight, y, inverse, rows, width, epsilon, native.is_narrow(y))
        )
        ctx.save_for_backward(x, weight, inverse)
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None]:
        x, weight, inverse = ctx.saved_tensors
        dy = grads[0].contiguous()
        dx = torch.empty_like(x)
        d_weight = torch.zeros(torch.get_num_threads(), len(weight))
        sizes = (len(inverse), len(weight), native.is_narrow(dy))
        native.call("rms_norm_backward", (dy, x, weight, inverse, dx, d_weight, *sizes))
        return dx, d_weight.sum(0), None, None
