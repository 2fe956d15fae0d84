"""Generation: requests go in, tokens come out, one per request and step.

    submit(request)      step()                                     step() …
    prompt checked  ->   whole prompt read, first token chosen  ->  one token read, next chosen

Each request has its own state, its own random stream and its own text, so what it generates does not depend on
what runs beside it. A prompt that does not fit is refused with the sizes: it is never cut. Left out for now:
running several requests in one forward pass, a paged cache, sharing of prompts.
"""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.core.errors import UsageError
from zhixing.engine.request import Finish, Request, TokenEvent
from zhixing.engine.sampler import Choice, Sampler
from zhixing.engine.stop import StopStrings
from zhixing.model.protocol import LanguageModel
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer

PREFILL = 512
"""Prompt tokens read in one forward pass; longer prompts are read in pieces, to bound the memory."""


class Engine:
    """Generates for any language model of the ladder."""

    def __init__(
        self, model: LanguageModel, tokenizer: Tokenizer, *, ends: Iterable[int] = ()
    ) -> None:
        """`ends`: ids that end a text; by default the tokenizer's end token."""
        self._model = model.eval()
        self._tokenizer = tokenizer
        self._ends = frozenset(ends)
        if not self._ends and Special.END in tokenizer.specials:
            self._ends = frozenset({tokenizer.end})
        self._running: dict[str, _Sequence] = {}

    def submit(self, request: Request) -> None:
        """Accept a request; nothing is computed yet. Raises UsageError when it cannot be served."""
        if request.id in self._running:
            raise UsageError(f"a request with the id {request.id!r} is running already")
        limit = _limit(request, self._model)
        self._running[request.id] = _Sequence(
            request, limit, self._model, self._tokenizer, self._ends
        )

    def step(self) -> list[TokenEvent]:
        """One more token for every request; finished requests leave. Empty when there is nothing to do."""
        return [self._advance(sequence) for sequence in list(self._running.values())]

    def run(self, request: Request) -> Iterator[TokenEvent]:
        """Serve one request to its end. Others wait; closing the iterator cancels it."""
        self.submit(request)
        try:
            while sequence := self._running.get(request.id):
                yield self._advance(sequence)
        finally:
            self.cancel(request.id)

    def cancel(self, request: str) -> None:
        """Forget a request; no event follows. One that has finished meanwhile is no error."""
        self._running.pop(request, None)

    def _advance(self, sequence: "_Sequence") -> TokenEvent:
        event = sequence.advance()
        if event.finish is not None:
            del self._running[event.request]
        return event


class _Sequence:
    """One request on its way: the model's state, the random stream, the text so far."""

    def __init__(
        self,
        request: Request,
        limit: int,
        model: LanguageModel,
        tokenizer: Tokenizer,
        ends: frozenset[int],
    ) -> None:
        self._request = request
        self._model = model
        self._ends = ends
        self._left = limit
        with torch.inference_mode():
            self._state = model.new_state(1, len(request.tokens) + limit - 1)
        self._unread = torch.tensor([request.tokens], dtype=torch.long, device=model.device)
        self._sampler = Sampler(request.params, request.tokens)
        self._decoder = tokenizer.decoder()
        self._num_words = tokenizer.vocab  # an embedding may have more rows than there are tokens
        self._stops = StopStrings(request.params.stop)

    def advance(self) -> TokenEvent:
        """Read what is unread, choose one token, and say what can be shown."""
        with torch.inference_mode():
            choice = self._sampler.choose(self._logits().to("cpu"))
            self._unread = self._unread[:, :1].fill_(choice.token)
        self._left -= 1
        return self._event(choice)

    def _logits(self) -> Float[Tensor, " vocab"]:
        for piece in torch.split(self._unread, PREFILL, dim=1):
            hidden = self._model.body(piece, state=self._state).hidden
        return self._model.head(hidden[0, -1])

    def _event(self, choice: Choice) -> TokenEvent:
        finish = None
        text = ""
        if choice.token in self._ends:
            finish = Finish.END
        else:
            text = self._decoder.push(choice.token) if choice.token < self._num_words else ""
            finish = Finish.LENGTH if self._left == 0 else None
        if finish is not None:
            text += self._decoder.finish()
        shown = self._stops.push(text)
        if shown.is_stopped:
            finish = Finish.STOP
        rest = self._stops.finish() if finish in (Finish.END, Finish.LENGTH) else ""
        return TokenEvent(
            request=self._request.id,
            token=choice.token,
            logprob=choice.logprob,
            top=choice.top,
            text=shown.text + rest,
            finish=finish,
        )


def _limit(request: Request, model: LanguageModel) -> int:
    """Most tokens that can be generated: asked for, or until the context is full."""
    tokens, longest = request.tokens, model.max_time
    if not tokens:
        raise UsageError("the prompt has no tokens; a model needs at least its begin token")
    if wrong := [token for token in tokens if not 0 <= token < model.vocab]:
        raise UsageError(
            f"the prompt has the token id {wrong[0]}; ids go from 0 to {model.vocab - 1}"
        )
    if request.params.top_logprobs > model.vocab:
        raise UsageError(
            f"top_logprobs = {request.params.top_logprobs}, but there are {model.vocab} token ids"
        )
    if longest is None:
        return request.params.max_tokens
    if len(tokens) > longest:
        raise UsageError(
            f"the prompt has {len(tokens)} tokens and this model reads at most {longest}; "
            f"shorten it by {len(tokens) - longest} tokens or more"
        )
    # The last token chosen is not read any more, so it needs no room.
    return min(request.params.max_tokens, longest - len(tokens) + 1)
