"""A bag of words that begins as naive Bayes: for each token and run, how much more often texts of a label have it.

    r_label = log p(f | label) - 1/L Σ_l log p(f | l)        p(f | label) = (texts of the label with f + 1) / Σ_f of the same

Wang & Manning 2012, §2.3, where two labels have one number, the difference of both. What only one text has says nothing yet
and begins at zero. Left out: their product of these numbers with learnt weights; learning goes on from them instead.
"""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from zhixing.data.examples import Example
from zhixing.model.assembly import Network
from zhixing.model.perceptron import BagClassifier, runs_of


def counting_members(model: Network) -> list[BagClassifier]:
    """The bags in a model that begin as naive Bayes: itself, or members of an ensemble."""
    return [
        module
        for module in model.modules()
        if isinstance(module, BagClassifier) and module.config.begin == "naive-bayes"
    ]


@torch.no_grad()
def begin_with_counts(bag: BagClassifier, examples: Iterable[Example]) -> int:
    """Put the numbers of naive Bayes into a bag; how many texts were counted comes back."""
    config = bag.config
    tables = [bag.embed.weight, *([] if bag.runs is None else [bag.runs.weight])]
    counts = [np.zeros(tuple(table.shape)) for table in tables]
    number = 0
    for number, example in enumerate(examples, start=1):  # noqa: B007 - the last one is told
        label = int(example["label"][0])
        tokens = torch.from_numpy(example["tokens"])[None]
        counts[0][np.unique(example["tokens"]), label] += 1
        if bag.runs is not None:
            ids, _ = runs_of(
                tokens, torch.ones_like(tokens, dtype=torch.bool), config.phrase, config.buckets
            )
            counts[1][np.unique(ids.numpy()), label] += 1
    for table, found in zip(tables, log_ratios(counts), strict=True):
        table.copy_(found)
    return number


def log_ratios(counts: list[np.ndarray]) -> list[Tensor]:
    """The numbers of naive Bayes from texts by feature and label, in the tables that they were counted in."""
    whole = np.concatenate(counts) + 1.0
    likely = np.log(whole) - np.log(whole.sum(axis=0, keepdims=True))
    likely -= likely.mean(axis=1, keepdims=True)
    likely[np.concatenate(counts).sum(axis=1) < 2] = 0.0
    sizes = np.cumsum([len(table) for table in counts])[:-1]
    return [torch.from_numpy(part).float() for part in np.split(likely, sizes)]
