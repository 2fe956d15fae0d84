"""Queries and keys normalised and turned by their position, values passed on, in one pass over qkv.

Rotary positions (Su et al. 2021, §3.2.2) in the half-split layout: pairs are (x_i, x_{i + head_dim/2}).
Normalised queries and keys: Henry et al. 2020, with RMSNorm as in Qwen3.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zhixing.kernels import native
from zhixing.kernels.norm import rms_norm_reference

Rotation = tuple[Float[Tensor, "batch time head_dim"], Float[Tensor, "batch time head_dim"]]
Heads = tuple[
    Float[Tensor, "batch heads time head_dim"],
    Float[Tensor, "batch kv_heads time head_dim"],
    Float[Tensor, "batch kv_heads time head_dim"],
]


@dataclass(frozen=True, kw_only=True, slots=True)
class HeadShape:
    """How a row of qkv is divided: heads + 2 kv_heads vectors of head_dim; epsilon is that of the norms."""

    heads: int
    kv_heads: int
    head_dim: int
    epsilon: float


def angles(positions: Int[Tensor, "batch time"], head_dim: int, base: float) -> Rotation:
    """Cosine and sine of position · base^(-2i/head_dim), the angles repeated for both halves of a head."""
    exponents = (
        torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32) / head_dim
    )
    turned = positions[..., None].float() * base**-exponents
    turned = torch.cat((turned, turned), dim=-1)
    return turned.cos(), turned.sin()


def rotary_heads(
    qkv: Float[Tensor, "batch time all"],
    q_weight: Float[Tensor, " head_dim"],
    k_weight: Float[Tensor, " head_dim"],
    rotation: Rotation,
    shape: HeadShape,
) -> Heads:
    """Split qkv into heads; q and k come back normalised and rotated, v as it is."""
    cosine, sine = rotation
    if native.usable(qkv, float32=(q_weight, k_weight, cosine, sine)):
        q, k, v = native.apply(_RotaryHeads, qkv, q_weight, k_weight, cosine, sine, shape)
        return q, k, v
    return rotary_heads_reference(qkv, q_weight, k_weight, rotation, shape)


def rotary_heads_reference(
    qkv: Float[Tensor, "batch time all"],
    q_weight: Float[Tensor, " head_dim"],
    k_weight: Float[Tensor, " head_dim"],
    rotation: Rotation,
    shape: HeadShape,
) -> Heads:
    """The definition."""
    q, k, v = split_heads(qkv, shape)
    q = rms_norm_reference(q, q_weight, shape.epsilon)
    k = rms_norm_reference(k, k_weight, shape.epsilon)
    return rotate_heads((q, k, v), rotation)


def split_heads(qkv: Float[Tensor, "batch time all"], shape: HeadShape) -> Heads:
    """Queries, keys and values as they stand in `qkv`, head by head."""
    batch, time, _ = qkv.shape
    sizes = [shape.heads, shape.kv_heads, shape.kv_heads]
    parts = torch.split(qkv.view(batch, time, -1, shape.head_dim), sizes, dim=2)
    q, k, v = (part.transpose(1, 2) for part in parts)
    return q, k, v


def rotate_heads(heads: Heads, rotation: Rotation) -> Heads:
    """Queries and keys turned by their position, values as they are, all in the type of the values."""
    q, k, v = heads
    return rotate(q, rotation).to(v.dtype), rotate(k, rotation).to(v.dtype), v


def rotate(
    x: Float[Tensor, "batch heads time head_dim"], rotation: Rotation
) -> Float[Tensor, "batch heads time head_dim"]:
    """Turn the pairs by their angle; a dot product of two such vectors then sees only their distance."""
    cosine, sine = (part.unsqueeze(1) for part in rotation)
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


class _RotaryHeads(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        qkv: Tensor,
        q_weight: Tensor,
        k_weight: Tensor,
        cosine: Tensor,
        sine: Tensor,
        shape: HeadShape,
    ) -> tuple[Tensor, Tensor, Tensor]:
        batch, time, _ = qkv.shape
        q = qkv.new_empty(batch, shape.heads, time, shape.head_dim)
        k, v = (qkv.new_empty(batch, shape.kv_heads, time, shape.head_dim) for _ in range(2))
        inverse = torch.empty(batch * time, shape.heads + shape.kv_heads)
        places = (batch, time, shape.heads, shape.kv_heads, shape.head_dim)
        sizes = (*places, shape.epsilon, native.is_narrow(qkv))
        weights = (q_weight, k_weight)
        native.call(
            "rotary_heads_forward",
            (qkv, *weights, cosine, sine, q, k, v, inverse, *sizes),
        )
        ctx.save_for_backward(qkv, q_weight, k_weight, cosine, sine, inverse)
        ctx.sizes = places
        return q, k, v

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        qkv, *weights, cosine, sine, inverse = ctx.saved_tensors
        sizes = (*ctx.sizes, native.is_narrow(qkv))
        dq, dk, dv = (grad.contiguous() for grad in grads)
        d_qkv = torch.empty_like(qkv)
        d_weights = torch.zeros(torch.get_num_threads(), 2, len(weights[0]))
        native.call(
            "rotary_heads_backward",
            (dq, dk, dv, qkv, *weights, cosine, sine, inverse, d_qkv, d_weights, *sizes),
        )
        d_query, d_key = d_weights.sum(0)
        return d_qkv, d_query, d_key, None, None, None
