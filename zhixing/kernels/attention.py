"""Attention of packed rows: every query sees the keys of its own document up to itself.

softmax(q kᵀ / sqrt(head_dim)) v (Vaswani et al. 2017, eq. 1). A document is a run of places in a row, so its mask
is one number per query, the place where the document starts. For the short rows of small models two plain
matrix products around one fused softmax are several times faster on a CPU than a tiled kernel; the weights
(time x time) are kept for the way back, so long rows go to torch's own kernel.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from zhixing.kernels import native

LONGEST = 1024
"""Longest row whose attention weights are kept in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRule:
    """How scores are made: q kᵀ · `scale` (None: 1/sqrt(head_dim)) + `bias`, over the last `window` places only."""

    scale: float | None = None
    window: int | None = None
    bias: Float[Tensor, "batch heads time past"] | None = None


PLAIN = ScoreRule()


def document_attention(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch kv_heads time head_dim"],
    v: Float[Tensor, "batch kv_heads time head_dim"],
    starts: Int[Tensor, "batch time"],
    rule: ScoreRule = PLAIN,
) -> Float[Tensor, "batch heads time head_dim"]:
    """Query i attends to the keys starts[i] … i; heads / kv_heads queries share one key head."""
    if rule.window is not None:
        starts = torch.maximum(starts, _places(starts) - rule.window + 1)
    is_plain = rule.bias is None and rule.scale in (None, q.shape[-1] ** -0.5)
    parts = q.contiguous(), k.contiguous(), v.contiguous()
    if is_plain and q.shape[2] <= LONGEST and native.usable(*parts):
        mixed: Tensor = native.apply(_DocumentAttention, *parts, starts.long().contiguous())
        return mixed
    return attend(q, k, v, visible(starts), rule)


def document_attention_reference(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch kv_heads time head_dim"],
    v: Float[Tensor, "batch kv_heads time head_dim"],
    starts: Int[Tensor, "batch time"],
) -> Float[Tensor, "batch heads time head_dim"]:
    """The definition, by torch's scaled_dot_product_attention under an explicit mask."""
    return attend(q, k, v, visible(starts))


def attend(
    q: Float[Tensor, "batch heads time head_dim"],
    k: Float[Tensor, "batch kv_heads past head_dim"],
    v: Float[Tensor, "batch kv_heads past head_dim"],
    mask: Bool[Tensor, "#batch 1 #time past"] | None,
    rule: ScoreRule = PLAIN,
) -> Float[Tensor, "batch heads time head_dim"]:
    """Attention to the keys where `mask` is True, or to all of them when it is None; `rule.window` is in the mask."""
    allowed: Tensor | None = mask
    if rule.bias is not None:
        allowed = rule.bias.to(q.dtype)
        if mask is not None:
            allowed = allowed.masked_fill(~mask, float("-inf"))
    is_shared = q.shape[1] != k.shape[1]
    return F.scaled_dot_product_attention(
        q, k, v, attn_mask=allowed, scale=rule.scale, enable_gqa=is_shared
    )


def visible(starts: Int[Tensor, "batch time"]) -> Bool[Tensor, "batch 1 time time"]:
    """True where the key lies between the start of the query's document and the query."""
    places = _places(starts)
    return ((places >= starts[:, :, None]) & (places <= places[:, None]))[:, None]


def document_starts(documents: Int[Tensor, "batch time"]) -> Int[Tensor, "batch time"]:
    """For each place the first place of its document, given a number per document that changes between them."""
    places = torch.arange(documents.shape[1], device=documents.device).expand(documents.shape)
    begins = torch.ones_like(documents, dtype=torch.bool)
    begins[:, 1:] = documents[:, 1:] != documents[:, :-1]
    return torch.where(begins, places, 0).cummax(dim=1).values


def _places(starts: Tensor) -> Tensor:
    return torch.arange(starts.shape[1], device=starts.device)


class _DocumentAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, starts: Tensor) -> Tensor:
        batch, heads, time, size = q.shape
        grouped = (
            batch * k.shape[1],
            -1,
            size,
        )  # queries that share a key head stand in one matrix
        queries, keys, values = q.view(grouped), k.flatten(0, 1), v.flatten(0, 1)
        weights = torch.bmm(queries, keys.mT)
        ctx.sizes = (batch, heads, time, size**-0.5, native.is_narrow(q))
        native.call("document_softmax_forward", (weights, starts, *ctx.sizes))
        ctx.save_for_backward(queries, keys, values, weights, starts)
        return torch.bmm(weights, values).view(q.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        queries, keys, values, weights, starts = ctx.saved_tensors
        batch, _, time, *_ = ctx.sizes
        d_mixed = grads[0].reshape(queries.shape)
        d_values = torch.bmm(weights.mT, d_mixed)
        d_scores = torch.bmm(d_mixed, values.mT)
        native.call("document_softmax_backward", (d_scores, weights, starts, *ctx.sizes))
        d_queries, d_keys = torch.bmm(d_scores, keys), torch.bmm(d_scores.mT, queries)
        own = (batch, -1, time, queries.shape[-1])
        return d_queries.view(own), d_keys.view(own), d_values.view(own), None
