"""A neural model and an n-gram model, mixed with a weight that depends on the context.

    p(token | context) = w p_neural(token | context) + (1 - w) p_ngram(token | context),      0 < w < 1

The idea: the n-gram knows word for word what it has read, the neural model generalises; which one to trust shows in
what they say before the token is known: how long a context the n-gram has seen and how often, how sure each of the two
is, whether they agree. A gate of one hidden layer reads these facts and gives w. It is fitted by maximum likelihood on
held-in documents that neither model was trained on (on training documents the n-gram would look far too good).

Sources: Jelinek & Mercer 1980 for weights by context fitted on held-in text; Jacobs et al. 1991 for a gate over experts.
Left out: more than two models, training the models and the gate together.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Self, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.core.targets import IGNORED
from zhixing.model.config import MixtureConfig
from zhixing.model.decoder import Decoder
from zhixing.model.ngram import CHUNK, Evidence, NGram
from zhixing.model.protocol import LanguageModel, Output, State
from zhixing.model.recurrent import Recurrent

Combine = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(log-odds of the neural model, its log-probabilities, those of the n-gram model) -> what is wanted per place."""
PIECE = 256
"""Longest input, in tokens, when the gate is fitted."""
ROWS = 16
"""Inputs per batch when the gate is fitted."""
STEPS = 60
"""Most iterations of L-BFGS."""
DECAY = 1e-4
"""Weight of the squared gate weights in the fitted objective."""


class MixtureState:
    """The states of both models."""

    def __init__(self, neural: State, ngram: State) -> None:
        self.neural = neural
        self.ngram = ngram

    @property
    def length(self) -> int:
        """Tokens read so far."""
        return self.neural.length

    def select(self, rows: Int[Tensor, " kept"]) -> Self:
        """A new state of the given rows."""
        return type(self)(self.neural.select(rows), self.ngram.select(rows))


class Gate(nn.Module):
    """Facts about a context to the log-odds of trusting the neural model; starts at even odds."""

    mean: Tensor
    scale: Tensor

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.inner = nn.Linear(features, hidden)
        self.outer = nn.Linear(hidden, 1)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, features: Float[Tensor, "places features"]) -> Float[Tensor, " places"]:
        """Log-odds, any real number; the weight of the neural model is their sigmoid."""
        standard = (features - self.mean) / self.scale
        odds: Tensor = self.outer(torch.tanh(self.inner(standard)))
        return odds.squeeze(-1)


