"""Training of the quickstart's LSTM layer, forward and back, beside torch.nn.LSTM with the same weights."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from zhixing.cli.bench import SEED, Size
from zhixing.evaluate.race import OURS, Work
from zhixing.model.recurrent_layer import RecurrentLayer
from zhixing.train.precision import computing_in, resolve

UNIT = "tokens/s"
WIDTH = 256
SHAPES: Mapping[Size, tuple[int, int]] = {"short": (2, 32), "full": (16, 256)}
"""Rows and time of a pass."""


def contestants(size: Size) -> Mapping[str, Callable[[], Work]]:
    """Ours, and torch's: one layer each; rows do not hold several documents, which torch's cannot keep apart."""
    return {OURS: lambda: _ours(size), "torch.nn.LSTM": lambda: _torch(size)}


def _inputs(size: Size) -> Tensor:
    generator = torch.Generator().manual_seed(SEED)
    return torch.randn(*SHAPES[size], WIDTH, generator=generator).requires_grad_()


def _layer() -> nn.LSTM:
    torch.manual_seed(SEED)
    return nn.LSTM(WIDTH, WIDTH, batch_first=True)


def _ours(size: Size) -> Work:
    layer, x = RecurrentLayer("lstm", WIDTH, WIDTH), _inputs(size)
    layer.load_state_dict(
        {name.removesuffix("_l0"): weight for name, weight in _layer().state_dict().items()}
    )
    zero = torch.zeros(len(x), WIDTH)
    return lambda: _pass(lambda: layer(x, None, (zero, zero))[0], x)


def _torch(size: Size) -> Work:
    layer, x = _layer(), _inputs(size)
    return lambda: _pass(lambda: layer(x)[0], x)


def _pass(forward: Callable[[], Tensor], x: Tensor) -> float:
    with computing_in(resolve("auto", x.device), x.device):
        hidden = forward()
    torch.autograd.backward(hidden.float().square().sum())
    return x.shape[0] * x.shape[1]
