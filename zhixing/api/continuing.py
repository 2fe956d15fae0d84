"""What can be asked of a model that predicts the next token."""

import math
import sys
from collections.abc import Iterator, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.inputs import check_is_one_text
from zhixing.api.model import Model, Reply, TextScore
from zhixing.checkpoint.folder import Loaded
from zhixing.core.errors import DataError
from zhixing.engine.engine import Engine
from zhixing.engine.request import Request, SamplingParams, TokenEvent
from zhixing.model.protocol import LanguageModel
from zhixing.objective.likelihood import token_nats
from zhixing.tokenizer.chat import Message
from zhixing.tokenizer.conversation import check_asked, fit
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import num_bytes


@final
class ContinuingModel(Model):
    """A decoder, recurrent, n-gram or mixture model."""

    does = "predicts the next token"

    def __init__(self, loaded: Loaded[LanguageModel]) -> None:
        super().__init__(loaded)
        self._model = loaded.model
        self._engine = Engine(loaded.model, loaded.tokenizer, ends=loaded.ends)

    @property
    def methods(self) -> tuple[str, ...]:
        """See Model.methods."""
        chat = ("chat", "reply") if self.tokenizer.files.templates else ()
        return (*super().methods, "logits", "score", "generate", "stream", "run", *chat)

    def logits(
        self, ids: Sequence[int], *, source: Sequence[int] | None = None
    ) -> Float[Tensor, "time vocab"]:
        """See Model.logits."""
        self._check_source(source)
        if not len(ids):
            raise DataError("there are no ids: a model scores what comes after one or more")
        tokens = torch.tensor([list(ids)], dtype=torch.long, device=self._model.device)
        self._check_fits(tokens.shape[1])
        with torch.no_grad():
            output = self._model.body(tokens)
            return self._model.head(output.hidden[0]).float().cpu()

    def score(self, text: str) -> TextScore:
        """Bits the model needs for a text of any length, after the begin token and without an end token.

        Raises DataError for a text with something the tokenizer does not know: its bits would be of another text.
        """
        check_is_one_text(text)
        ids = self._loaded.opening(text)
        unknown = self.tokenizer.specials.get(Special.UNKNOWN)
        if unknown in ids:
            raise DataError(
                f"{ids.count(unknown)} pieces of the text are unknown to this model's tokenizer, so its "
                "bits cannot be measured; a byte-level tokenizer knows every text"
            )
        nats = token_nats(self._model, ids)
        bits = float(nats.sum()) / math.log(2)
        return TextScore(bits=bits, bytes=num_bytes(text), tokens=len(nats))

    def run(self, prompt: str, params: SamplingParams) -> Iterator[TokenEvent]:
        """Continue a prompt token by token under ready-made settings; closing the iterator stops."""
        tokens = tuple(self._loaded.opening(prompt))
        return self._engine.run(Request(id=f"{self._next_id()}", tokens=tokens, params=params))

    def reply(self, messages: Sequence[Message], params: SamplingParams) -> Reply:
        """See Model.reply; at least half of what the model reads at once is kept for what was said."""
        self.require("chat")
        check_asked(messages)
        longest, room = self._model.max_time, sys.maxsize
        if longest is not None:
            room = longest + 1 - min(params.max_tokens, longest // 2)
        fitted = fit(self.tokenizer, messages, room=room, asks=True)
        request = Request(id=self._next_id(), tokens=fitted.encoding.ids, params=params)
        return Reply(events=self._engine.run(request), left_out=fitted.left_out)
