"""A recurrent finder of answers: a BiLSTM over question and text, and a question that points into the text.

    h_t = [forward_t ; backward_t]                  over [begin] question [end] text [end], each token told its segment
    q   = Σ b_j h_j,  b_j ∝ exp(w·h_j)              over the places j of the question
    start logit of place t = (U q + u)·h_t          end logit = (V q + v)·h_t

Chen et al. 2017, "Reading Wikipedia to answer open-domain questions" (DrQA), §3.2: the question is summed by learnt weights
and points by a bilinear form. The feature of an exact match is the third segment here. Differences: one encoder reads both
texts side by side, so that the text is read with the question in mind; u and v, without which the begin token, where no answer
is, could not be likelier than another whatever the question is. Left out: the aligned question, parts of speech, names and
frequencies. Padding is as if it were not there.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.sequence_config import RecurrentReaderConfig
from zhixing.model.tagger import RecurrentEncoder


class RecurrentReader(nn.Module):
    """Recurrent encoder, a vector of each segment, and pointers."""

    def __init__(self, config: RecurrentReaderConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.encoder = RecurrentEncoder(config.encoder, vocab)
        self.segments = nn.Embedding(config.segments, config.encoder.embedding)
        self.output = Pointers(config.encoder.width)
        nn.init.normal_(self.segments.weight, std=config.encoder.embedding**-0.5)

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        segments: Int[Tensor, "batch time"],
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time 2"]:
        """Logits of start and end at each place; segment 0 is the question, and `keep` is False at padding.

        A row needs one token of the question at least.
        """
        hidden = self.encoder.body(tokens, keep=keep, beside=self.segments(segments)).hidden
        asked = segments == 0
        return self.output(hidden, asked if keep is None else asked & keep)


class Pointers(nn.Module):
    """From what the places of a question say together to where the answer starts and ends."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(width, 1)
        self.point = nn.Linear(width, 2 * width)

    def forward(
        self, hidden: Float[Tensor, "batch time width"], asked: Bool[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time 2"]:
        """Logits of start and end at each place; `asked` is True at the places of the question."""
        weights = self.weigh(hidden).squeeze(-1).masked_fill(~asked, -torch.inf).softmax(-1)
        question = torch.einsum("bt,btw->bw", weights, hidden)
        pointers = self.point(question).unflatten(-1, (2, -1))  # (batch, start and end, width)
        return torch.einsum("btw,bpw->btp", hidden, pointers)
