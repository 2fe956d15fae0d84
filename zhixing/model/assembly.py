"""From a configuration to a model."""

from collections.abc import Callable
from typing import Any

from zhixing.model.config import DecoderConfig, ModelConfig, NGramConfig, RecurrentConfig
from zhixing.model.decoder import Decoder
from zhixing.model.ngram import NGram
from zhixing.model.protocol import LanguageModel
from zhixing.model.recurrent import Recurrent

ARCHITECTURES: dict[type, Callable[[Any, int], LanguageModel]] = {
    DecoderConfig: Decoder,
    RecurrentConfig: Recurrent,
    NGramConfig: NGram,
}


def build_model(config: ModelConfig, vocab: int) -> LanguageModel:
    """A new model for `vocab` token ids: random weights (from torch's current generator), or an n-gram without counts."""
    return ARCHITECTURES[type(config)](config, vocab)
