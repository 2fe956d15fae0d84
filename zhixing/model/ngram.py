"""The n-gram language model: how often was this token seen after these n - 1?

    tokens -> body: the n - 1 newest tokens at each place -> head: for each order, longest context last,
              distribution = alpha of the tokens that followed the context + gamma x distribution of the shorter context

Counted once (kneser_ney.count_levels), never trained. The distribution over the vocabulary is one row of the unigram
table, scaled, plus a few sparse additions; its logarithms are the logits, so they are normalised already.

Every id has a probability above 0, because below the unigrams all `vocab` ids are equally likely; the begin token, which
is only ever context, has just that share. A context never reaches over the begin of its document.

Source: Chen & Goodman 1999, §4.1.6. Left out: caches, skip- and class-based n-grams.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from zhixing.model.config import NGramConfig
from zhixing.model.kneser_ney import Level, count_levels
from zhixing.model.ngram_level import LevelTable
from zhixing.model.ngram_state import NGramState
from zhixing.model.protocol import LanguageModel, Output, State

CHUNK = 2**21
"""Probabilities made at a time: 8 MB, so that the passes over them stay in the processor's cache."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What the counts know about contexts, before any target is seen (one value per place).

    order: tokens of the longest context that was seen with a follower, 0 … n - 1; count: how often that was;
    backoff: share of probability, 0 … 1, that is left to the unigrams; num_orders: n.
    """

    order: Int[Tensor, " places"]
    count: Float[Tensor, " places"]
    backoff: Float[Tensor, " places"]
    num_orders: int


class NGram(LanguageModel):
    """Interpolated modified Kneser-Ney; knows nothing (all ids equally likely) until counted or loaded."""

    def __init__(self, config: NGramConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = None
        self._use(_empty_levels(vocab, config.order))
        self.register_load_state_dict_post_hook(_prepare_loaded)  # type: ignore[no-untyped-call]

    @property
    def order(self) -> int:
        """How many tokens an n-gram has: n."""
        return self.config.order

    @property
    def num_ngrams(self) -> int:
        """How many different n-grams of all orders are stored: what parameters are to a neural model."""
        return sum(int(level.counts.to(torch.int64).count_nonzero()) for level in self._tables())

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body. `hidden` is the context: ids of the n - 1 newest tokens as numbers, newest last.

        The id `vocab` stands for "before the text". Positions make no difference to an n-gram.
        """
        memory = cast(NGramState | None, state) or self.new_state(len(tokens), 0)
        past = self.order - 1
        stream = torch.cat([memory.tokens, tokens], dim=1)
        windows = stream.unfold(1, past, 1)[:, 1:]  # (batch, time, past)
        kept = stream[:, tokens.shape[1] :]
        if documents is not None:
            owners = torch.cat([documents[:, :1].expand(-1, past), documents], dim=1)
            same = owners.unfold(1, past, 1)[:, 1:] == documents.unsqueeze(-1)
            windows = windows.where(same, self.vocab)
            kept = kept.where(owners[:, tokens.shape[1] :] == documents[:, -1:], self.vocab)
        memory.advance(kept, tokens.shape[1])
        return Output(hidden=windows.to(torch.float32), state=state)

    def head(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Natural logarithms of the probabilities of every id, for contexts made by `body`."""
        contexts = self._places(hidden)
        result = torch.empty(len(contexts), self.vocab, device=hidden.device)
        for rows in _chunks(len(contexts), max(1, CHUNK // self.vocab)):
            result[rows] = self.distribution(contexts[rows])[0].log_()
        return result.view(*hidden.shape[:-1], self.vocab)

    def new_state(self, batch: int, capacity: int) -> NGramState:
        """A state that has seen nothing; it does not grow, so `capacity` is not used."""
        shape = (batch, self.order - 1)
        return NGramState(torch.full(shape, self.vocab, device=self.unigram.device))

    def distribution(
        self, contexts: Float[Tensor, "places width"]
    ) -> tuple[Float[Tensor, "places vocab"], Evidence]:
        """Probabilities of every id in each context, and the evidence behind them."""
        nodes = self._nodes(contexts)
        scale = torch.ones(len(contexts), device=contexts.device)
        additions: list[tuple[Tensor, Tensor]] = []
        tables = self._tables()
        for n in range(self.order, 1, -1):
            below, table, node = tables[n - 2], tables[n - 1], nodes[n - 2]
            row, ngram = below.followers(node)
            column = table.tokens[ngram].to(torch.int64)
            additions.append((row * self.vocab + column, table.alpha[ngram] * scale[row]))
            scale = scale * table.gamma[node]
        result = scale.unsqueeze(-1) * self.unigram
        for place, value in additions:
            result.view(-1).index_add_(0, place, value)
        return result, self._evidence(nodes, scale)

    def log_prob(
        self,
        tokens: Int[Tensor, "batch time"],
        targets: Int[Tensor, "batch time"],
        *,
        documents: Int[Tensor, "batch time"] | None = None,
    ) -> Float64[Tensor, "batch time"]:
        """Natural log-probability of each target after the tokens up to its place, without the other ids' (fast).

        Targets must be ids; mask the places without a target (-100) before and after.
        """
        contexts = self._places(self.body(tokens, documents=documents).hidden)
        return self.log_prob_in(contexts, targets.reshape(-1)).view(targets.shape)

    def log_prob_in(
        self, contexts: Float[Tensor, "places width"], targets: Int[Tensor, " places"]
    ) -> Float64[Tensor, " places"]:
        """Natural log-probability of each target in its context, a place of what `body` gives."""
        nodes = self._nodes(contexts)
        probability = self.unigram[targets].to(torch.float64)
        for table, node in zip(self._tables()[1:], nodes, strict=True):
            probability = probability * table.gamma[node] + table.alpha[table.find(node, targets)]
        return probability.log_()

    def _use(self, levels: list[Level]) -> None:
        self.levels = nn.ModuleList(LevelTable(level, self.vocab + 1) for level in levels)
        self.register_buffer("unigram", torch.empty(0), persistent=False)
        self.prepare()

    def prepare(self) -> None:
        """Derive the look-up tables of all orders from the counts."""
        branches = np.array([self.vocab], dtype=np.int64)
        for table in self._tables():
            branches = table.prepare(branches)
        first = self._tables()[0]
        self.unigram = first.alpha[:-1] + first.gamma[0] / self.vocab

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """A cast to half precision is for weights; probabilities are made again in single precision."""
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        if self.unigram.dtype != torch.float32:
            self.prepare()
        return self

    def _tables(self) -> list[LevelTable]:
        return [cast(LevelTable, level) for level in self.levels]

    def _places(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "all_places width"]:
        return hidden.reshape(math.prod(hidden.shape[:-1]), self.order - 1)

    def _nodes(self, contexts: Float[Tensor, "places width"]) -> list[Int[Tensor, " places"]]:
        """Numbers of the n-grams that each context ends in: of its newest token, its two newest, … all of it."""
        tokens = contexts.to(torch.int64)
        node = tokens  # (places, width): the n-gram of order 1, then 2, … that ends in each column
        nodes = [node[:, -1]] if self.order > 1 else []
        for table in self._tables()[1:-1]:
            node = table.find(node[:, :-1], tokens[:, -(node.shape[1] - 1) :])
            nodes.append(node[:, -1])
        return nodes

    def _evidence(self, nodes: list[Tensor], backoff: Tensor) -> Evidence:
        order = torch.zeros_like(backoff, dtype=torch.int64)
        count = torch.full_like(backoff, float(self._tables()[0].total[0]))
        for n, (table, node) in enumerate(zip(self._tables()[1:], nodes, strict=True), start=1):
            total = table.total[node]
            order = torch.where(total > 0, n, order)
            count = torch.where(total > 0, total, count)
        return Evidence(order=order, count=count, backoff=backoff, num_orders=self.order)


def count(
    ids: NDArray[np.integer], ends: NDArray[np.int64], vocab: int, config: NGramConfig
) -> NGram:
    """Count the documents `ids[ends[i - 1] : ends[i]]`, each begin … end, into a model over `vocab` ids.

    Raises DataError when there is nothing to count, an id is outside the vocabulary, or a document does not start with
    the one begin token that all others start with.
    """
    model = NGram(config, vocab)
    model._use(count_levels(ids, ends, vocab=vocab, order=config.order))
    return model


def _empty_levels(vocab: int, order: int) -> list[Level]:
    nothing = np.zeros(0, dtype=np.int64)
    zeros = np.zeros(vocab, dtype=np.int64)
    first = Level(tokens=np.arange(vocab), counts=zeros, branches=zeros)
    return [first] + [Level(tokens=nothing, counts=nothing, branches=nothing)] * (order - 1)


def _prepare_loaded(model: nn.Module, incompatible: Any) -> None:
    """After loading: derive the tables, unless the loader is about to refuse the file anyway."""
    assert isinstance(model, NGram)
    if not incompatible.missing_keys:
        model.prepare()


def _chunks(total: int, size: int) -> Iterator[slice]:
    return (slice(begin, begin + size) for begin in range(0, total, size))