class Mixture(LanguageModel):
    """See the module. The two models are used as they are, not copied."""

    def __init__(self, config: MixtureConfig, neural: Decoder | Recurrent, ngram: NGram) -> None:
        super().__init__()
        if neural.vocab != ngram.vocab:
            raise UnsupportedError(
                f"a mixture needs one tokenizer: the neural model has {neural.vocab} ids, "
                f"the n-gram model {ngram.vocab}"
            )
        self.config = config
        self.vocab = neural.vocab
        self.max_time = neural.max_time
        self.neural = neural
        self.ngram = ngram
        self.gate = Gate(num_features(ngram.order), config.hidden)

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body. `hidden` is the neural model's, then the n-gram model's."""
        both = cast(MixtureState | None, state)
        neural = self.neural.body(
            tokens, positions=positions, documents=documents, state=both and both.neural
        )
        ngram = self.ngram.body(tokens, documents=documents, state=both and both.ngram)
        hidden = torch.cat([neural.hidden.to(torch.float32), ngram.hidden], dim=-1)
        return Output(hidden=hidden, state=state)

    def head(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Natural logarithms of the mixed probabilities."""
        return self._by_chunk(hidden, self.vocab, _mix)

    def weight(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places"]:
        """How much the neural model counts at each place, 0 … 1."""
        return self._by_chunk(hidden, 1, _weight_alone).squeeze(-1)

    def new_state(self, batch: int, capacity: int) -> MixtureState:
        """Empty states of both models."""
        return MixtureState(
            self.neural.new_state(batch, capacity), self.ngram.new_state(batch, capacity)
        )

    def views(
        self, places: Float[Tensor, "places width"]
    ) -> tuple[Float[Tensor, "places vocab"], Float[Tensor, "places vocab"], Evidence]:
        """Log-probabilities of the neural model, those of the n-gram model, and the latter's evidence."""
        past = self.ngram.order - 1
        width = places.shape[-1] - past
        dtype = next(self.neural.parameters()).dtype
        logits = self.neural.head(places[:, :width].to(dtype))
        probability, evidence = self.ngram.distribution(places[:, width:])
        return F.log_softmax(logits.to(torch.float32), dim=-1), probability.log_(), evidence

    def _by_chunk(
        self, hidden: Float[Tensor, "*places width"], size: int, combine: Combine
    ) -> Float[Tensor, "*places size"]:
        """`combine` some places at a time: every pass over the vocabulary then stays in the cache."""
        places = hidden.reshape(-1, hidden.shape[-1])
        parts = [
            combine(self.gate(gate_features(*views)), views[0], views[1])
            for views in map(self.views, torch.split(places, max(1, CHUNK // self.vocab)))
        ]
        return torch.cat(parts).view(*hidden.shape[:-1], size)


def _mix(odds: Tensor, neural: Tensor, ngram: Tensor) -> Tensor:
    odds = odds.unsqueeze(-1)
    return (neural + F.logsigmoid(odds)).logaddexp(ngram + F.logsigmoid(-odds))


def _weight_alone(odds: Tensor, neural: Tensor, ngram: Tensor) -> Tensor:
    return odds.sigmoid().unsqueeze(-1)


def num_features(order: int) -> int:
    """How many facts the gate reads beside an n-gram model of this order."""
    return order + 8


def gate_features(
    neural: Float[Tensor, "places vocab"], ngram: Float[Tensor, "places vocab"], evidence: Evidence
) -> Float[Tensor, "places features"]:
    """Facts about both predictions, from their log-probabilities; none of them looks at the target.

    Entropy and best log-probability of each, log-probability each gives to the other's favourite, log count of the
    longest seen context, log share left to the unigrams, and which length that context has (one of n).
    """
    best_neural, favourite_neural = neural.max(dim=-1)
    best_ngram, favourite_ngram = ngram.max(dim=-1)
    facts = [
        _entropy(neural),
        _entropy(ngram),
        best_neural,
        best_ngram,
        neural.gather(-1, favourite_ngram.unsqueeze(-1)).squeeze(-1),
        ngram.gather(-1, favourite_neural.unsqueeze(-1)).squeeze(-1),
        evidence.count.log1p(),
        evidence.backoff.log(),
    ]
    length = F.one_hot(evidence.order, evidence.num_orders).to(torch.float32)
    return torch.cat([torch.stack(facts, dim=-1), length], dim=-1)


def _entropy(logs: Float[Tensor, "places vocab"]) -> Float[Tensor, " places"]:
    """Expected surprise in nats."""
    return -(logs.exp() * logs).sum(dim=-1)


def fit(
    neural: Decoder | Recurrent,
    ngram: NGram,
    documents: Sequence[Sequence[int]],
    *,
    max_tokens: int = 50_000,
    hidden: int = 16,
    seed: int = 42,
) -> Mixture:
    """Fit the gate on held-in documents (each begin … end) that neither model was made from; seconds, deterministic.

    When they hold more than `max_tokens` targets, a random choice of documents (by `seed`) is used, not the first ones.
    Raises DataError when they hold no target, UnsupportedError when the vocabularies differ.
    """
    config = MixtureConfig(neural=neural.config, ngram=ngram.config, hidden=hidden)
    mixture = Mixture(config, neural, ngram)
    generator = torch.Generator().manual_seed(seed)
    pieces = _choose_pieces(mixture, documents, max_tokens, generator)
    was_training = neural.training
    mixture.eval()
    with torch.no_grad():
        seen = [_observe(mixture, batch) for batch in _batches(pieces)]
    features, neural_log, ngram_log = (torch.cat(part) for part in zip(*seen, strict=True))
    _fit_gate(mixture.gate, features, neural_log, ngram_log, generator)
    neural.train(was_training)
    return mixture


def _choose_pieces(
    mixture: Mixture,
    documents: Sequence[Sequence[int]],
    max_tokens: int,
    generator: torch.Generator,
) -> list[Int[Tensor, " piece"]]:
    """Pieces of one input more than PIECE (or the model's limit) tokens, of documents in random order."""
    length = min(PIECE, mixture.max_time or PIECE)
    pieces: list[Tensor] = []
    targets = 0
    for number in torch.randperm(len(documents), generator=generator).tolist():
        document = torch.as_tensor(documents[number], dtype=torch.int64)
        for begin in range(0, len(document) - 1, length):
            piece = document[begin : begin + length + 1][: max_tokens - targets + 1]
            if len(piece) < 2:
                break
            pieces.append(piece)
            targets += len(piece) - 1
    if not pieces:
        raise DataError(
            "there is no held-in text to fit the mixture on: give it validation documents of two tokens or more"
        )
    return sorted(pieces, key=len)


def _batches(pieces: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and targets of ROWS pieces of similar length, filled up at the end; targets there are -100."""
    for begin in range(0, len(pieces), ROWS):
        rows = pieces[begin : begin + ROWS]
        tokens = nn.utils.rnn.pad_sequence([row[:-1] for row in rows], batch_first=True)
        targets = nn.utils.rnn.pad_sequence([row[1:] for row in rows], True, float(IGNORED))
        yield tokens, targets


def _observe(mixture: Mixture, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Gate features of every target, and the log-probability each model gave it."""
    tokens, targets = (part.to(mixture.device) for part in batch)
    counted = targets != IGNORED
    places, wanted = mixture.body(tokens).hidden[counted], targets[counted]
    parts = []
    size = max(1, CHUNK // mixture.vocab)
    for chunk, target in zip(torch.split(places, size), torch.split(wanted, size), strict=True):
        neural, ngram, evidence = mixture.views(chunk)
        target = target.unsqueeze(-1)
        logs = (neural.gather(-1, target).squeeze(-1), ngram.gather(-1, target).squeeze(-1))
        parts.append((gate_features(neural, ngram, evidence), *logs))
    features, neural_log, ngram_log = (torch.cat(part) for part in zip(*parts, strict=True))
    return features, neural_log, ngram_log


def _fit_gate(
    gate: Gate, features: Tensor, neural: Tensor, ngram: Tensor, generator: torch.Generator
) -> None:
    """Maximum likelihood with a little weight decay, by L-BFGS on all targets at once."""
    spread, mean = torch.std_mean(features, dim=0, correction=0)
    gate.mean.copy_(mean)
    gate.scale.copy_(torch.where(spread > 1e-6, spread, 1.0))
    start = torch.randn(gate.inner.weight.shape, generator=generator)
    with torch.no_grad():
        gate.inner.weight.copy_(start * features.shape[1] ** -0.5)
        gate.inner.bias.zero_()
    optimizer = torch.optim.LBFGS(gate.parameters(), max_iter=STEPS, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        optimizer.zero_grad()
        odds = gate(features)
        likelihood = (neural + F.logsigmoid(odds)).logaddexp(ngram + F.logsigmoid(-odds))
        decay = sum(weight.square().sum() for weight in (gate.inner.weight, gate.outer.weight))
        loss = DECAY * decay - likelihood.mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        optimizer.step(objective)  # type: ignore[no-untyped-call]
    gate.requires_grad_(False)
