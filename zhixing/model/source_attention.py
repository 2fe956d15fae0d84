"""Where a recurrent decoder looks in the source: a score for every place, a softmax, a weighted mean.

    additive  v · tanh(W q + U k)      Bahdanau, Cho & Bengio 2015, §A.1.2
    dot       q · k                    Luong, Pham & Manning 2015, eq. 8
    general   q · W k                  the same

    context = Σ_s softmax(scores)_s memory_s;   found = tanh(C [context ; q])       Luong et al. 2015, eq. 5

Bahdanau's decoder scores with the state before the step and gives the context to the cell; here all three kinds score with
the state after it, as Luong's, and the next step is given what was found.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class AdditiveScore(nn.Module):
    """A small network with one hidden layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.vector = nn.Parameter(torch.empty(width).uniform_(-(width**-0.5), width**-0.5))

    def keys(
        self, hidden: Float[Tensor, "batch source width"]
    ) -> Float[Tensor, "batch source width"]:
        """What is compared with a query, made once for a source."""
        return self.key(hidden)

    def forward(
        self, query: Float[Tensor, "batch time width"], keys: Float[Tensor, "batch source width"]
    ) -> Float[Tensor, "batch time source"]:
        """One score for every target place and source place."""
        both = torch.tanh(self.query(query).unsqueeze(2) + keys.unsqueeze(1))
        return both @ self.vector


class DotScore(nn.Module):
    """The dot product; it has no weights."""

    def __init__(self, width: int) -> None:
        super().__init__()

    def keys(
        self, hidden: Float[Tensor, "batch source width"]
    ) -> Float[Tensor, "batch source width"]:
        """The vectors themselves."""
        return hidden

    def forward(
        self, query: Float[Tensor, "batch time width"], keys: Float[Tensor, "batch source width"]
    ) -> Float[Tensor, "batch time source"]:
        """One score for every target place and source place."""
        return query @ keys.mT


class GeneralScore(nn.Module):
    """A dot product after a learned matrix."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.key = nn.Linear(width, width, bias=False)

    def keys(
        self, hidden: Float[Tensor, "batch source width"]
    ) -> Float[Tensor, "batch source width"]:
        """The vectors times the matrix."""
        return self.key(hidden)

    def forward(
        self, query: Float[Tensor, "batch time width"], keys: Float[Tensor, "batch source width"]
    ) -> Float[Tensor, "batch time source"]:
        """One score for every target place and source place."""
        return query @ keys.mT


SCORES: dict[str, type[AdditiveScore] | type[DotScore] | type[GeneralScore]] = {
    "additive": AdditiveScore,
    "dot": DotScore,
    "general": GeneralScore,
}
"""name -> module."""


class SourceAttention(nn.Module):
    """Look at the source, and join what is there with the query; `weights` gives how much of each place."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.score = SCORES[kind](width)
        self.weights = nn.Softmax(dim=-1)
        self.combine = nn.Linear(2 * width, width, bias=False)

    def forward(
        self,
        query: Float[Tensor, "batch time width"],
        keys: Float[Tensor, "batch source width"],
        hidden: Float[Tensor, "batch source width"],
        keep: Bool[Tensor, "batch source"] | None,
    ) -> Float[Tensor, "batch time width"]:
        """What was found for each query; `keep` is False at padding, which is not looked at."""
        scores = self.score(query, keys)
        if keep is not None:
            scores = scores.masked_fill(~keep.unsqueeze(1), -torch.inf)
        context = self.weights(scores) @ hidden
        return torch.tanh(self.combine(torch.cat((context, query), dim=-1)))
