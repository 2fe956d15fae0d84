"""What every opened model answers to: its ids, its vectors, and a refusal by name for what its kind cannot do."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn, Unpack

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zhixing.checkpoint.folder import Loaded
from zhixing.checkpoint.manifest import Manifest
from zhixing.core.errors import UnsupportedError, UsageError
from zhixing.engine.request import Finish, Sampling, SamplingParams, TokenEvent, sampling_params
from zhixing.model.assembly import Network
from zhixing.tokenizer.tokenizer import Tokenizer

NEEDS = {
    "logits": "a model that predicts tokens: a language model, an encoder-decoder, an encoder with a masked head",
    "score": "a model that predicts the next token",
    "generate": "a model that predicts the next token, or an encoder-decoder",
    "embed": "a model with hidden vectors (an encoder, decoder, rnn, gru or lstm)",
    "classify": "an encoder with a classification head",
    "tag": "an encoder with a tagging head",
    "answer": "an encoder with a span head",
    "translate": "an encoder-decoder trained on pairs of texts",
    "summarise": "an encoder-decoder trained on texts and their summaries",
    "rank": "an encoder trained to rank",
}
"""Verb -> what a model needs for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """A finished continuation: `ids` are all tokens chosen (an end token too), `logprobs` (nats) one for each.

    `text` ends before a stop string; the prompt is not part of it.
    """

    text: str
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    finish: Finish


@dataclass(frozen=True, kw_only=True, slots=True)
class TextScore:
    """How well a model predicts a text: `bits` for all its `tokens`, and the text's size in UTF-8 `bytes`."""

    bits: float
    bytes: int
    tokens: int


class Model:
    """A model with its tokenizer, ready for use; a verb that its kind does not have raises UnsupportedError."""

    does = "has no verb of its own"
    """What this kind of model is for, in a refusal."""

    def __init__(self, loaded: Loaded[Network]) -> None:
        self._loaded = loaded
        self._ids = itertools.count()

    @property
    def kind(self) -> str:
        """The kind in its configuration: decoder, lstm, ngram, encoder, encoder-decoder and so on."""
        return self._loaded.manifest.model_kind

    @property
    def network(self) -> Network:
        """The torch module."""
        return self._loaded.model

    @property
    def num_parameters(self) -> int:
        """Numbers learnt from data: weights, shared ones once, and the counts of an n-gram model."""
        weights = sum(parameter.numel() for parameter in self.network.parameters())
        counted = getattr(self.network, "ngram", self.network)
        return weights + getattr(counted, "num_ngrams", 0)

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer of the folder."""
        return self._loaded.tokenizer

    @property
    def manifest(self) -> Manifest:
        """Step, tokens and hashes of the folder."""
        return self._loaded.manifest

    def encode(self, text: str) -> list[int]:
        """Token ids, with the special tokens that the folder asks for."""
        return list(self.tokenizer.encode(text).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; special tokens are left out."""
        return self.tokenizer.decode(list(ids))

    def logits(
        self, ids: Sequence[int], *, source: Sequence[int] | None = None
    ) -> Float[Tensor, "time vocab"]:
        """Scores (natural logarithm, not normalised), float32: for the token after each position, given the source
        in an encoder-decoder; for the token at each position in an encoder with a masked head.

        Raises UnsupportedError for more ids than the model reads at once, UsageError for a source too many or none.
        """
        self._refuse("logits")

    def score(self, text: str) -> TextScore:
        """Bits the model needs for a text."""
        self._refuse("score")

    def generate(self, prompt: str, **settings: Unpack[Sampling]) -> Generation:
        """Continue a prompt, or answer it in an encoder-decoder; the settings are the fields of SamplingParams.

        Raises UsageError for a setting out of range and for a prompt longer than the context.
        """
        events = list(self.stream(prompt, **settings))
        finish = events[-1].finish
        assert finish is not None, "the last event of a request says why it ended"
        return Generation(
            text="".join(event.text for event in events),
            ids=tuple(event.token for event in events),
            logprobs=tuple(event.logprob for event in events),
            finish=finish,
        )

    def stream(self, prompt: str, **settings: Unpack[Sampling]) -> Iterator[TokenEvent]:
        """Generate token by token; settings and errors as in `generate`."""
        return self.run(prompt, sampling_params(settings))

    def run(self, prompt: str, params: SamplingParams) -> Iterator[TokenEvent]:
        """Generate token by token under ready-made settings; closing the iterator stops."""
        self._refuse("generate")

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of unit length per text, (texts, width): the mean of the hidden vectors of its tokens.

        Raises UnsupportedError for a text longer than the model reads at once, or a model without hidden vectors.
        """
        width = getattr(self.network.config, "width", 0)
        if not texts and width:
            return np.zeros((0, width), dtype=np.float32)
        rows = [self._embed(text) for text in texts]
        return np.stack(rows) if rows else self._refuse("embed")

    def classify(self, texts: Sequence[str]) -> NoReturn:
        """Refused by every kind so far."""
        self._refuse("classify")

    def tag(self, texts: Sequence[str]) -> NoReturn:
        """Refused by every kind so far."""
        self._refuse("tag")

    def answer(self, question: str, context: str) -> NoReturn:
        """Refused by every kind so far."""
        self._refuse("answer")

    def translate(self, texts: Sequence[str]) -> list[str]:
        """The most probable target of each text, token by token."""
        self._refuse("translate")

    def summarise(self, texts: Sequence[str]) -> list[str]:
        """The most probable target of each text, token by token."""
        self._refuse("summarise")

    def rank(self, query: str, items: Sequence[str]) -> NoReturn:
        """Refused by every kind so far."""
        self._refuse("rank")

    def _hidden(self, ids: Sequence[int]) -> Tensor:
        """The hidden vector of each token, (time, width)."""
        self._refuse("embed")

    def _embed(self, text: str) -> NDArray[np.float32]:
        ids = self.encode(text)
        self._check_fits(len(ids))
        with torch.inference_mode():
            mean = self._hidden(ids).double().mean(0)
            unit = torch.nn.functional.normalize(mean, dim=0)
        vector: NDArray[np.float32] = unit.float().cpu().numpy()
        return vector

    def _next_id(self) -> str:
        return f"{next(self._ids)}"

    def _check_fits(self, count: int) -> None:
        longest = getattr(self.network, "max_time", None)
        if longest is not None and count > longest:
            raise UnsupportedError(
                f"{count} tokens are more than the {longest} this model reads at once; "
                "nothing is cut silently: split the text (score() takes any length)"
            )

    def _check_source(self, source: Sequence[int] | None) -> None:
        if source is not None:
            raise UsageError(
                f"this model is of the kind {self.kind!r}: it {self.does} and reads no source; leave source out"
            )

    def _refuse(self, verb: str) -> NoReturn:
        raise UnsupportedError(
            f"this model is of the kind {self.kind!r}: it {self.does} and cannot {verb}; "
            f"{verb} needs {NEEDS[verb]}"
        )
