"""Normalisations of a vector: by its root mean square, or by its mean and deviation.

RMSNorm    x / sqrt(mean(x²) + ε) · weight                                   Zhang & Sennrich 2019, eq. 4
LayerNorm  (x - mean(x)) / sqrt(var(x) + ε) · weight + bias                  Ba et al. 2016, eq. 3
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.kernels.norm import activation_dtype, rms_norm


class RMSNorm(nn.Module):
    """x / sqrt(mean(x²) + ε) · weight."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """Normalise the last dimension in float32."""
        return rms_norm(x, self.weight, self.epsilon)


class LayerNorm(nn.Module):
    """(x - mean(x)) / sqrt(var(x) + ε) · weight + bias."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))
        self.epsilon = epsilon

    def forward(self, x: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """Normalise the last dimension in the type of the weights; the result has autocast's type where it is on."""
        full = x.to(self.weight.dtype)
        y = F.layer_norm(full, self.weight.shape, self.weight, self.bias, self.epsilon)
        return y.to(activation_dtype(x))


NORMS: dict[Literal["rms", "layer"], type[RMSNorm | LayerNorm]] = {
    "rms": RMSNorm,
    "layer": LayerNorm,
}
"""name -> module."""
