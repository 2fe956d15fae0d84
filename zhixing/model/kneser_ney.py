"""Counts of n-grams and the arithmetic of interpolated modified Kneser-Ney smoothing.

    p(w | h) = max(a(hw) - D(a(hw)), 0) / Σ a(h·)  +  γ(h) p(w | h')        h' = h without its oldest token

The idea: of every count a little (D, one of three by the count) is taken and given to the shorter context h'. A shorter
context is asked only when the longer one failed, so there a token is worth the number of *different* tokens before it
(`Francisco` follows one), not how often it occurs. At the bottom, below single tokens, all ids are equally likely.

Source: Chen & Goodman, An empirical study of smoothing techniques for language modeling (TR-10-98 / 1999), §3 eq. 26 for
the three discounts, §4.1.6 for the interpolation. As in KenLM (Heafield et al. 2013) an n-gram that starts with the begin
token keeps its plain count, because nothing can stand before it, and the begin token itself is only ever context.

The n-grams of all orders form one trie, an array per order sorted by (n-gram without its last token, last token):

    order 1   0 1 2 3 4 5 …          place = token id, every id has one
              |     `-------.
    order 2   1 4  | 0  | 2 3 5      last tokens; `branches` of order 1 = 2, 1, 0, 3 …
                                     place = index, used as the prefix number by order 3

Left out: pruning, and counting out of memory (one integer sort per order, about 60 bytes per token at the peak).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""Used, as KenLM does on request, for an order whose counts of counts give no valid discounts."""

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """All n-grams of one order, sorted. The arrays are equally long.

    tokens: last token of each n-gram; counts: adjusted counts a; branches: n-grams of the next order that start with it.
    """

    tokens: Integers
    counts: Integers
    branches: Integers


@dataclass(frozen=True, kw_only=True, slots=True)
class Smoothing:
    """What smoothing makes of one order: `alpha` per n-gram, `gamma` per context (n-gram of the order below).

    p(w | h) = alpha(hw) + gamma(h) p(w | h'); `discounts` are D1, D2, D3+.
    """

    alpha: Reals
    gamma: Reals
    discounts: Reals


def count_levels(
    ids: NDArray[np.integer], ends: NDArray[np.int64], *, vocab: int, order: int
) -> list[Level]:
    """Count the n-grams of orders 1 to `order` inside each document.

    Documents are `ids[ends[i - 1] : ends[i]]`; each must start with the same begin token and hold it nowhere else.
    Raises DataError for anything else, and for ids outside 0 … vocab - 1.
    """
    tokens = np.asarray(ids).astype(np.int64)
    starts = _document_starts(tokens, np.asarray(ends, dtype=np.int64), vocab)
    depth = _depths(starts, len(tokens))
    places = tokens
    levels: list[Level] = []
    size, last = vocab, np.arange(vocab, dtype=np.int64)
    raw = np.bincount(tokens, minlength=vocab)
    for n in range(2, order + 1):
        where = np.flatnonzero(depth >= n - 1)
        longer = _distinct(places[where - 1] * vocab + tokens[where])
        counts = np.bincount(places[where[longer.first]], minlength=size)
        at_begin = places[np.flatnonzero(depth == n - 2)]
        counts[at_begin] = raw[at_begin]
        branches = np.bincount(longer.keys // vocab, minlength=size)
        levels.append(Level(tokens=last, counts=counts, branches=branches))
        size, last, raw = len(longer.keys), longer.keys % vocab, longer.counts
        next_places = np.zeros_like(places)
        next_places[where] = longer.inverse
        places = next_places
    levels.append(Level(tokens=last, counts=raw, branches=np.zeros(size, dtype=np.int64)))
    levels[0].counts[tokens[starts]] = 0
    return levels


def smooth(level: Level, parents: Integers) -> Smoothing:
    """Discount one order; `parents` is how many of its n-grams each context has, in order."""
    discounts = modified_discounts(level.counts)
    taken = discounts[np.minimum(level.counts, 3) - 1] * (level.counts > 0)
    context = np.repeat(np.arange(len(parents)), parents)
    total = np.bincount(context, weights=level.counts, minlength=len(parents))
    given = np.bincount(context, weights=taken, minlength=len(parents))
    seen = total > 0
    gamma = np.divide(given, total, out=np.ones(len(parents)), where=seen)
    alpha = (level.counts - taken) / np.where(seen, total, 1.0)[context]
    return Smoothing(alpha=alpha, gamma=gamma, discounts=discounts)


def modified_discounts(counts: NDArray[np.integer]) -> Reals:
    """D1, D2, D3+ of Chen & Goodman eq. 26 from how many n-grams have count 1, 2, 3, 4.

    With too little data for the formula (a count of counts is zero, or a discount is outside 0 … its count) the fixed
    FALLBACK_DISCOUNTS take its place for this order.
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6)[:5].astype(np.float64)
    if not n[1:4].all():
        return np.array(FALLBACK_DISCOUNTS)
    y = n[1] / (n[1] + 2.0 * n[2])
    k = np.arange(1, 4)
    discounts = k - (k + 1) * y * n[k + 1] / n[k]
    if (discounts < 0.0).any() or (discounts > k).any():
        return np.array(FALLBACK_DISCOUNTS)
    return np.asarray(discounts)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Distinct:
    """Sorted distinct keys, one place where each occurs, how often, and for every place the index of its key."""

    keys: Integers
    first: Integers
    counts: Integers
    inverse: Integers


def _distinct(keys: Integers) -> _Distinct:
    """np.unique with all extras, several times faster: where the bits suffice the place rides inside the sorted number."""
    bits = max(len(keys) - 1, 1).bit_length()
    if len(keys) and int(keys.max()).bit_length() + bits <= 63:
        packed = np.sort(keys << bits | np.arange(len(keys)))
        places, ordered = packed & ((1 << bits) - 1), packed >> bits
    else:
        places = np.argsort(keys)
        ordered = keys[places]
    is_new = np.ones(len(keys), dtype=bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    begin = np.flatnonzero(is_new)
    inverse = np.empty(len(keys), dtype=np.int64)
    inverse[places] = np.cumsum(is_new) - 1
    return _Distinct(
        keys=ordered[begin],
        first=places[begin],
        counts=np.diff(begin, append=len(keys)),
        inverse=inverse,
    )


def _document_starts(tokens: Integers, ends: Integers, vocab: int) -> Integers:
    """Where the documents that are not empty start."""
    if len(tokens) == 0:
        raise DataError("there is no text to count: the documents hold no tokens at all")
    edges = np.concatenate([[0], ends])
    if edges[-1] != len(tokens) or (np.diff(edges) < 0).any():
        raise DataError(
            f"the document ends must rise to {len(tokens)}, the number of tokens; the last is {edges[-1]}"
        )
    if tokens.min() < 0 or tokens.max() >= vocab:
        raise DataError(
            f"token ids go from {tokens.min()} to {tokens.max()}, outside 0 to {vocab - 1}: "
            "the documents were made with another tokenizer"
        )
    starts = edges[:-1][np.diff(edges) > 0]
    begin = tokens[starts[0]]
    if not np.array_equal(np.flatnonzero(tokens == begin), starts):
        raise DataError(
            f"every document must start with one begin token (here {begin}) and hold it nowhere else; "
            "write documents with Tokenizer.encode_document"
        )
    return starts


def _depths(starts: Integers, size: int) -> Integers:
    """For every token, how many tokens of its document stand before it."""
    lengths = np.diff(starts, append=size)
    return np.arange(size) - np.repeat(starts, lengths)
