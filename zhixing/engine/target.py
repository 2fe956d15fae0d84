"""The target of one source as a language model, so that the engine writes it as it writes any text.

    P(next token of the target | its tokens so far, source)

The source is read once, when the target is begun. Tokens that the model's configuration never allows get no
probability, and the one that always comes first stands behind the start token already.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from zhixing.core.errors import UnsupportedError
from zhixing.model.protocol import LanguageModel, Output, State
from zhixing.model.writer import Writer


class Target(LanguageModel):
    """One source's target."""

    def __init__(self, model: Writer, source: Int[Tensor, "1 source"]) -> None:
        """Raises UnsupportedError for a source that is too long."""
        super().__init__()
        self.vocab = model.vocab
        self.max_time = model.max_time
        self.model = model
        with torch.inference_mode():
            self._memory = model.encode(source)

    @property
    def opening(self) -> tuple[int, ...]:
        """The tokens that every target begins with."""
        return self.model.opening

    def body(
        self,
        tokens: Int[Tensor, "batch time"],
        *,
        positions: Int[Tensor, "batch time"] | None = None,
        documents: Int[Tensor, "batch time"] | None = None,
        state: State | None = None,
    ) -> Output:
        """See LanguageModel.body. Raises UnsupportedError for packed rows, which have one source each."""
        if positions is not None or documents is not None:
            raise UnsupportedError("targets of an encoder-decoder cannot be packed into one row")
        return self.model.decode(tokens, self._memory, state=state)

    def head(self, hidden: Float[Tensor, "*places width"]) -> Float[Tensor, "*places vocab"]:
        """Logits, minus infinity for tokens that are never written."""
        logits = self.model.head(hidden)
        if not self.model.never:
            return logits
        never = torch.tensor(self.model.never, device=logits.device)
        return logits.index_fill(-1, never, float("-inf"))

    def new_state(self, batch: int, capacity: int) -> State:
        """Room for `capacity` tokens of the target."""
        return self.model.new_state(batch, capacity)
