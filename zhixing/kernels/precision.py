"""In which type sums and normalisations are taken."""

import torch
from torch import Tensor


def widen(x: Tensor) -> Tensor:
    """`x` in float32, or in float64 where it is that already, as when gradients are checked."""
    return x if x.dtype == torch.float64 else x.float()
