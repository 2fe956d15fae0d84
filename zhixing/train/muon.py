"""Muon: momentum, with every matrix's update made orthogonal.

    m ← β m + (1 - β) g;   u = β m + (1 - β) g (Nesterov);   O = U Vᵀ of u = U S Vᵀ;   W ← W (1 - η λ) - η s O

Jordan et al. 2024 ("Muon: an optimizer for hidden layers"); s = sqrt(max(1, rows / columns)). O is approached by
Newton-Schulz steps X ← a X + b (XXᵀ) X + c (XXᵀ)² X, whose coefficients push all singular values towards 1 fast and
need not be exact; bf16 is precise enough where the hardware multiplies it, and float32 is far faster where it does not,
since every number would be widened on the way. A stacked weight (q, k and v; gate and up; the gates of a recurrent cell)
is several maps, each made orthogonal by itself. Matrices of one shape go through the steps together: for the small
matrices of small models that is what takes the time, and why this is not torch.optim.Muon, which a test compares
it with.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zhixing.train.precision import resolve

Part = tuple[int, slice]
"""(number of the weight, its rows)."""

NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5
"""The coefficients (a, b, c) of each step."""


class Muon(torch.optim.Optimizer):
    """See the module. `stacks`: rows of each map in a weight that stacks several."""

    def __init__(
        self,
        weights: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        stacks: Mapping[nn.Parameter, Sequence[int]] | None = None,
    ) -> None:
        settings = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(list(weights), settings)
        self._stacks = dict(stacks or {})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient; no closure is supported."""
        assert closure is None, "Muon takes no closure"
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._step(weights, **_settings(group))

    def _step(
        self, weights: list[nn.Parameter], *, lr: float, momentum: float, weight_decay: float
    ) -> None:
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        memory = [self._memory(weight) for weight in weights]
        torch._foreach_lerp_(memory, gradients, 1 - momentum)
        updates = torch._foreach_lerp(gradients, memory, momentum)
        torch._foreach_mul_([weight.data for weight in weights], 1 - lr * weight_decay)
        for (rows, columns), parts in self._by_shape(weights).items():
            stacked = torch.stack([updates[number][place] for number, place in parts])
            scale = max(1.0, rows / columns) ** 0.5
            changes = orthogonal(stacked, dtype=resolve("auto", stacked.device))
            for (number, place), change in zip(parts, changes, strict=True):
                weights[number][place].add_(change, alpha=-lr * scale)

    def _memory(self, weight: nn.Parameter) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        found: Tensor = state["momentum_buffer"]
        return found

    def _by_shape(self, weights: Sequence[nn.Parameter]) -> dict[tuple[int, int], list[Part]]:
        """The maps of all weights, those of one shape together."""
        shapes: dict[tuple[int, int], list[Part]] = {}
        for number, weight in enumerate(weights):
            first = 0
            for rows in self._stacks.get(weight, (len(weight),)):
                part = (number, slice(first, first + rows))
                shapes.setdefault((rows, weight.shape[1]), []).append(part)
                first += rows
        return shapes


def orthogonal(
    matrices: Float[Tensor, "maps rows columns"],
    *,
    dtype: torch.dtype,
) -> Float[Tensor, "maps rows columns"]:
    """Nearly U Vᵀ of each matrix U S Vᵀ: singular values between about 0.7 and 1.2; float32 comes back.

    `dtype` is what the products are taken in.
    """
    x = matrices.to(dtype)
    is_tall = x.shape[1] > x.shape[2]
    if is_tall:
        x = x.mT.contiguous()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for a, b, c in NEWTON_SCHULZ:
        square = torch.bmm(x, x.mT)
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return (x.mT if is_tall else x).float()


def _settings(group: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(group[name]) for name in ("lr", "momentum", "weight_decay")}
