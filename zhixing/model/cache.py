"""The dense key-value cache: one contiguous piece of memory per layer, for generation with few requests."""

from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zhixing.core.errors import UnsupportedError
from zhixing.kernels.attention import attend


class DenseCache:
    """Keys and values of every layer, shape (batch, kv_heads, capacity, head_dim) each.

    `length` counts the tokens that every layer has stored; the last layer of a forward moves it on.
    """

    def __init__(self, keys: list[Tensor], values: list[Tensor], length: int = 0) -> None:
        self._keys = keys
        self._values = values
        self._length = length

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self._length

    @property
    def capacity(self) -> int:
        """Tokens there is room for."""
        return self._keys[0].shape[2]

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new cache of the given rows."""
        keys = [key[rows] for key in self._keys]
        return type(self)(keys, [value[rows] for value in self._values], self._length)

    def attend(
        self,
        layer: int,
        q: Float[Tensor, "batch heads time head_dim"],
        k: Float[Tensor, "batch kv_heads time head_dim"],
        v: Float[Tensor, "batch kv_heads time head_dim"],
        positions: Int[Tensor, "batch time"],
    ) -> Float[Tensor, "batch heads time head_dim"]:
        """Store k and v, then attend to all that is stored up to each query."""
        time = q.shape[2]
        end = self._length + time
        if end > self.capacity:
            raise UnsupportedError(
                f"the cache holds {self.capacity} tokens and {end} are needed; "
                "shorten the prompt or generate fewer tokens"
            )
        self._keys[layer][:, :, self._length : end] = k
        self._values[layer][:, :, self._length : end] = v
        mask = _causal(self._length, time, q.device)
        if layer == len(self._keys) - 1:
            self._length = end
        return attend(q, self._keys[layer][:, :, :end], self._values[layer][:, :, :end], mask)


def _causal(past: int, time: int, device: torch.device) -> Tensor | None:
    """Query i may see the keys 0 .. past + i; a single query may see them all."""
    if time == 1:
        return None
    return torch.ones(time, past + time, dtype=torch.bool, device=device).tril(past)[None, None]
