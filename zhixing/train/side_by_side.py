"""One batch on several cores: each thread takes a share of its rows through the whole model, forward and back, alone.

    rows ─┬─ first half  ── model ── loss ── gradient ─┐
          └─ second half ── model ── loss ── gradient ─┴─ sum, in this order

Data parallelism (Valiant 1990, "A bridging model for parallel computation") inside one process: the weights are shared
and only read. Splitting every operation instead makes all threads wait for each other a thousand times a step; a small
model loses half its time there, and a busy neighbour on one core holds up everybody each time. Here they meet once.
The sum has a fixed order, so a run is the same bit for bit on one machine with one number of threads. Left out: a
model with dropout, whose random numbers would depend on which thread comes first; several processes.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from zhixing.objective.protocol import Objective

Item = TypeVar("Item")
Kept = TypeVar("Kept")
Compute = Callable[[Sequence[Item]], tuple[Tensor, Kept]]
"""Items -> (a loss to go back from, whatever else is wanted of them)."""

APART = ("causal", "masked", "seq2seq")
"""Objectives whose items do not see each other and are about equally long."""


def backward(
    model: nn.Module, compute: Compute[Item, Kept], items: Sequence[Item], *, threads: int
) -> list[Kept]:
    """Add the gradient of the losses of `items` to the weights; what else was computed, a value per thread used."""
    parts = list(_shares(items, threads))
    if len(parts) == 1:
        loss, kept = compute(items)
        torch.autograd.backward(loss)
        return [kept]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    jobs = [_crew(threads).submit(_gradients, compute, part, weights) for part in parts]
    found = [job.result() for job in jobs]
    for weight, *gradients in zip(weights, *(each for each, _ in found), strict=True):
        for gradient in gradients:
            _add_to(weight, gradient)
    return [kept for _, kept in found]


def threads_for(model: nn.Module, objective: Objective[Any, Any]) -> int:
    """Into how many shares a batch may be divided: one, or as many as torch has threads."""
    draws = any(isinstance(part, nn.Dropout) and part.p > 0.0 for part in model.modules())
    on_cpu = all(weight.device.type == "cpu" for weight in model.parameters())
    return torch.get_num_threads() if objective.kind in APART and on_cpu and not draws else 1


def _shares(items: Sequence[Item], count: int) -> Iterator[Sequence[Item]]:
    """`items` in `count` parts of nearly equal size, in order, none of them empty."""
    count = max(1, min(count, len(items)))
    for number in range(count):
        yield items[len(items) * number // count : len(items) * (number + 1) // count]


def _gradients(
    compute: Compute[Item, Kept], items: Sequence[Item], weights: list[nn.Parameter]
) -> tuple[tuple[Tensor | None, ...], Kept]:
    loss, kept = compute(items)
    return torch.autograd.grad(loss, weights, allow_unused=True), kept


def _add_to(weight: nn.Parameter, gradient: Tensor | None) -> None:
    if gradient is None:
        return
    weight.grad = gradient if weight.grad is None else weight.grad.add_(gradient)


@cache
def _crew(threads: int) -> ThreadPoolExecutor:
    """So many threads, each of which computes on one core; they stay for the life of the process."""
    before = torch.get_num_threads()
    together = Barrier(threads)

    def settle_down() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # only reading it makes torch apply it to this thread
        together.wait()

    crew = ThreadPoolExecutor(threads, thread_name_prefix="zhixing-train")
    for job in [crew.submit(settle_down) for _ in range(threads)]:
        job.result()
    torch.set_num_threads(before)  # of this thread, and of those to come
    return crew
