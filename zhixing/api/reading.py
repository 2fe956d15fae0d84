"""What can be asked of an encoder: a vector for a text, and the token at each place where it has a masked head."""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from zhixing.api.model import Model
from zhixing.checkpoint.folder import Loaded
from zhixing.model.encoder import Encoder


@final
class ReadingModel(Model):
    """An encoder."""

    does = "reads a text both ways"

    def __init__(self, loaded: Loaded[Encoder]) -> None:
        super().__init__(loaded)
        self._model = loaded.model

    def logits(
        self, ids: Sequence[int], *, source: Sequence[int] | None = None
    ) -> Float[Tensor, "time vocab"]:
        """See Model.logits."""
        self._check_source(source)
        if "masked" not in self._model.heads:
            self._refuse("logits")
        self._check_fits(len(ids))
        with torch.no_grad():
            logits: Tensor = self._model.heads["masked"](self._hidden(ids))
            return logits.float().cpu()

    def _hidden(self, ids: Sequence[int]) -> Tensor:
        tokens = torch.tensor([list(ids)], dtype=torch.long, device=self._model.device)
        return self._model.body(tokens).hidden[0]
