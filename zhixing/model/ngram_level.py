"""One order of the n-gram trie as tensors: what is saved, and what is derived from it for fast look-up.

Saved are three small unsigned integers per n-gram (see kneser_ney.Level), nothing else: probabilities are computed again
when a model is loaded, so they cannot disagree with the counts and no cast of the model to half precision can harm them.

Looking up the n-gram (prefix, token) is one binary search for `prefix x (vocab + 1) + token` in the sorted keys of the
order. An n-gram that was never seen gets the number `size`, one past the last; every table has a row for it, so there
are no branches: a missing context has no branches and gamma 1.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from zhixing.core.errors import CheckpointError
from zhixing.model.kneser_ney import Level, smooth

SAVED = ("tokens", "counts", "branches")
KINDS = (np.uint8, np.uint16, np.int32, np.int64)


class LevelTable(nn.Module):
    """The n-grams of one order, see the module. `prepare` must follow every change of the saved tensors."""

    tokens: Tensor
    counts: Tensor
    branches: Tensor
    keys: Tensor
    first: Tensor
    alpha: Tensor
    gamma: Tensor
    total: Tensor

    def __init__(self, level: Level, stride: int) -> None:
        super().__init__()
        self.stride = stride
        for name in SAVED:
            self.register_buffer(name, _compact(getattr(level, name)))
        for name in ("keys", "first", "alpha", "gamma", "total"):
            self.register_buffer(name, torch.empty(0), persistent=False)

    @property
    def size(self) -> int:
        """Number of n-grams; also the number that stands for one that was never seen."""
        return len(self.counts)

    def prepare(self, parents: NDArray[np.int64]) -> NDArray[np.int64]:
        """Derive the look-up tables; `parents` are the branches of the order below, the result those of this one."""
        level = self._level()
        _check(level, parents, self.stride)
        device = self.counts.device
        smoothing = smooth(level, parents)
        prefixes = np.repeat(np.arange(len(parents)), parents)
        keys = np.append(prefixes * self.stride + level.tokens, np.iinfo(np.int64).max)
        self.keys = torch.from_numpy(keys).to(device)
        edges = np.concatenate([[0], np.cumsum(level.branches)])
        self.first = torch.from_numpy(np.append(edges, edges[-1])).to(device)
        self.alpha = _float32(np.append(smoothing.alpha, 0.0)).to(device)
        self.gamma = _float32(np.append(smoothing.gamma, 1.0)).to(device)
        total = np.bincount(prefixes, weights=level.counts, minlength=len(parents))
        self.total = _float32(np.append(total, 0.0)).to(device)
        return level.branches

    def find(
        self, prefix: Int[Tensor, "*places"], token: Int[Tensor, "*places"]
    ) -> Int[Tensor, "*places"]:
        """Numbers of the n-grams `prefix` + `token`; `size` where never seen."""
        key = prefix * self.stride + token
        place = torch.searchsorted(self.keys, key.contiguous())
        return torch.where(self.keys[place] == key, place, self.size)

    def followers(
        self, prefix: Int[Tensor, " places"]
    ) -> tuple[Int[Tensor, " found"], Int[Tensor, " found"]]:
        """All n-grams of the next order that start with each prefix: (index into `prefix`, n-gram number)."""
        begin = self.first[prefix]
        number = self.first[prefix + 1] - begin
        index = torch.repeat_interleave(number)
        before = torch.cumsum(number, 0) - number
        return index, torch.arange(len(index), device=index.device) + (begin - before)[index]

    def _level(self) -> Level:
        arrays = [getattr(self, name).cpu().numpy().astype(np.int64) for name in SAVED]
        return Level(tokens=arrays[0], counts=arrays[1], branches=arrays[2])

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        """Make room first: how many n-grams there are depends on the data, not on the configuration."""
        for name in SAVED:
            if prefix + name in state_dict:
                given = state_dict[prefix + name]
                setattr(self, name, torch.empty_like(given, device=self.counts.device))
        super()._load_from_state_dict(state_dict, prefix, *rest)


def _compact(values: NDArray[np.int64]) -> Tensor:
    """The smallest integer type that holds the values."""
    largest = int(values.max(initial=0))
    kind = next(kind for kind in KINDS if largest <= np.iinfo(kind).max)
    return torch.from_numpy(values.astype(kind))


def _float32(values: NDArray[np.float64]) -> Float[Tensor, " places"]:
    """Single precision keeps log-probabilities right to 1e-6 and halves the memory that look-ups touch."""
    return torch.from_numpy(values.astype(np.float32))


def _check(level: Level, parents: NDArray[np.int64], stride: int) -> None:
    """Counts that were edited or mixed up must not become wrong numbers or an index out of range."""
    sizes = {len(level.tokens), len(level.counts), len(level.branches)}
    if sizes != {int(parents.sum())}:
        raise CheckpointError(
            f"the n-gram tables do not fit together: {sorted(sizes)} entries where the order below "
            f"announces {int(parents.sum())}"
        )
    if len(level.tokens) and int(level.tokens.max()) >= stride - 1:
        raise CheckpointError(
            f"the n-gram tables hold token {int(level.tokens.max())}, but the vocabulary has {stride - 1}"
        )
