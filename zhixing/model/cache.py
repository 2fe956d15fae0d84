"""The dense key-value cache: one contiguous piece of memory per layer, for generation with few requests."""

from collections.abc import Callable
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zhixing.core.errors import UnsupportedError
from zhixing.kernels.attention import ScoreRule, attend
from zhixing.model.protocol import KeysValues
from zhixing.model.stack_config import StackConfig


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
        rule: ScoreRule,
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
        mask = _causal(self._length, time, rule.window, q.device)
        if layer == len(self._keys) - 1:
            self._length = end
        keys, values = self._keys[layer][:, :, :end], self._values[layer][:, :, :end]
        return attend(q, keys, values, mask, rule)


class SourceCache:
    """A DenseCache of the target, and the keys and values of the source, layer by layer."""

    def __init__(self, past: DenseCache, sources: dict[int, KeysValues] | None = None) -> None:
        self._past = past
        self._sources = sources or {}

    @property
    def length(self) -> int:
        """Tokens of the target read so far."""
        return self._past.length

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new cache of the given rows."""
        sources = {layer: (k[rows], v[rows]) for layer, (k, v) in self._sources.items()}
        return type(self)(self._past.select(rows), sources)

    def attend(
        self,
        layer: int,
        q: Float[Tensor, "batch heads time head_dim"],
        k: Float[Tensor, "batch kv_heads time head_dim"],
        v: Float[Tensor, "batch kv_heads time head_dim"],
        rule: ScoreRule,
    ) -> Float[Tensor, "batch heads time head_dim"]:
        """See DenseCache.attend."""
        return self._past.attend(layer, q, k, v, rule)

    def source(self, layer: int, make: Callable[[], KeysValues]) -> KeysValues:
        """The keys and values of the source in `layer`, made the first time."""
        if layer not in self._sources:
            self._sources[layer] = make()
        return self._sources[layer]


def dense_cache(config: StackConfig, batch: int, capacity: int, like: Tensor) -> DenseCache:
    """An empty cache for the blocks of `config`, in the type and place of the weight `like`."""
    shape = (batch, config.kv_heads, capacity, config.head_dim)
    keys, values = (
        [torch.zeros(shape, dtype=like.dtype, device=like.device) for _ in range(config.layers)]
        for _ in range(2)
    )
    return DenseCache(keys, values)


def _causal(past: int, time: int, window: int | None, device: torch.device) -> Tensor | None:
    """Query i may see the keys 0 .. past + i, or the last `window` of them; None where it may see all."""
    if time == 1 and (window is None or past < window):
        return None
    mask = torch.ones(time, past + time, dtype=torch.bool, device=device).tril(past)
    if window is not None:
        mask = mask.triu(past - window + 1)
    return mask[None, None]
