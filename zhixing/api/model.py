"""What every opened model answers to: its ids, its vectors, and a refusal by name for what it cannot do."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Unpack

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zhixing.api.inputs import (
    check_is_list,
    check_is_one_text,
    check_is_text,
    cut_to,
    each_of,
    in_batches,
    input_of,
)
from zhixing.api.recommending import Scorer, by_texts, check_histories, recommended
from zhixing.api.results import Answer, Label, Ranked, Recommended, Tagged, Text
from zhixing.checkpoint.folder import Loaded
from zhixing.checkpoint.manifest import Manifest
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.engine.request import Finish, Sampling, SamplingParams, TokenEvent, sampling_params
from zhixing.model.assembly import Network
from zhixing.model.heads import mean_of_places
from zhixing.model.protocol import device_of
from zhixing.objective.learnt import Learnt, longest_input
from zhixing.objective.reading import read, side_by_side
from zhixing.tokenizer.chat import Message
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer

NEEDS = {
    "logits": "a model that predicts tokens: a language model, an encoder-decoder, an encoder with a masked head",
    "score": "a model that predicts the next token",
    "generate": "a model that predicts the next token, or an encoder-decoder",
    "chat": "a model that predicts the next token, with a chat template (recipe chat, or the folder of a chat model)",
    "similarity": "a model with hidden vectors (an encoder, decoder, rnn, gru or lstm)",
    "embed": "a model with hidden vectors (an encoder, decoder, rnn, gru or lstm)",
    "classify": "a model taught the objective classify, or an encoder with a classification head",
    "regress": "a model taught the objective regress, or an encoder with a classification head of one output",
    "tag": "a model taught the objective tag, or an encoder with a tagging head",
    "answer": "a model taught the objective span, or an encoder with a span head",
    "translate": "an encoder-decoder trained on pairs of texts",
    "summarise": "an encoder-decoder trained on texts and their summaries",
    "rank": "a model taught the objective rank, or an encoder with a classification head of one output",
    "recommend": "a model with hidden vectors, best one taught the objective similar, or one that classifies histories",
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
class Reply:
    """An answer in the making: its events, and how many exchanges at the beginning are out of the model's sight."""

    events: Iterator[TokenEvent]
    left_out: int


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
        self._recommends: tuple[list[tuple[str, str]], bool, Scorer] | None = None

    @property
    def kind(self) -> str:
        """The kind in its configuration: decoder, lstm, ngram, encoder, encoder-decoder and so on."""
        return self._loaded.manifest.model_kind

    @property
    def network(self) -> Network:
        """The torch module."""
        return self._loaded.model

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that this folder's model answers to; the others refuse."""
        vectors = ("embed", "similarity", "recommend") if self._has_vectors else ()
        return ("encode", "decode", *vectors)

    def require(self, method: str) -> None:
        """Raise UnsupportedError, naming what there is, unless the model answers to `method`."""
        if method not in self.methods:
            self._refuse(method)

    @property
    def learnt(self) -> Learnt | None:
        """What it was taught to answer; None for a model that continues texts, and for one made elsewhere."""
        return self._loaded.learnt

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
        """Token ids, with the special tokens that the folder asks for. Raises DataError for what is no text."""
        check_is_one_text(text)
        return list(self.tokenizer.encode(text).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of token ids; special tokens are left out. Raises UsageError for what is no list of ids."""
        check_is_list("ids", ids)
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
        return _finished(list(self.stream(prompt, **settings)))

    def stream(self, prompt: str, **settings: Unpack[Sampling]) -> Iterator[TokenEvent]:
        """Generate token by token; settings and errors as in `generate`."""
        check_is_one_text(prompt)
        return self.run(prompt, sampling_params(settings))

    def run(self, prompt: str, params: SamplingParams) -> Iterator[TokenEvent]:
        """Generate token by token under ready-made settings; closing the iterator stops."""
        self._refuse("generate")

    def chat(self, messages: Sequence[Message], **settings: Unpack[Sampling]) -> Generation:
        """The answer to a conversation, a list such as [{"role": "user", "content": "…"}]; settings as in `generate`.

        Of a conversation that does not fit the oldest exchanges are left out (`reply` says how many). Raises DataError for
        messages that are none, UsageError when not even the last one fits.
        """
        return _finished(list(self.reply(messages, sampling_params(settings)).events))

    def reply(self, messages: Sequence[Message], params: SamplingParams) -> Reply:
        """The same token by token under ready-made settings."""
        self._refuse("chat")

    def embed(self, texts: Sequence[str], *, cut: bool = False) -> NDArray[np.float32]:
        """One vector of unit length per text, (texts, width): the mean of the hidden vectors of its tokens.

        cut: a text longer than the model reads at once loses its last tokens; else it raises UnsupportedError, as a
        model without hidden vectors does. Raises DataError for a text without any token.
        """
        if not self._has_vectors:
            self._refuse("embed")
        return self._embedded(each_of("texts", texts, lambda text: self._vector_ids(text, cut=cut)))

    def _embedded(self, ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        rows = in_batches([len(each) for each in ids], lambda places: self._vectors(ids, places))
        width: int = getattr(self.network.config, "width", 0)
        return np.array(rows, dtype=np.float32).reshape(len(rows), width)

    def similarity(self, one: str, other: str) -> float:
        """The cosine between the vectors of two texts, -1 to 1."""
        first, second = self.embed([one, other]).astype(np.float64)
        return float(first @ second)

    def classify(
        self, texts: Sequence[Text], *, cut: bool = False, at_least: float = 0.0
    ) -> list[Label]:
        """The label of each text, or of each pair (first, second), with the probability of every label.

        A text that is longer than those of training is refused; cut: it loses its last tokens, as in training.
        at_least (0 to 1): the label is "abstain" where none is so probable. Raises DataError for an empty text, or a pair
        where single texts were learnt and the reverse; UnsupportedError for at_least where there are no probabilities.
        """
        self._refuse("classify")

    def regress(self, texts: Sequence[Text], *, cut: bool = False) -> list[float]:
        """The number that belongs to each text, or to each pair (first, second); see classify."""
        self._refuse("regress")

    def tag(
        self,
        texts: Sequence[str | Sequence[str]],
        *,
        predicates: Sequence[int] | None = None,
        cut: bool = False,
    ) -> list[Tagged]:
        """Words with their tags and what the tags say, with places in the text; a text may be given as its words.

        Texts of any length; one without a word has no tags. A model of roles needs `predicates`: for each text the place
        of the word that its tags are about, from 0. Raises DataError where they are missing, too many or no place of a
        word, UnsupportedError for a text with a predicate that is longer than the model reads at once; cut: of such a
        text the words around the predicate are read, and the others have no role.
        """
        self._refuse("tag")

    def answer(self, question: str, context: str) -> Answer:
        """Where the answer stands in a context of any length, or that it has none.

        Raises DataError for an empty question or context, UnsupportedError for a question that leaves no room.
        """
        return self.answers([(question, context)])[0]

    def answers(
        self, pairs: Sequence[tuple[str, str]], *, least_score: float | None = None
    ) -> list[Answer]:
        """The answer to each (question, context).

        least_score: what an answer has to score more than (nats); -inf: answer always. None: as the folder says, which is what
        was best on validation questions, or 0.
        """
        self._refuse("answer")

    def translate(self, texts: Sequence[str], *, beam: int = 1, cut: bool = False) -> list[str]:
        """The best target of each text that a search of width `beam` finds; 1 takes the most probable token each time.

        A text that is longer than the model reads is refused; cut: it loses its last tokens, as in training. Raises
        DataError for a text without any token.
        """
        self._refuse("translate")

    def summarise(self, texts: Sequence[str], *, beam: int = 1, cut: bool = False) -> list[str]:
        """The same, for a model that learnt summaries."""
        self._refuse("summarise")

    def rank(self, query: str, items: Sequence[str], *, cut: bool = False) -> list[Ranked]:
        """The items in the order of how well they answer the query, the best first; `cut` as in classify."""
        self._refuse("rank")

    def recommend(
        self,
        histories: Sequence[Sequence[str]],
        items: Mapping[str, str],
        *,
        count: int = 10,
        cut: bool = False,
    ) -> list[list[Recommended]]:
        """The `count` of `items` (name -> text) that come next after each history of names, the best first.

        Items of the history are left out. `cut` as in classify, for the texts of items; their vectors are kept for the
        next call with the same items in the same order. Raises DataError for an empty history or an unknown item.
        """
        self.require("recommend")
        check_histories(histories, items)
        known, asked = self._recommends, [*items.items()]  # their order is that of the scores
        if known is None or known[:2] != (asked, cut):
            self._recommends = known = (asked, cut, self._scorer(items, cut=cut))
        return recommended(histories, [*items], known[2], count=count)

    def _scorer(self, items: Mapping[str, str], *, cut: bool) -> Scorer:
        """What scores items for histories."""
        ids = []
        for item, text in items.items():
            try:
                ids.append(self._vector_ids(text, cut=cut))
            except (DataError, UnsupportedError) as error:
                raise type(error)(f"item {item!r}: {error}") from error
        return by_texts([*items], self._embedded(ids))

    @property
    def _has_vectors(self) -> bool:
        return hasattr(self.network.config, "width")

    @property
    def limit(self) -> int | None:
        """Tokens of the longest input: places behind those of training were never learnt."""
        return longest_input(self.network, self.learnt)

    @property
    def _padding(self) -> int:
        return self.tokenizer.specials.get(Special.PAD, 0)

    @torch.inference_mode()
    def _vectors(
        self, ids: Sequence[Sequence[int]], places: Sequence[int]
    ) -> list[NDArray[np.float32]]:
        rows = [ids[place] for place in places]
        tokens, keep = side_by_side(rows, self._padding, device_of(self.network))
        means = mean_of_places(read(self.network, tokens, keep).double(), keep)
        return [*torch.nn.functional.normalize(means, dim=-1).float().cpu().numpy()]

    def _vector_ids(self, text: str, *, cut: bool) -> Sequence[int]:
        check_is_text(text)
        made = input_of(self.tokenizer, text)
        if cut and self.limit is not None:
            made = cut_to(made, self.limit)
        self._check_fits(len(made))
        return made.ids

    def _next_id(self) -> str:
        return f"{next(self._ids)}"

    def _check_fits(self, count: int) -> None:
        if self.limit is not None and count > self.limit:
            raise UnsupportedError(
                f"{count} tokens are more than the {self.limit} this model reads at once; "
                "nothing is cut silently: split the text (score() takes any length; embed and recommend cut with cut=True, zhixing "
                "apply with --cut)"
            )

    def _check_predicates(self, count: int, predicates: Sequence[int] | None, *, cut: bool) -> None:
        needed = self.learnt is not None and self.learnt.predicate
        if needed and predicates is None:
            raise DataError(
                "this model has learnt the roles of words around a predicate: say which word that is, by its place from 0, as "
                'in tag([["Anna", "sings"]], predicates=[1])'
            )
        if predicates is not None and not needed:
            raise DataError("this model has learnt tags without a predicate; leave predicates out")
        if predicates is not None and len(predicates) != count:
            raise DataError(
                f"{count} texts have {len(predicates)} predicates; each text has one: give it again for another predicate"
            )
        if cut and predicates is None:
            raise UsageError(
                "tags without a predicate are never cut: a longer text is read in windows; leave out cut"
            )

    def _check_source(self, source: Sequence[int] | None) -> None:
        if source is not None:
            raise UsageError(
                f"this model is of the kind {self.kind!r}: it {self.does} and reads no source; leave source out"
            )

    def _refuse(self, verb: str) -> NoReturn:
        raise UnsupportedError(
            f"this model is of the kind {self.kind!r}: it {self.does} and cannot {verb}; "
            f"{verb} needs {NEEDS[verb]}. This one offers {', '.join(self.methods)}"
        )


def _finished(events: Sequence[TokenEvent]) -> Generation:
    finish = events[-1].finish
    assert finish is not None, "the last event of a request says why it ended"
    return Generation(
        text="".join(event.text for event in events),
        ids=tuple(event.token for event in events),
        logprobs=tuple(event.logprob for event in events),
        finish=finish,
    )
