"""From a configuration to a model."""

from collections.abc import Callable
from typing import Any

from zhixing.model.config import DecoderConfig, ModelConfig, RecurrentConfig
from zhixing.model.decoder import Decoder
from zhixing.model.protocol import LanguageModel
from zhixing.model.recurrent import Recurrent

ARCHITECTURES: dict[type, Callable[[Any, int], LanguageModel]] = {
    DecoderConfig: Decoder,
    RecurrentConfig: Recurrent,
}


def build_model(config: ModelConfig, vocab: int) -> LanguageModel:
    """A new model with random weights (from torch's current generator) for `vocab` token ids."""
    return ARCHITECTURES[type(config)](config, vocab)
