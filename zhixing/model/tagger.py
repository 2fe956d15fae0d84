"""A recurrent reader of texts, and a tagger made of it: BiLSTM and BiLSTM-CRF.

    tokens -> embedding -> layers that read both ways -> hidden -> perceptron -> one logit per label and place
                                                                       (-> linear chain: labels chosen together)
Huang, Xu & Yu 2015, "Bidirectional LSTM-CRF models for sequence tagging". Left out: features of characters.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from zhixing.model.crf import LinearChain
from zhixing.model.perceptron import Perceptron
from zhixing.model.protocol import Output
from zhixing.model.recurrent_stack import RecurrentStack
from zhixing.model.sequence_config import RecurrentEncoderConfig, TaggerConfig


class RecurrentEncoder(nn.Module):
    """One vector per token, from what stands before it and, with two directions, behind it."""

    def __init__(self, config: RecurrentEncoderConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time = None
        self.embed = nn.Embedding(vocab, config.embedding)
        self.dropout = nn.Dropout(config.dropout)
        self.stack = RecurrentStack(
            config.cell,
            config.embedding,
            config.width,
            layers=config.layers,
            bidirectional=config.bidirectional,
            dropout=config.dropout,
        )
        nn.init.normal_(self.embed.weight, std=config.embedding**-0.5)

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Output:
        """One vector per token; `keep` is True at tokens, False at padding, whose vectors are zero."""
        hidden, _ = self.stack(self.dropout(self.embed(tokens)), keep)
        return Output(hidden=self.dropout(hidden))

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Output:
        """The body."""
        return self.body(tokens, keep=keep)


class Tagger(nn.Module):
    """A label for every token."""

    def __init__(self, config: TaggerConfig, vocab: int) -> None:
        super().__init__()
        self.config = config
        self.vocab = vocab
        self.max_time: int | None = None
        self.encoder = RecurrentEncoder(config.encoder, vocab)
        sizes = (config.encoder.width, *config.hidden, config.labels)
        self.output = Perceptron(sizes, "relu", dropout=config.encoder.dropout)
        self.chain = LinearChain(config.labels) if config.chain else None

    def forward(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        keep: Bool[Tensor, "batch time"] | None = None,
    ) -> Float[Tensor, "batch time labels"]:
        """One logit per label and place."""
        return self.output(self.encoder.body(tokens, keep=keep).hidden)
