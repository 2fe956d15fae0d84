"""Activations: what makes layers more than one big matrix. One small closed set, each a function of a single number.

    relu       max(x, 0)                                              Nair & Hinton 2010
    relu6      min(max(x, 0), 6)                                      Krizhevsky 2010
    relu2      max(x, 0)²                                             So et al. 2021
    sigmoid    1 / (1 + e^-x)
    tanh       (e^x - e^-x) / (e^x + e^-x)
    gelu       x Φ(x), Φ the normal distribution: x (1 + erf(x / √2)) / 2        Hendrycks & Gimpel 2016
    gelu_tanh  x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, their approximation; differs by up to 5e-4
    silu       x sigmoid(x)                                           Elfwing et al. 2017

The names in other projects' configurations (`gelu_new`, `swish`) are translated where those are read, not here.
"""

from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from zhixing.model.stack_config import ActivationName

Activation = Callable[[Tensor], Tensor]
"""Applied to every number of a tensor alone; the shape stays."""


def squared_relu(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """max(x, 0)², of which the first derivative is continuous."""
    return F.relu(x).square()


ACTIVATIONS: dict[ActivationName, Activation] = {
    "relu": F.relu,
    "relu6": F.relu6,
    "relu2": squared_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "silu": F.silu,
}
"""name -> function."""
