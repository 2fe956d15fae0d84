"""How a stack tells places apart, other than by turning queries and keys (kernels/rotary).

    learned      one vector per place, added to the token's                       Gehring et al. 2017, §3.1
    sinusoidal   PE(p, 2i) = sin(p / 10000^(2i/d)), PE(p, 2i+1) = cos(same)       Vaswani et al. 2017, §3.5
    relative     one learned number per head and distance, added to the scores    Raffel et al. 2020, §2.1

Distances are sorted into buckets: the small ones exactly, the larger ones on a logarithmic scale.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from zhixing.model.stack_config import StackConfig


class LearnedPositions(nn.Module):
    """A table of vectors, one per place; the first `offset` rows stand for no place."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.offset = config.position_offset
        self.table = nn.Embedding(config.max_time + self.offset, config.width)

    def forward(self, positions: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time width"]:
        """The vector of each place."""
        return self.table(positions + self.offset)


class SinusoidalPositions(nn.Module):
    """Fixed vectors of sines and cosines; `halves` puts all sines first instead of alternating."""

    table: Tensor

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        halves = config.positions == "sinusoidal-halves"
        table = sinusoids(config.max_time, config.width, halves=halves)
        self.register_buffer("table", table, persistent=False)

    def forward(self, positions: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time width"]:
        """The vector of each place."""
        return self.table[positions]


def sinusoids(time: int, width: int, *, halves: bool) -> Float[Tensor, "time width"]:
    """The table of fixed vectors for the places 0 to time - 1, computed in float64."""
    exponents = torch.arange(0, width, 2, dtype=torch.float64) / width
    turned = torch.arange(time, dtype=torch.float64)[:, None] * 10_000.0**-exponents
    parts = turned.sin(), turned.cos()
    table = torch.cat(parts, dim=1) if halves else torch.stack(parts, dim=2).flatten(1)
    return table.float()


class RelativeBias(nn.Module):
    """A learned number per head and bucket of distance; `both_ways` tells past from future."""

    def __init__(self, config: StackConfig, *, both_ways: bool) -> None:
        super().__init__()
        self.both_ways = both_ways
        self.distance = config.relative_distance
        self.table = nn.Embedding(config.relative_buckets, config.heads)

    def forward(
        self, queries: Int[Tensor, "batch time"], keys: int
    ) -> Float[Tensor, "batch heads time keys"]:
        """What to add to the scores of queries at the given places with the keys at places 0 to keys - 1."""
        places = torch.arange(keys, device=queries.device)
        distances = places - queries[:, :, None]  # (batch, time, keys)
        found = buckets(
            distances,
            count=self.table.num_embeddings,
            longest=self.distance,
            both_ways=self.both_ways,
        )
        return self.table(found).permute(0, 3, 1, 2)


def buckets(
    distances: Int[Tensor, "*places"], *, count: int, longest: int, both_ways: bool
) -> Int[Tensor, "*places"]:
    """The bucket of each distance (place of the key minus place of the query), from 0 to count - 1.

    Half of the buckets of one direction hold a single distance each, the rest grow logarithmically up to
    `longest`, where the last one holds all that is farther. Without `both_ways` the future is distance 0.
    """
    offset = torch.zeros_like(distances)
    if both_ways:
        count //= 2
        offset = (distances > 0).long() * count
        far = distances.abs()
    else:
        far = (-distances).clamp(min=0)
    exact = count // 2
    growth = (far.clamp(min=1).float() / exact).log() / math.log(longest / exact)
    coarse = (exact + (growth * (count - exact)).long()).clamp(max=count - 1)
    return offset + torch.where(far < exact, far, coarse)
