"""Choosing the next token from logits, in a fixed and documented order.

1. repetition penalty on the logits of every token already in the prompt or the answer (Keskar et al. 2019,
   CTRL, section 4.1; positive logits are divided by it, negative ones multiplied);
2. temperature: logits / temperature; 0 takes the most probable token and ends here;
3. top-k: the k most probable tokens stay (Fan et al. 2018, section 5.1);
4. top-p: of those, renormalised, the fewest whose probabilities reach p stay (Holtzman et al. 2020, section 3.1);
5. min-p: of those, the ones with at least min_p times the probability of the most probable (Nguyen et al. 2024);
6. one draw from what stayed, renormalised, by inverting the cumulative distribution.

Ties go to the smaller id. The most probable token always stays. Every sampler owns its generator and draws one
number per token, so a seed gives the same text whatever else is generated beside it. The order of 1 to 5 is the
one of transformers. `logprob` and `top` are under the untouched distribution. Left out: beam search, typical and
mirostat sampling, frequency and presence penalties, biases.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zhixing.core.errors import ZhixingError
from zhixing.engine.request import SamplingParams

_FIRST_LOOK = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A chosen token, its log-probability (nats) and the most probable tokens with theirs, most probable first."""

    token: int
    logprob: float
    top: Mapping[int, float] = field(default_factory=dict)


class Sampler:
    """Chooses the tokens of one request; remembers what was seen and how far its random stream is."""

    def __init__(self, params: SamplingParams, prompt: Sequence[int]) -> None:
        self._params = params
        self._generator = torch.Generator().manual_seed(params.seed)
        self._penalises = params.repetition_penalty != 1.0
        self._seen = torch.tensor(sorted(set(prompt)) if self._penalises else [], dtype=torch.long)

    def choose(self, logits: Float[Tensor, " vocab"]) -> Choice:
        """The next token. Raises ZhixingError when the logits are not numbers."""
        scores = logits.to(torch.float32)
        normaliser = float(torch.logsumexp(scores, 0))
        if not math.isfinite(normaliser):
            raise ZhixingError(
                "the model's output is not a number (NaN or infinite): its weights are broken or training diverged; "
                "use an earlier checkpoint"
            )
        token = self._token(self._penalise(scores))
        logprob = float(scores[token]) - normaliser
        self._remember(token)
        if not self._params.top_logprobs:
            return Choice(token=token, logprob=logprob)
        best = torch.topk(scores, self._params.top_logprobs)
        values = (best.values - normaliser).tolist()
        top = dict(zip(best.indices.tolist(), values, strict=True))
        return Choice(token=token, logprob=logprob, top=top)

    def _penalise(self, scores: Tensor) -> Tensor:
        if not self._penalises:
            return scores
        penalty = self._params.repetition_penalty
        seen = scores[self._seen]
        return scores.index_copy(
            0, self._seen, torch.where(seen > 0, seen / penalty, seen * penalty)
        )

    def _token(self, scores: Tensor) -> int:
        if self._params.temperature == 0:
            return int(torch.argmax(scores))
        draw = torch.rand((), generator=self._generator, dtype=torch.float64)
        # Subtracting the maximum first: a tiny temperature must not overflow.
        scaled = (scores.double() - scores.max()) / self._params.temperature
        ids, probabilities = kept(scaled, self._params)
        cumulative = torch.cumsum(probabilities, 0)
        place = torch.searchsorted(cumulative, draw * cumulative[-1], right=True)
        return int(ids[place.clamp_max(len(ids) - 1)])

    def _remember(self, token: int) -> None:
        if self._penalises and not bool((self._seen == token).any()):
            self._seen = torch.cat([self._seen, torch.tensor([token])])


def kept(
    logits: Float[Tensor, " vocab"], params: SamplingParams
) -> tuple[Int[Tensor, " kept"], Float[Tensor, " kept"]]:
    """The ids that top-k, top-p and min-p leave, and their probabilities (not renormalised; float64).

    `logits` are already penalised and divided by the temperature. Without top-k and top-p the ids come in id
    order, otherwise from the most probable on.
    """
    vocab = len(logits)
    if params.top_k is None and params.top_p == 1.0:
        probabilities = torch.softmax(logits, 0)
        floor = params.min_p * probabilities.max()
        ids = torch.nonzero((probabilities >= floor) & (probabilities > 0)).squeeze(1)
        return ids, probabilities[ids]
    count = min(params.top_k or vocab, vocab)
    top = _most_probable(logits, count, params.top_p)
    probabilities = torch.exp(logits[top] - _normaliser(logits, top, count))
    stays = (probabilities >= params.min_p * probabilities[0]) & (probabilities > 0)
    if params.top_p < 1.0:  # at 1 rounding must not cut the tail
        before = torch.cumsum(probabilities, 0) - probabilities
        stays &= before < params.top_p
    return top[stays], probabilities[stays]


def _most_probable(logits: Tensor, count: int, top_p: float) -> Tensor:
    """Ids from the most probable on, ties to the smaller id: `count`, or fewer that surely reach `top_p`.

    Sorting a whole vocabulary costs more than a small model's step, and the nucleus is nearly always small.
    """
    vocab = len(logits)
    if count == vocab and vocab > _FIRST_LOOK:
        few = _top(logits, _FIRST_LOOK)
        mass = torch.exp(logits[few] - torch.logsumexp(logits, 0)).sum()
        if float(mass) > top_p:
            return few
    return _top(logits, count)


def _top(logits: Tensor, count: int) -> Tensor:
    """The ids of the `count` largest logits, in order, ties to the smaller id."""
    if count >= len(logits):
        return torch.sort(logits, descending=True, stable=True).indices
    # topk does not say which of several equal values it takes: take all that reach the last, then sort those.
    last = torch.topk(logits, count).values[-1]
    reach = torch.nonzero(logits >= last).squeeze(1)
    order = torch.sort(logits[reach], descending=True, stable=True).indices
    return reach[order[:count]]


def _normaliser(logits: Tensor, top: Tensor, count: int) -> Tensor:
    """Log of the total weight that top-k leaves; `top` may hold fewer tokens than that."""
    return torch.logsumexp(logits[top] if count < len(logits) else logits, 0)
