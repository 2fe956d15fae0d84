"""One answer for a whole text, or for two: logits, labels with probabilities, numbers, an order of texts.

The softmax of logits is a probability where the loss was a cross entropy; that of a hinge loss is none, and is not given.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.inputs import ModelInput, in_batches, stacked
from zhixing.api.results import ABSTAIN, Label, Ranked
from zhixing.model.assembly import Network
from zhixing.model.protocol import device_of
from zhixing.objective.reading import text_logits


def logits_of(
    network: Network, inputs: Sequence[ModelInput], padding: int
) -> list[Float[Tensor, " labels"]]:
    """The logits of each input, float32 on the CPU, in order."""

    def answer(places: Sequence[int]) -> list[Tensor]:
        tensors = stacked([inputs[place] for place in places], padding, device_of(network))
        return [*text_logits(network, *tensors).float().cpu()]

    with torch.inference_mode():
        return in_batches([len(each) for each in inputs], answer)


def label_of(
    logits: Float[Tensor, " labels"],
    names: Sequence[str],
    *,
    is_margin: bool,
    temperature: float = 1.0,
    at_least: float = 0.0,
) -> Label:
    """The label with the largest logit, or ABSTAIN where it is less probable than `at_least`.

    `is_margin`: the logits are no probabilities. `temperature` divides the logits (Guo et al. 2017, §4.2).
    """
    scores: dict[str, float] = dict(zip(names, logits.tolist(), strict=True))
    best = max(scores, key=scores.__getitem__)
    if is_margin:
        return Label(label=best, probability=None, probabilities={}, scores=scores)
    shares = (logits.double() / temperature).softmax(-1).tolist()
    probabilities: dict[str, float] = dict(zip(names, shares, strict=True))
    highest = probabilities[best]
    return Label(
        label=best if highest >= at_least else ABSTAIN,
        probability=highest,
        probabilities=probabilities,
        scores=scores,
    )


def in_order(items: Sequence[str], logits: Sequence[Float[Tensor, " one"]]) -> list[Ranked]:
    """The best item first; equal ones stay as they were given."""
    scores = [float(each[0]) for each in logits]
    order = sorted(range(len(items)), key=lambda place: -scores[place])
    return [Ranked(index=place, text=items[place], score=scores[place]) for place in order]


def names_of(network: Network, kind: str) -> tuple[str, ...]:
    """The labels of a network made elsewhere: those of its head, or LABEL_0, LABEL_1 and so on."""
    config: Any = network.config
    heads = [head for head in getattr(config, "heads_on_top", ()) if head.kind == kind]
    count = heads[0].labels if heads else config.labels
    return (heads[0].names if heads else ()) or tuple(f"LABEL_{n}" for n in range(count))
