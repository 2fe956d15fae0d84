"""What can be asked of a model that reads a source and writes a target."""

from collections.abc import Iterator, Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.model import Model
from zhixing.checkpoint.folder import Loaded
from zhixing.core.errors import UsageError
from zhixing.engine.engine import Engine
from zhixing.engine.request import Request, SamplingParams, TokenEvent
from zhixing.engine.target import Target
from zhixing.model.writer import Writer
from zhixing.tokenizer.encoding import Special


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

    def translate(self, texts: Sequence[str]) -> list[str]:
        """See Model.translate."""
        return [self.generate(text, temperature=0.0).text for text in texts]

    def summarise(self, texts: Sequence[str]) -> list[str]:
        """See Model.summarise."""
        return self.translate(texts)

    def _source(self, text: str) -> list[int]:
        """A source ends with the end token: where the folder's form of a text has none, it is as in our training."""
        ids = self.encode(text)
        if Special.END not in self.tokenizer.specials or ids[-1:] == [self.tokenizer.end]:
            return ids
        return [*self.tokenizer.encode_text(text), self.tokenizer.end]

    def _row(self, ids: Sequence[int]) -> Tensor:
        return torch.tensor([list(ids)], dtype=torch.long, device=self._model.device)
