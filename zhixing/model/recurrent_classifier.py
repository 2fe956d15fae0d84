"""A recurrent text classifier: a BiLSTM over the tokens, the largest (or mean) of its vectors, one linear layer.

    h_t = [forward_t ; backward_t]          v_j = max over t of h_tj          logits = W dropout(v) + b

Conneau et al. 2017, §3.2.2, without the pair of sentences. Padding is as if it were not there.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.heads import mean_of_places
from zhixing.model.sequence_config import RecurrentClassifierConfig, num_labels
from zhixing.model.tagger import RecurrentEncoder


class RecurrentClassifier(nn.Module):
    """Recurrent encoder, pooling, output layer."""

    def __init__(self, config: RecurrentClassifierConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.encoder = RecurrentEncoder(config.encoder, vocab)
        self.pooling = POOLINGS[config.pooling]
        self.dropout = nn.Dropout(config.encoder.dropout)
        self.output = nn.Linear(config.encoder.width, num_labels(config))

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch labels"]:
        """Logits of the labels; `keep` is True at tokens, False at padding; a row needs one token at least."""
        hidden = self.encoder.body(tokens, keep=keep).hidden
        return self.output(self.dropout(self.pooling(hidden, keep)))


def largest_of_places(
    hidden: Float[Tensor, "batch time width"], keep: Bool[Tensor, "batch time"] | None
) -> Float[Tensor, "batch width"]:
    """The largest of each number over all places that are not padding."""
    if keep is not None:
        hidden = hidden.masked_fill(~keep.unsqueeze(-1), -torch.inf)
    return hidden.amax(dim=1)


POOLINGS = {"max": largest_of_places, "mean": mean_of_places}
"""name -> (hidden, keep) -> one vector a row."""
