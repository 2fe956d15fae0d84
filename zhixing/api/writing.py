"""What can be asked of a model that reads a source and writes a target."""

from collections.abc import Iterator, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.inputs import TOKENS, check_is_one_text, each_of, in_batches
from zhixing.api.model import Model
from zhixing.checkpoint.folder import Loaded
from zhixing.core.errors import DataError, UsageError
from zhixing.engine.engine import Engine
from zhixing.engine.request import Request, SamplingParams, TokenEvent
from zhixing.engine.search import SearchOptions, translate
from zhixing.engine.target import Target
from zhixing.model.config import EncoderDecoderConfig
from zhixing.model.writer import Writer
from zhixing.tokenizer.encoding import Special

ROOM = 4 * TOKENS
"""Tokens of sources and of all beginnings of their targets that are kept in memory together."""


@final
class WritingModel(Model):
    """An encoder-decoder, Transformer or recurrent. What it writes about a text is what it was trained to: nothing here can tell."""

    does = "reads a source and writes a target"

    def __init__(self, loaded: Loaded[Writer]) -> None:
        super().__init__(loaded)
        self._model = loaded.model

    @property
    def methods(self) -> tuple[str, ...]:
        """See Model.methods."""
        return (*super().methods, "logits", "generate", "stream", "run", "translate", "summarise")

    @property
    def _has_vectors(self) -> bool:
        return False

    def logits(
        self, ids: Sequence[int], *, source: Sequence[int] | None = None
    ) -> Float[Tensor, "time vocab"]:
        """See Model.logits; `ids` are the target so far, beginning with the start token."""
        if source is None:
            raise UsageError(
                f"this model is of the kind {self.kind!r}: it {self.does}; type logits(ids, source=ids of the source)"
            )
        with torch.no_grad():
            logits = self._model(self._row(ids), source=self._row(source)).logits
            assert logits is not None, "a whole forward pass ends with the head"
            return logits[0].float().cpu()

    def run(self, prompt: str, params: SamplingParams) -> Iterator[TokenEvent]:
        """Write the target of a source token by token."""
        target = Target(self._model, self._row(self._source(prompt)))
        engine = Engine(target, self.tokenizer, ends=self._loaded.ends)
        return engine.run(Request(id=self._next_id(), tokens=target.opening, params=params))

    @property
    def limit(self) -> int | None:
        """Longest source in tokens, its end among them; None for a recurrent reader, which has no limit."""
        config = self._model.config
        return config.encoder.max_time if isinstance(config, EncoderDecoderConfig) else None

    def translate(self, texts: Sequence[str], *, beam: int = 1, cut: bool = False) -> list[str]:
        """See Model.translate."""
        sources = each_of("texts", texts, lambda text: self._source_of_words(text, cut=cut))
        options = SearchOptions(
            ends=self._loaded.ends,
            width=beam,
            max_tokens=self._most_tokens,
            penalty=self._loaded.length_penalty,
        )

        def write(places: Sequence[int]) -> list[str]:
            found = translate(self._model, [sources[place] for place in places], options)
            return [self.decode(each.ids) for each in found]

        sizes = [len(ids) + beam * options.max_tokens for ids in sources]
        return in_batches(sizes, write, tokens=ROOM)

    def summarise(self, texts: Sequence[str], *, beam: int = 1, cut: bool = False) -> list[str]:
        """See Model.summarise."""
        return self.translate(texts, beam=beam, cut=cut)

    @property
    def _most_tokens(self) -> int:
        """Tokens that a target has room for, and no more than `generate` writes unless told otherwise."""
        usual = SamplingParams().max_tokens
        longest = self._model.max_time
        return usual if longest is None else min(usual, longest + 1 - len(self._model.opening))

    def _source_of_words(self, text: str, *, cut: bool) -> list[int]:
        check_is_one_text(text)
        if not self.tokenizer.encode_text(text):
            raise DataError("the text is empty: there is nothing in it that the tokenizer keeps")
        ids, limit = self._source(text), self.limit
        if not cut or limit is None or len(ids) <= limit:
            return ids
        return [*ids[: limit - 1], ids[-1]]  # its end stays

    def _source(self, text: str) -> list[int]:
        """A source ends with the end token: where the folder's form of a text has none, it is as in our training."""
        ids = self.encode(text)
        if Special.END not in self.tokenizer.specials or ids[-1:] == [self.tokenizer.end]:
            return ids
        return [*self.tokenizer.encode_text(text), self.tokenizer.end]

    def _row(self, ids: Sequence[int]) -> Tensor:
        return torch.tensor([list(ids)], dtype=torch.long, device=self._model.device)
