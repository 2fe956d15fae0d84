"""Writing the target of a source: greedy, or with a beam of the most probable beginnings.

    beams of a source:   start                      the `width` best beginnings are kept at every step; one that ends
                         ├─ K  ├─ K AH  …           leaves with its score and its place; the search stops when all have
                         └─ S  └─ S AE  …           ended

score = Σ log p(token | tokens before, source) / length^penalty, the end token counted (Graves 2012, §3; the divisor of
Wu et al. 2016, §7, in its plain form). With penalty 0 a score is the log-probability of the text, and a beam as wide as
the number of beginnings finds the very best text. Serves every model with encode, decode, head and new_state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.core.errors import UsageError
from zhixing.model.writer import Writer
from zhixing.objective.reading import side_by_side


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchOptions:
    """How to look for a target: `ends` are the tokens it may end with; `width` 1 is greedy; `max_tokens` counts the end
    token; `penalty` is of length.
    """

    ends: tuple[int, ...]
    width: int = 1
    max_tokens: int = 64
    penalty: float = 1.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.max_tokens < 1:
            raise UsageError(
                f"a beam of {self.width} and {self.max_tokens} tokens: both must be at least 1"
            )

    @property
    def most(self) -> int:
        """Candidates that a step needs: each beginning can end in `len(ends)` ways, and `width` are to go on."""
        return self.width * (1 + len(self.ends))


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """A target without its opening and its end, its log-probability in nats, the score it was ranked by, whether it ended."""

    ids: tuple[int, ...]
    log_prob: float
    score: float
    is_finished: bool


def translate(
    model: Writer, sources: Sequence[Sequence[int]], options: SearchOptions
) -> list[Written]:
    """The best target of each source; sources may differ in length. Raises UsageError for an empty one."""
    return [found[0] for found in search(model, sources, options)]


@torch.inference_mode()
def search(
    model: Writer, sources: Sequence[Sequence[int]], options: SearchOptions
) -> list[list[Written]]:
    """Up to `width` targets of each source, the best first."""
    if not sources:
        return []
    if not all(sources):
        raise UsageError("a source without any token cannot be translated; leave it out")
    tokens, keep = side_by_side(sources, 0, model.device)
    memory = model.encode(tokens, keep=keep)
    beams = [_Beam(options) for _ in sources]
    state = model.new_state(len(sources), options.max_tokens + len(model.opening) - 1)
    last = torch.tensor([model.opening] * len(sources), device=model.device)
    for _ in range(options.max_tokens):
        hidden = model.decode(last, memory, state=state).hidden[:, -1]
        logits = model.head(hidden).float()
        logits[:, list(model.never)] = float("-inf")
        chosen = _continue(beams, logits.log_softmax(dim=-1), options)
        if not chosen:
            break
        rows = [row for row, _ in chosen]
        last = torch.tensor([[token] for _, token in chosen], device=model.device)
        if rows != list(range(len(logits))):  # else no beginning has ended or moved
            kept = torch.tensor(rows, device=model.device)
            memory, state = memory.select(kept), state.select(kept)
    return [beam.results() for beam in beams]


def _continue(
    beams: Sequence["_Beam"], log_probs: Float[Tensor, "live vocab"], options: SearchOptions
) -> list[tuple[int, int]]:
    """Continue the beginnings of all sources; what stays alive comes back as (row it continues, token).

    The best tokens of every row are found in one go; each beam then chooses among those of its rows.
    """
    before = [total for beam in beams for _, total in beam.live]
    totals = log_probs + log_probs.new_tensor(before)[:, None]
    values, tokens = totals.topk(min(totals.shape[1], options.most))
    best = [[*zip(*row, strict=True)] for row in zip(values.tolist(), tokens.tolist(), strict=True)]
    chosen, offset = [], 0
    for beam in beams:
        live = len(beam.live)
        found = beam.step(best[offset : offset + live])
        chosen += [(offset + row, token) for row, token in found]
        offset += live
    return chosen


class _Beam:
    """The beginnings of one source's target that are still written, and the targets that have ended."""

    def __init__(self, options: SearchOptions) -> None:
        self._options = options
        self.live: list[tuple[tuple[int, ...], float]] = [((), 0.0)]
        self._ended: list[Written] = []

    def step(self, best: Sequence[Sequence[tuple[float, int]]]) -> list[tuple[int, int]]:
        """Continue every beginning with one of its (total, token); what stays alive: (row it continues, token)."""
        # An end counts when it is among the best `width` itself, and its place is not filled again (Sutskever et al.
        # 2014, §3.2): a beam of 1 is greedy.
        candidates = [
            (-total, row, token) for row, found in enumerate(best) for total, token in found
        ]
        live: list[tuple[tuple[int, ...], float]] = []
        chosen: list[tuple[int, int]] = []
        for rank, (cost, row, token) in enumerate(nsmallest(self._options.most, candidates)):
            total = -cost
            if total == float("-inf"):
                break  # nothing but what is never written is left
            ids = self.live[row][0]
            if token in self._options.ends:
                if rank < self._options.width:
                    self._ended.append(self._written(ids, total, ended=True))
            elif len(live) + len(self._ended) < self._options.width:
                live.append(((*ids, token), total))
                chosen.append((row, token))
        self.live = live
        return chosen

    def results(self) -> list[Written]:
        """The ended targets, or, where none ended in time, the beginnings; the best first."""
        found = self._ended or [self._written(ids, total, ended=False) for ids, total in self.live]
        return sorted(found, key=lambda written: -written.score)[: self._options.width]

    def _written(self, ids: tuple[int, ...], total: float, *, ended: bool) -> Written:
        length = len(ids) + ended
        score = total / length**self._options.penalty
        return Written(ids=ids, log_prob=total, score=score, is_finished=ended)
