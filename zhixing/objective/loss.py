"""A loss as a sum and a count."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Loss:
    """`total` (nats, a scalar with gradient) over `count` targets; `parts` are named shares of the total.

    Never a mean: accumulation, packing and data parallelism then equal one big batch.
    """

    total: Tensor
    count: int
    parts: Mapping[str, float] = field(default_factory=dict)
