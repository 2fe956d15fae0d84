"""The elementary losses, each as a sum over its rows; who calls them keeps the count.

cross entropy   -log softmax(z)_y                                 Bishop 2006, §4.3.4
hinge           Σ_{j≠y} max(0, 1 + z_j - z_y)                      Weston & Watkins 1999, eq. 4
squared error   (z - y)²                                           Bishop 2006, §3.1.1
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from zhixing.core.targets import IGNORED
from zhixing.kernels.cross_entropy import linear_cross_entropy
from zhixing.kernels.precision import widen


def cross_entropy(
    logits: Float[Tensor, "rows labels"],
    targets: Int[Tensor, " rows"],
    *,
    smoothing: float = 0.0,
    weights: Float[Tensor, " labels"] | None = None,
) -> Float[Tensor, ""]:
    """Sum of -log p(target) in nats; rows with the target -100 do not count.

    smoothing: this share of the target is spread over all labels (Szegedy et al. 2016, §7).
    weights: what a row counts, by its target (default: 1).
    """
    return F.cross_entropy(
        widen(logits),
        targets,
        weight=weights,
        reduction="sum",
        ignore_index=IGNORED,
        label_smoothing=smoothing,
    )


def smoothed_cross_entropy(
    hidden: Float[Tensor, "rows width"],
    weight: Float[Tensor, "labels width"],
    targets: Int[Tensor, " rows"],
    bias: Float[Tensor, " labels"] | None,
    smoothing: float,
) -> Float[Tensor, ""]:
    """The sum of cross_entropy(hidden weightᵀ + bias, targets, smoothing=ε), without holding all logits z at once.

    Spread over n labels the target costs (1 - ε) (-log p_y) + ε/n Σ_j (-log p_j) = -log p_y + ε (z_y - z̄), and z_y - z̄ is
    hidden · (weight_y - mean weight) + bias_y - mean bias. Every row has a target here: -100 would be read as a label counted from the end.
    """
    assert bool((targets >= 0).all()), "rows without a target were left out"
    total = linear_cross_entropy(hidden, weight, targets, bias)
    if not smoothing:
        return total
    ahead = (widen(hidden) * (weight[targets] - weight.mean(dim=0))).sum()
    if bias is not None:
        ahead = ahead + (bias[targets] - bias.mean()).sum()
    return total + smoothing * ahead


def hinge(
    logits: Float[Tensor, "rows labels"],
    targets: Int[Tensor, " rows"],
    *,
    weights: Float[Tensor, " labels"] | None = None,
) -> Float[Tensor, ""]:
    """Sum over rows and wrong labels of how much the right one is not ahead by 1; `weights` as in cross_entropy."""
    right = logits.gather(1, targets.unsqueeze(1))
    behind = (1.0 + logits - right).clamp(min=0.0)
    rows = behind.sum(dim=1) - 1.0  # the right label itself has given exactly 1
    return rows.sum() if weights is None else (rows * weights[targets]).sum()


def squared_error(
    values: Float[Tensor, " rows"], targets: Float[Tensor, " rows"]
) -> Float[Tensor, ""]:
    """Sum of squares of the differences."""
    return torch.square(values - targets).sum()


def num_right(logits: Float[Tensor, "*rows labels"], targets: Int[Tensor, "*rows"]) -> float:
    """Rows whose largest logit is the target's; -100 is never right."""
    return float((logits.argmax(dim=-1) == targets).sum())
