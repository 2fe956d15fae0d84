"""Attention of rows in which every query sees one run of keys: softmax(q kᵀ / sqrt(head_dim)) v over that run.

    packed rows    the query's own document up to itself
    padded rows    all tokens of the row, or of the source beside it, up to where its padding begins

Vaswani et al. 2017, eq. 1. A run is two numbers per query, its first and its last key, in place of a mask. For the
short rows of small models two plain matrix products around one fused softmax are several times faster on a CPU than
a tiled kernel; the weights (time x time) are kept for the way back, so long rows go to torch's own kernel.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from zhixing.kernels import native
from zhixing.kernels.rotary import Heads

LONGEST = 1024
"""Longest row whose attention weights are kept in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRule:
    """How scores are made: q kᵀ · `scale` (None: 1/sqrt(head_dim)) + `bias`, over the last `window` places only."""

    scale: float | None = None
    window: int | None = None
    bias: Float[Tensor, "batch heads time past"] | None = None


PLAIN = ScoreRule()
QueriesKeysValues = tuple[
    Float[Tensor, "batch heads time head_dim"],
    Float[Tensor, "batch kv_heads past head_dim"],
    Float[Tensor, "batch kv_heads past head_dim"],
]
"""What queries look for, and what they find; in a row that reads itself `past` is `time`."""


def document_attention(
    heads: Heads, starts: Int[Tensor, "batch time"], rule: ScoreRule = PLAIN
) -> Float[Tensor, "batch heads time head_dim"]:
    """Query i attends to the keys starts[i] … i; heads / kv_heads queries share one key head."""
    if rule.window is not None:
        starts = torch.maximum(starts, _places(starts) - rule.window + 1)
    parts = _for_fused_softmax(heads, rule)
    if parts is None:
        return attend(*heads, visible(starts), rule)
    return _mix_runs(parts, starts, _places(starts).expand_as(starts))


def document_attention_reference(
    heads: Heads, starts: Int[Tensor, "batch time"]
) -> Float[Tensor, "batch heads time head_dim"]:
    """The definition, by torch's scaled_dot_product_attention under an explicit mask."""
    return attend(*heads, visible(starts))


def padded_attention(
    heads: QueriesKeysValues, keep: Bool[Tensor, "batch past"] | None, rule: ScoreRule = PLAIN
) -> Float[Tensor, "batch heads time head_dim"]:
    """Every query attends to the keys of its row where `keep` is True (None: to all); the row may be one of its own length.

    Queries at padding see the same keys as the others. Only rows padded at their ends take the fast way.
    """
    parts = _for_fused_softmax(heads, rule)
    if parts is None:
        return padded_attention_reference(heads, keep, rule)
    q, k, _ = parts
    last = torch.full((len(q), 1), k.shape[2] - 1) if keep is None else last_tokens(keep)
    if last is None:
        return padded_attention_reference(heads, keep, rule)
    ends = last.expand(len(q), q.shape[2])
    return _mix_runs(parts, torch.zeros_like(ends), ends)


def padded_attention_reference(
    heads: QueriesKeysValues, keep: Bool[Tensor, "batch past"] | None, rule: ScoreRule = PLAIN
) -> Float[Tensor, "batch heads time head_dim"]:
    """The definition, under the same mask for all queries of a row."""
    return attend(*heads, None if keep is None else keep[:, None, None], rule)


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


def last_tokens(keep: Bool[Tensor, "batch time"]) -> Int[Tensor, "batch 1"] | None:
    """The last token of each row; None if padding stands anywhere but at the ends of the rows."""
    lengths = keep.sum(dim=1, keepdim=True)
    if not torch.equal(keep, _places(keep) < lengths):
        return None
    return lengths - 1


def _places(row: Tensor) -> Tensor:
    return torch.arange(row.shape[1], device=row.device)


def _for_fused_softmax(heads: QueriesKeysValues, rule: ScoreRule) -> QueriesKeysValues | None:
    """Queries, keys and values as `_mix_runs` needs them, or None where it cannot be used."""
    q, k, v = heads
    is_plain = rule.bias is None and rule.scale in (None, q.shape[-1] ** -0.5)
    is_short = max(q.shape[2], k.shape[2]) <= LONGEST
    if not is_plain or not is_short or q.device.type != "cpu":  # nothing is copied in vain
        return None
    parts = q.contiguous(), k.contiguous(), v.contiguous()
    return parts if native.usable(*parts) else None


def _mix_runs(heads: QueriesKeysValues, starts: Tensor, ends: Tensor) -> Tensor:
    runs = starts.long().contiguous(), ends.long().contiguous()
    mixed: Tensor = native.apply(_RunAttention, *heads, *runs)
    return mixed


class _RunAttention(torch.autograd.Function):
    """Query i sees the keys starts[i] … ends[i]."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
        batch, heads, time, size = q.shape
        grouped = (
            batch * k.shape[1],
            -1,
            size,
        )  # queries that share a key head stand in one matrix
        queries, keys, values = q.view(grouped), k.flatten(0, 1), v.flatten(0, 1)
        weights = torch.bmm(queries, keys.mT)
        ctx.sizes = (batch, heads, time, k.shape[2], size**-0.5, native.is_narrow(q))
        native.call("run_softmax_forward", (weights, starts, ends, *ctx.sizes))
        ctx.save_for_backward(queries, keys, values, weights, starts, ends)
        return torch.bmm(weights, values).view(q.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        queries, keys, values, weights, *runs = ctx.saved_tensors
        batch, _, time, past, *_ = ctx.sizes
        d_mixed = grads[0].reshape(queries.shape)
        d_values = torch.bmm(weights.mT, d_mixed)
        d_scores = torch.bmm(d_mixed, values.mT)
        native.call("run_softmax_backward", (d_scores, weights, *runs, *ctx.sizes))
        d_queries, d_keys = torch.bmm(d_scores, keys), torch.bmm(d_scores.mT, queries)
        own, theirs = ((batch, -1, each, queries.shape[-1]) for each in (time, past))
        return d_queries.view(own), d_keys.view(theirs), d_values.view(theirs), None, None
