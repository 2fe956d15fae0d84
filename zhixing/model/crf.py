"""A linear-chain conditional random field: labels that are chosen together, not one by one.

    score(y | x) = start[y₁] + Σ_t scores[t, y_t] + Σ_t transitions[y_t, y_{t+1}] + end[y_n]
    log p(y | x) = score(y | x) - log Σ_{y'} exp score(y' | x)          Lafferty, McCallum & Pereira 2001, §3

The sum and the maximum over all label sequences take one step per place, because a step sees only the label before it:
the forward algorithm, and Viterbi's. `scores` come from any network that has one logit per label and place.
Padding stands at the end of a row. Left out: transitions that depend on the text, higher orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.core.errors import DataError

FORBIDDEN = -1e4
"""Added to the score of what the rules forbid; finite, so that a row without any allowed sequence has no NaN."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelRules:
    """Which label may come first and which may follow which: `follows[before, after]`."""

    first: Bool[Tensor, " labels"]
    follows: Bool[Tensor, "labels labels"]


class LinearChain(nn.Module):
    """Scores of neighbouring labels, learned beside the network that scores each place."""

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.transitions = nn.Parameter(torch.empty(labels, labels).uniform_(-0.1, 0.1))
        self.start = nn.Parameter(torch.empty(labels).uniform_(-0.1, 0.1))
        self.end = nn.Parameter(torch.empty(labels).uniform_(-0.1, 0.1))

    def forward(
        self,
        scores: Float[Tensor, "batch time labels"],
        labels: Int[Tensor, "batch time"],
        keep: Bool[Tensor, "batch time"],
    ) -> Float[Tensor, " batch"]:
        """Log-likelihood of each row's labels in nats; what `labels` holds at padding does not matter."""
        _check_keep(keep)
        return self._score(scores, labels, keep) - self._log_total(scores, keep)

    def best(
        self,
        scores: Float[Tensor, "batch time labels"],
        keep: Bool[Tensor, "batch time"],
        rules: LabelRules | None = None,
    ) -> list[list[int]]:
        """The most probable labels of each row, as long as its text; only such as `rules` allow (Viterbi 1967)."""
        _check_keep(keep)
        first: Tensor = self.start
        transitions: Tensor = self.transitions
        if rules is not None:
            first = first + (~rules.first).to(first.device) * FORBIDDEN
            transitions = transitions + (~rules.follows).to(first.device) * FORBIDDEN
        best = first + scores[:, 0]
        origins = []
        for time in range(1, scores.shape[1]):
            candidates = best[:, :, None] + transitions  # (batch, before, after)
            reached, origin = candidates.max(dim=1)
            origins.append(origin)
            best = torch.where(keep[:, time, None], reached + scores[:, time], best)
        last = (best + self.end).argmax(dim=1)
        return _walk_back(last.tolist(), origins, keep.sum(dim=1).tolist())

    def _score(self, scores: Tensor, labels: Tensor, keep: Tensor) -> Tensor:
        """The score of the given labels."""
        labels = torch.where(keep, labels, 0)
        places = scores.gather(2, labels.unsqueeze(-1)).squeeze(-1)
        steps = self.transitions[labels[:, :-1], labels[:, 1:]]
        final = labels.gather(1, keep.sum(dim=1, keepdim=True) - 1).squeeze(1)
        inside = (places * keep).sum(dim=1) + (steps * keep[:, 1:]).sum(dim=1)
        return self.start[labels[:, 0]] + inside + self.end[final]

    def _log_total(self, scores: Tensor, keep: Tensor) -> Tensor:
        """Log of the sum over all label sequences: the forward algorithm."""
        total = self.start + scores[:, 0]
        for time in range(1, scores.shape[1]):
            step = torch.logsumexp(total[:, :, None] + self.transitions, dim=1) + scores[:, time]
            total = torch.where(keep[:, time, None], step, total)
        return torch.logsumexp(total + self.end, dim=1)


def bio_rules(labels: Sequence[str]) -> LabelRules:
    """BIO: I-x continues B-x or I-x and nothing else; O and B-x may come anywhere (Ramshaw & Marcus 1995).

    Raises DataError for a label that is not O, B-… or I-….
    """
    for label in labels:
        if label != "O" and label[:2] not in ("B-", "I-"):
            raise DataError(f"the label {label!r} is not BIO; allowed are O, B-name and I-name")
    starts = torch.tensor([not label.startswith("I-") for label in labels])
    follows = torch.tensor(
        [
            [not after.startswith("I-") or before[1:] == after[1:] for after in labels]
            for before in labels
        ]
    )
    return LabelRules(first=starts, follows=follows)


def _walk_back(last: list[int], origins: list[Tensor], lengths: list[int]) -> list[list[int]]:
    """Follow the origins from the last label of each row to its first."""
    before = [origin.tolist() for origin in origins]
    paths = []
    for row, (label, length) in enumerate(zip(last, lengths, strict=True)):
        path = [label]
        for time in range(length - 2, -1, -1):
            path.append(before[time][row][path[-1]])
        paths.append(path[::-1])
    return paths


def _check_keep(keep: Tensor) -> None:
    is_prefix = keep[:, 0].all() and (keep[:, 1:] <= keep[:, :-1]).all()
    assert bool(is_prefix), "every row needs a token, and padding stands at its end"
