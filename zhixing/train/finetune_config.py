"""The `[finetune]` table of a recipe: which model training begins from, and which of its weights move."""

from typing import Literal, Self

from pydantic import Field, model_validator

from zhixing.core.config import Config
from zhixing.model.adapter_config import AdapterConfig
from zhixing.model.stack_config import Probability


class FinetuneConfig(Config):
    """Begin from a trained model instead of random weights. Its sizes and its tokenizer are those of its folder."""

    folder: str = Field(min_length=1)
    """A model folder of ours, or a Hugging Face folder of a family that we know."""
    learn: Literal["all", "head"] = "all"
    """all: every weight; head: only what stands on top (an encoder's heads, an output layer)."""
    freeze: int = Field(default=0, ge=0)
    """So many of the lowest layers stay as they are, and the embedding below them."""
    decay: float = Field(default=1.0, gt=0.0, le=1.0)
    """Learning rate of a layer as a share of that of the layer above it; the top has the rates of [train]."""

    pooling: Literal["first", "mean"] | None = None
    """Which vector of an encoder a new head for the label or number of a text reads: that of the first place, or the mean
    of all. Not set: the first."""
    dropout: Probability | None = None
    """Share of what every layer gives set to zero while training. Not set: as in the folder."""

    adapter: AdapterConfig | None = None
    """Leave all weights as they are and learn a little beside them (LoRA, DoRA), and a new head."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        moves_all = self.adapter is None
        self._refuse_unused("learn", moves_all, "[finetune.adapter]")
        for name in ("freeze", "decay"):
            self._refuse_unused(name, moves_all, "[finetune.adapter]")
            self._refuse_unused(name, self.learn == "all", 'learn = "head"')
        return self
