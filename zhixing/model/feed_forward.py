"""The part of a block that works on each position by itself.

    plain    W₂ act(W₁ x + b₁) + b₂                                               Vaswani et al. 2017, eq. 2
    gated    W₂ (act(W_gate x) ⊙ W_up x)                                          Shazeer 2020, eq. 6
    experts  Σ_e p_e(x) gated_e(x) over the k experts of largest p                Shazeer et al. 2017, eq. 1

With experts p is the softmax of a linear layer over all experts, renormalised over the chosen ones where asked
(Qwen3-MoE). Left out: a loss that balances the experts, and capacity limits: every token gets all its experts.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.kernels.swiglu import swiglu
from zhixing.model.activations import ACTIVATIONS
from zhixing.model.stack_config import StackConfig


def build_feed_forward(config: StackConfig) -> nn.Module:
    """The variant that a configuration asks for."""
    if config.experts:
        return Experts(config)
    return GatedFeedForward(config) if config.gated else FeedForward(config)


class FeedForward(nn.Module):
    """down(act(up x))."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        has_bias = config.bias == "all"
        self.up = nn.Linear(config.width, config.hidden, bias=has_bias)
        self.down = nn.Linear(config.hidden, config.width, bias=has_bias)
        self.activation = ACTIVATIONS[config.activation]

    def forward(self, x: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """Transform each position by itself."""
        return self.down(self.activation(self.up(x)))


class GatedFeedForward(nn.Module):
    """down(act(gate x) ⊙ up x)."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        has_bias = config.bias == "all"
        self.gate_up = nn.Linear(config.width, 2 * config.hidden, bias=has_bias)
        self.stacked = {"gate_up.weight": (config.hidden, config.hidden)}
        self.down = nn.Linear(config.hidden, config.width, bias=has_bias)
        self.unit = gated_unit(config)

    def forward(self, x: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """Transform each position by itself."""
        return self.down(self.unit(self.gate_up(x)))


class Experts(nn.Module):
    """Several gated feed-forward parts; each token goes through the few that its router finds most probable."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.count = config.experts
        self.per_token = config.experts_per_token
        self.renormalised = config.renormalised
        self.router = nn.Linear(config.width, config.experts, bias=False)
        self.gate_up = nn.Parameter(torch.empty(self.count * 2 * config.hidden, config.width))
        self.down = nn.Parameter(torch.empty(self.count * config.width, config.hidden))
        self.stacked = {
            "gate_up": (config.hidden,) * (2 * self.count),
            "down": (config.width,) * self.count,
        }
        self.unit = gated_unit(config)

    def forward(self, x: Float[Tensor, "*places width"]) -> Float[Tensor, "*places width"]:
        """Send each position to its experts and add up what they say."""
        rows = x.flatten(0, -2)
        weights, chosen = self.choose(rows)
        mixed = torch.zeros_like(rows)
        gate_ups, downs = self.gate_up.chunk(self.count), self.down.chunk(self.count)
        for expert, (gate_up, down) in enumerate(zip(gate_ups, downs, strict=True)):
            row, place = torch.where(chosen == expert)
            said = F.linear(self.unit(F.linear(rows[row], gate_up)), down)
            mixed = mixed.index_add(0, row, (said * weights[row, place, None]).to(mixed.dtype))
        return mixed.view(x.shape)

    def choose(
        self, rows: Float[Tensor, "rows width"]
    ) -> tuple[Float[Tensor, "rows chosen"], Int[Tensor, "rows chosen"]]:
        """The experts of each row and their weights; the softmax is taken in float32, where ties are rare."""
        probabilities = self.router(rows).float().softmax(dim=-1)
        weights, chosen = probabilities.topk(self.per_token, dim=-1)
        if self.renormalised:
            weights = weights / weights.sum(dim=-1, keepdim=True)
        return weights.to(rows.dtype), chosen


def gated_unit(config: StackConfig) -> Callable[[Tensor], Tensor]:
    """What combines the two halves of `gate_up`: act(gate) ⊙ up, in one pass over memory for SwiGLU."""
    if config.activation == "silu":
        return swiglu
    activation = ACTIVATIONS[config.activation]

    def unit(gate_up: Tensor) -> Tensor:
        gate, up = gate_up.chunk(2, dim=-1)
        return activation(gate) * up

    return unit
