"""What can be asked of a model that reads whole texts: vectors, hidden tokens, labels, numbers, tags, answers, an order."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from zhixing.api.answering import answer_of, candidates, windows_of
from zhixing.api.inputs import (
    ModelInput,
    check_framed,
    check_is_list,
    check_is_pair,
    check_is_text,
    cut_to,
    each_of,
    input_of,
)
from zhixing.api.labelling import in_order, label_of, logits_of, names_of
from zhixing.api.model import Model
from zhixing.api.recommending import Scorer, by_labels
from zhixing.api.results import ABSTAIN, Answer, Label, Ranked, Tagged, Text
from zhixing.api.tagging import Cut, about, cut_into_words, near, scores_of, tagged, tags_of
from zhixing.checkpoint.folder import Loaded
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.corpus.histories import words_of
from zhixing.model.assembly import Reader
from zhixing.model.encoder import Encoder
from zhixing.model.protocol import device_of
from zhixing.model.recurrent_reader import RecurrentReader
from zhixing.model.tagger import Tagger

VERBS = {
    "classify": "classify",
    "regress": "regress",
    "tag": "tag",
    "span": "answer",
    "rank": "rank",
}
"""Objective -> the verb of what it learns."""


@final
class ReadingModel(Model):
    """An encoder, a tagger, a finder of answers or a classifier."""

    does = "reads a text both ways"

    def __init__(self, loaded: Loaded[Reader]) -> None:
        super().__init__(loaded)
        self._model = loaded.model

    @property
    def methods(self) -> tuple[str, ...]:
        """See Model.methods."""
        masked = ("logits",) if "masked" in getattr(self._model, "heads", {}) else ()
        return tuple(dict.fromkeys((*super().methods, *masked, *self._verbs())))

    def logits(
        self, ids: Sequence[int], *, source: Sequence[int] | None = None
    ) -> Float[Tensor, "time vocab"]:
        """See Model.logits."""
        self._check_source(source)
        model = self._model
        if not isinstance(model, Encoder) or "masked" not in model.heads:
            self._refuse("logits")
        self._check_fits(len(ids))
        tokens = torch.tensor([list(ids)], dtype=torch.long, device=device_of(model))
        with torch.no_grad():
            logits: Tensor = model.heads["masked"](model.body(tokens).hidden[0])
            return logits.float().cpu()

    def classify(
        self, texts: Sequence[Text], *, cut: bool = False, at_least: float = 0.0
    ) -> list[Label]:
        """See Model.classify."""
        self._check_offers("classify")
        is_margin = self.learnt is not None and self.learnt.loss == "hinge"
        names = self._labels("classify")
        _check_threshold(at_least, names, is_margin=is_margin)
        label = partial(
            label_of,
            names=names,
            is_margin=is_margin,
            temperature=1.0 if self.learnt is None else self.learnt.temperature,
            at_least=at_least,
        )
        return [label(each) for each in self._logits(self._inputs(texts, cut=cut))]

    def regress(self, texts: Sequence[Text], *, cut: bool = False) -> list[float]:
        """See Model.regress."""
        self._check_offers("regress")
        return [float(each[0]) for each in self._logits(self._inputs(texts, cut=cut))]

    def rank(self, query: str, items: Sequence[str], *, cut: bool = False) -> list[Ranked]:
        """See Model.rank."""
        self._check_offers("rank")
        check_is_list("items", items)
        pairs = [(query, item) for item in items]
        inputs = each_of("items", pairs, lambda pair: self._pair(pair, cut=cut))
        return in_order(items, self._logits(inputs))

    def tag(
        self,
        texts: Sequence[str | Sequence[str]],
        *,
        predicates: Sequence[int] | None = None,
        cut: bool = False,
    ) -> list[Tagged]:
        """See Model.tag."""
        self._check_offers("tag")
        names = self._labels("tag")
        cuts = each_of(
            "texts", texts, lambda text: cut_into_words(text, self.tokenizer, self.learnt)
        )
        self._check_predicates(len(texts), predicates, cut=cut)
        if predicates is not None:
            given = [*zip(cuts, predicates, strict=True)]
            cuts = each_of("texts", given, lambda each: self._about(*each, cut=cut))
        scores = scores_of(self._model, cuts, self.tokenizer, limit=self.limit)
        return [
            tagged(each, tags_of(self._model, found, names), names)
            for each, found in zip(cuts, scores, strict=True)
        ]

    def answers(
        self, pairs: Sequence[tuple[str, str]], *, least_score: float | None = None
    ) -> list[Answer]:
        """See Model.answers."""
        self._check_offers("answer")
        learnt = self.learnt.least_score if self.learnt is not None else 0.0
        least = learnt if least_score is None else least_score
        mark_shared = self.learnt is not None and self.learnt.mark_shared
        windows = each_of(
            "pairs",
            pairs,
            lambda pair: self._windows(pair, mark_shared=mark_shared),
        )
        flat = [window for each in windows for window in each]
        found = iter(candidates(self._model, flat, self._padding))
        return [
            answer_of([next(found) for _ in each], context, least_score=least)
            for each, (_, context) in zip(windows, pairs, strict=True)
        ]

    def _windows(self, pair: tuple[str, str], *, mark_shared: bool) -> list[ModelInput]:
        check_is_pair(pair)
        return windows_of(self.tokenizer, *pair, limit=self._window, mark_shared=mark_shared)

    @property
    def _window(self) -> int | None:
        """Tokens that answers are looked for in at once: no more than in training, where longer texts were cut."""
        return self.learnt.time if self.limit is None and self.learnt is not None else self.limit

    @property
    def _has_vectors(self) -> bool:
        return isinstance(self._model, Encoder)

    def _verbs(self) -> tuple[str, ...]:
        """The one that was learnt; of a folder made elsewhere those that its heads can serve."""
        if self._reads_histories:
            return ("recommend",)
        if self.learnt is not None:
            return tuple(verb for kind, verb in VERBS.items() if kind == self.learnt.kind)
        if isinstance(self._model, Tagger):
            return ("tag",)
        if isinstance(self._model, RecurrentReader):
            return ("answer",)
        if not isinstance(self._model, Encoder):
            return ("regress", "rank") if self._model.config.labels == 1 else ("classify",)
        heads = {head.kind: head.labels for head in self._model.config.heads_on_top}
        verbs = [VERBS[kind] for kind in ("tag", "span") if kind in heads]
        if "classify" in heads:
            verbs += ["regress", "rank"] if heads["classify"] == 1 else ["classify"]
        return tuple(verbs)

    def _scorer(self, items: Mapping[str, str], *, cut: bool) -> Scorer:
        """By labels where histories were learnt, else by texts."""
        if not self._reads_histories:
            return super()._scorer(items, cut=cut)
        assert self.learnt is not None, "only a model that was taught reads histories"

        def logits(histories: Sequence[Sequence[str]]) -> NDArray[np.float32]:
            words = [words_of(history) for history in histories]
            return np.stack([each.numpy() for each in self._logits(self._inputs(words, cut=True))])

        return by_labels([*items], self.learnt.labels, logits)

    @property
    def _reads_histories(self) -> bool:
        return self.learnt is not None and self.learnt.histories

    def _check_offers(self, verb: str) -> None:
        if verb not in self._verbs():
            self._refuse(verb)
        check_framed(self.tokenizer)

    def _about(self, words: Cut, predicate: int, *, cut: bool) -> Cut:
        made = about(words, predicate, self.tokenizer)
        frame = sum(map(len, self.tokenizer.frame))
        size = sum(map(len, made.tokens)) + frame
        if self.limit is None or size <= self.limit:
            return made
        if cut:
            return near(made, predicate, self.limit - frame)
        raise UnsupportedError(
            f"{size} tokens with the marks of the predicate are more than the {self.limit} that this model has learnt to "
            "read at once, and roles need the whole text: cut it into sentences, or let it read the words around the "
            "predicate alone (cut)"
        )

    def _labels(self, kind: str) -> tuple[str, ...]:
        if self.learnt is not None:
            return self.learnt.labels
        return names_of(self._model, kind)

    def _logits(self, inputs: Sequence[ModelInput]) -> list[Tensor]:
        return logits_of(self._model, inputs, self._padding)

    def _inputs(self, texts: Sequence[Text], *, cut: bool) -> list[ModelInput]:
        return each_of("texts", texts, lambda text: self._input(text, cut=cut))

    def _input(self, text: Text, *, cut: bool) -> ModelInput:
        check_is_text(text)
        number = 1 if isinstance(text, str) else 2
        if self.learnt is not None and number not in self.learnt.texts:
            wanted = "a pair (first, second)" if number == 1 else "one text"
            raise DataError(f"this model has learnt on {wanted}; give it that")
        return self._fitting(text, cut=cut)

    def _pair(self, pair: tuple[str, str], *, cut: bool) -> ModelInput:
        check_is_pair(pair)
        return self._fitting(pair, cut=cut)

    def _fitting(self, text: Text, *, cut: bool) -> ModelInput:
        made, limit = input_of(self.tokenizer, text), self.limit
        if limit is None or len(made) <= limit:
            return made
        if cut:
            return cut_to(made, limit)
        raise UnsupportedError(
            f"{len(made)} tokens are more than the {limit} that this model has learnt to read at once; shorten it, or "
            "let it lose its last tokens as in training: cut=True (zhixing apply: --cut)"
        )


def _check_threshold(at_least: float, names: Sequence[str], *, is_margin: bool) -> None:
    """Raise unless probabilities can be compared with `at_least`, and what stands for no answer is no label."""
    if not 0.0 <= at_least <= 1.0:
        raise UsageError(f"at_least = {at_least:g}: a probability is between 0 and 1")
    if at_least and is_margin:
        raise UnsupportedError(
            "this model was taught the hinge loss and gives no probabilities to compare with at_least; leave it out, or "
            'train it with loss = "cross_entropy"'
        )
    if at_least and ABSTAIN in names:
        raise UnsupportedError(
            f"{ABSTAIN!r} is a label of this model, so it cannot stand for no answer; leave at_least out"
        )
