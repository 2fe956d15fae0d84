"""Cross-entropy of a linear output layer without ever holding all logits.

With a vocabulary V and N targets the logits take N x V numbers, more than the rest of a small model together.
The loss needs them only to be summed, and its gradient, softmax(z) - onehot(y), is known as soon as they are;
so each chunk of targets is finished, gradients included, while its logits are in the cache, and then dropped.
The idea is that of Wijmans et al. 2024, "Cut Your Losses". The page on perplexity derives the gradient.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from zhixing.core.errors import DataError
from zhixing.core.targets import IGNORED
from zhixing.kernels import native
from zhixing.kernels.precision import widen

CHUNK = 512
"""Targets whose logits exist at one time: 512 x 8192 float32 are 16 MiB."""

MOST_NATIVE_VOCAB = 200_000
"""Native code keeps one row of logits on the stack of its thread: 800 kB at most."""


def linear_cross_entropy(
    hidden: Float[Tensor, "count width"],
    weight: Float[Tensor, "vocab width"],
    targets: Int[Tensor, " count"],
    bias: Float[Tensor, " vocab"] | None = None,
) -> Float[Tensor, ""]:
    """Sum over targets of -log softmax(hidden @ weight.T + bias)[target], in nats; IGNORED targets add nothing.

    Products are taken in the autocast type where autocast is on; sums are float32 (float64 of such numbers). Raises
    DataError for a target that is no row of `weight`.
    """
    kept = targets != IGNORED
    if not bool(kept.all()):
        hidden, targets = hidden[kept], targets[kept]
    if bias is not None:  # one more column of weights, beside a column of ones
        hidden = F.pad(hidden, (0, 1), value=1.0)
        weight = torch.cat((weight, bias[:, None]), dim=1)
    if torch.is_autocast_enabled(hidden.device.type):
        narrow = torch.get_autocast_dtype(hidden.device.type)
        hidden, weight = hidden.to(narrow), weight.to(narrow)
    total: Tensor = native.apply(_LinearCrossEntropy, hidden, weight, targets)
    return total


def linear_cross_entropy_reference(
    hidden: Float[Tensor, "count width"],
    weight: Float[Tensor, "vocab width"],
    targets: Int[Tensor, " count"],
    bias: Float[Tensor, " vocab"] | None = None,
) -> Float[Tensor, ""]:
    """The definition, with all logits at once."""
    logits = widen(F.linear(hidden, weight, bias))
    return F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="sum")


def softmax_cross_entropy(
    logits: Float[Tensor, "count vocab"], targets: Int[Tensor, " count"]
) -> tuple[Float[Tensor, " count"], Float[Tensor, "count vocab"]]:
    """Losses in nats and their gradient softmax(z) - onehot(y), which may take the memory of `logits`."""
    if native.usable(logits) and logits.shape[1] <= MOST_NATIVE_VOCAB:
        _refuse_outside(targets, logits.shape[1])
        losses = torch.empty(len(logits))
        sizes = (len(logits), logits.shape[1], native.is_narrow(logits))
        native.call("softmax_cross_entropy", (logits, targets.long().contiguous(), losses, *sizes))
        return losses, logits
    return softmax_cross_entropy_reference(logits, targets)


def softmax_cross_entropy_reference(
    logits: Float[Tensor, "count vocab"], targets: Int[Tensor, " count"]
) -> tuple[Float[Tensor, " count"], Float[Tensor, "count vocab"]]:
    """The definition."""
    _refuse_outside(targets, logits.shape[1])
    targets = targets.long()
    log_probabilities = widen(logits).log_softmax(dim=-1)
    losses = -log_probabilities.gather(1, targets[:, None]).squeeze(1)
    gradient = log_probabilities.exp()
    gradient.scatter_add_(1, targets[:, None], torch.full_like(gradient[:, :1], -1.0))
    return losses, gradient.to(logits.dtype)


def _refuse_outside(targets: Int[Tensor, " count"], vocab: int) -> None:
    """Native code would look for a target beyond its row of logits without noticing."""
    if len(targets) and not 0 <= int(targets.min()) <= int(targets.max()) < vocab:
        raise DataError(
            f"targets go from {int(targets.min())} to {int(targets.max())}, and the ids of this model from 0 to "
            f"{vocab - 1}: the data were made with another tokenizer"
        )


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        total = widen(hidden.new_zeros(()))
        grad_hidden = torch.empty_like(hidden)
        grad_weight = widen(torch.zeros_like(weight))
        for first in range(0, len(targets), CHUNK):
            chunk = slice(first, first + CHUNK)
            losses, error = softmax_cross_entropy(F.linear(hidden[chunk], weight), targets[chunk])
            total += losses.sum()
            if any(ctx.needs_input_grad):
                torch.mm(error, weight, out=grad_hidden[chunk])
                grad_weight += error.T @ hidden[chunk]
        ctx.save_for_backward(grad_hidden, grad_weight)
        ctx.weight_dtype = weight.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (grad,) = grads
        grad_hidden, grad_weight = ctx.saved_tensors
        return grad_hidden * grad, (grad_weight * grad).to(ctx.weight_dtype), None
