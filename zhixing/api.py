"""The facade: one object for a model folder.

    model = zhixing.load("runs/quickstart/gpt")
    model.generate("Once upon a time", max_tokens=64, temperature=0.8, seed=1).text

The names are those of DESIGN's "From Python", for every kind of model; what a kind cannot do is refused by name.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Unpack, cast, final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zhixing.checkpoint.folder import Loaded, load_model
from zhixing.checkpoint.manifest import Manifest
from zhixing.core.errors import DataError, UnsupportedError
from zhixing.engine.engine import Engine
from zhixing.engine.request import (
    Finish,
    Request,
    Sampling,
    SamplingParams,
    TokenEvent,
    sampling_params,
)
from zhixing.model.protocol import LanguageModel
from zhixing.objective.likelihood import token_nats
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer, num_bytes
from zhixing.vectors.folder import is_vectors_folder
from zhixing.vectors.word_model import WordModel


def load(folder: str | Path) -> "Model":
    """Open a model folder: ours of any kind, or a Hugging Face folder of Qwen3's shape.

    A folder of word vectors gives a `zhixing.vectors.word_model.WordModel`, which offers nearest words and refuses by
    name what only a language model can do.
    Raises CheckpointError for a broken, edited or unsafe folder, UnsupportedError for a model we cannot compute.
    """
    path = Path(folder).expanduser()
    if is_vectors_folder(path):
        return cast("Model", WordModel(path))
    return Model(load_model(path))


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


@final
class Model:
    """A model with its tokenizer, ready for use."""

    def __init__(self, loaded: Loaded[LanguageModel]) -> None:
        self._loaded = loaded
        self._engine = Engine(loaded.model, loaded.tokenizer, ends=loaded.ends)
        self._ids = itertools.count()

    @property
    def kind(self) -> str:
        """One of decoder, rnn, lstm, gru, ngram, mixture."""
        return self._loaded.manifest.model_kind

    @property
    def network(self) -> LanguageModel:
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

    def logits(self, ids: Sequence[int]) -> Float[Tensor, "time vocab"]:
        """Scores (natural logarithm, not normalised) for the token after each position, float32.

        Raises UnsupportedError for more ids than the model reads at once.
        """
        tokens = torch.tensor([list(ids)], dtype=torch.long, device=self.network.device)
        self._check_fits(tokens.shape[1])
        with torch.no_grad():
            output = self.network.body(tokens)
            return self.network.head(output.hidden[0]).float().cpu()

    def score(self, text: str) -> TextScore:
        """Bits the model needs for a text of any length, after the begin token and without an end token.

        Raises DataError for a text with something the tokenizer does not know: its bits would be of another text.
        """
        ids = self._opening(text)
        unknown = self.tokenizer.specials.get(Special.UNKNOWN)
        if unknown in ids:
            raise DataError(
                f"{ids.count(unknown)} pieces of the text are unknown to this model's tokenizer, so its "
                "bits cannot be measured; a byte-level tokenizer knows every text"
            )
        nats = token_nats(self.network, ids)
        bits = float(nats.sum()) / math.log(2)
        return TextScore(bits=bits, bytes=num_bytes(text), tokens=len(nats))

    def generate(self, prompt: str, **settings: Unpack[Sampling]) -> Generation:
        """Continue a prompt; the settings are the fields of SamplingParams.

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
        """Continue a prompt token by token; settings and errors as in `generate`."""
        return self.run(prompt, sampling_params(settings))

    def run(self, prompt: str, params: SamplingParams) -> Iterator[TokenEvent]:
        """Continue a prompt token by token under ready-made settings; closing the iterator stops."""
        tokens = tuple(self._opening(prompt))
        return self._engine.run(Request(id=f"{next(self._ids)}", tokens=tokens, params=params))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One vector of unit length per text, (texts, width): the mean of the hidden vectors of its tokens.

        Raises UnsupportedError for a text longer than the model reads at once, or a model without hidden vectors.
        """
        width = getattr(self.network.config, "width", None)
        if width is None:
            self._refuse("embed", "a model with hidden vectors (decoder, rnn, gru or lstm)")
        vectors = np.zeros((len(texts), width), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._embed(text)
        return vectors

    def classify(self, texts: Sequence[str]) -> NoReturn:
        """Refused: needs a classification head."""
        self._refuse("classify", "an encoder with a classification head")

    def tag(self, texts: Sequence[str]) -> NoReturn:
        """Refused: needs a tagging head."""
        self._refuse("tag", "an encoder with a tagging head")

    def answer(self, question: str, context: str) -> NoReturn:
        """Refused: needs a span head."""
        self._refuse("answer", "an encoder with a span head")

    def translate(self, texts: Sequence[str]) -> NoReturn:
        """Refused: needs an encoder-decoder."""
        self._refuse("translate", "an encoder-decoder trained on pairs of texts")

    def summarise(self, texts: Sequence[str]) -> NoReturn:
        """Refused: needs an encoder-decoder."""
        self._refuse("summarise", "an encoder-decoder trained on texts and their summaries")

    def rank(self, query: str, items: Sequence[str]) -> NoReturn:
        """Refused: needs a ranking head."""
        self._refuse("rank", "an encoder trained to rank")

    def _opening(self, text: str) -> list[int]:
        """The ids of a text that goes on: without the end token that some folders append."""
        ids = self.encode(text)
        return ids[:-1] if ids and ids[-1] in self._loaded.ends else ids

    def _embed(self, text: str) -> NDArray[np.float32]:
        ids = self.encode(text)
        self._check_fits(len(ids))
        tokens = torch.tensor([ids], dtype=torch.long, device=self.network.device)
        with torch.inference_mode():
            mean = self.network.body(tokens).hidden[0].double().mean(0)
            unit = torch.nn.functional.normalize(mean, dim=0)
        vector: NDArray[np.float32] = unit.float().cpu().numpy()
        return vector

    def _check_fits(self, count: int) -> None:
        longest = self.network.max_time
        if longest is not None and count > longest:
            raise UnsupportedError(
                f"{count} tokens are more than the {longest} this model reads at once; "
                "nothing is cut silently: split the text (score() takes any length)"
            )

    def _refuse(self, verb: str, needed: str) -> NoReturn:
        raise UnsupportedError(
            f"this model is of the kind {self.kind!r}: it predicts the next token and cannot {verb}; "
            f"{verb} needs {needed}"
        )
