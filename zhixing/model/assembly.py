"""From a configuration to a model."""

from collections.abc import Callable
from typing import Any

from zhixing.model.config import (
    DecoderConfig,
    MixtureConfig,
    ModelConfig,
    NGramConfig,
    RecurrentConfig,
)
from zhixing.model.decoder import Decoder
from zhixing.model.mixture import Mixture
from zhixing.model.ngram import NGram
from zhixing.model.protocol import LanguageModel
from zhixing.model.recurrent import Recurrent

ARCHITECTURES: dict[type, Callable[[Any, int], LanguageModel]] = {
    DecoderConfig: Decoder,
    RecurrentConfig: Recurrent,
    NGramConfig: NGram,
}


def build_model(config: ModelConfig | MixtureConfig, vocab: int) -> LanguageModel:
    """A new model for `vocab` token ids: random weights (from torch's current generator), or an n-gram without counts."""
    if isinstance(config, MixtureConfig):
        return _build_mixture(config, vocab)
    return ARCHITECTURES[type(config)](config, vocab)


def _build_mixture(config: MixtureConfig, vocab: int) -> Mixture:
    neural = build_model(config.neural, vocab)
    assert isinstance(neural, Decoder | Recurrent)
    return Mixture(config, neural, NGram(config.ngram, vocab))
