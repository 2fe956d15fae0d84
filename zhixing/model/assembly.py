"""From a configuration to a model."""

from collections.abc import Callable
from typing import Any, cast

from zhixing.model.config import (
    DecoderConfig,
    EncoderConfig,
    EncoderDecoderConfig,
    MixtureConfig,
    ModelConfig,
    NetworkConfig,
    NGramConfig,
    RecurrentConfig,
)
from zhixing.model.convolution import ConvolutionClassifier
from zhixing.model.decoder import Decoder
from zhixing.model.encoder import Encoder
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.ensemble import Ensemble
from zhixing.model.mixture import Mixture
from zhixing.model.ngram import NGram
from zhixing.model.perceptron import BagClassifier
from zhixing.model.protocol import LanguageModel
from zhixing.model.recurrent import Recurrent
from zhixing.model.recurrent_classifier import RecurrentClassifier
from zhixing.model.recurrent_reader import RecurrentReader
from zhixing.model.sequence_config import (
    BagConfig,
    ConvolutionConfig,
    EnsembleConfig,
    RecurrentClassifierConfig,
    RecurrentReaderConfig,
    SequenceToSequenceConfig,
    TaggerConfig,
    TwoWayConfig,
)
from zhixing.model.sequence_to_sequence import SequenceToSequence
from zhixing.model.tagger import Tagger
from zhixing.model.two_way import TwoWay
from zhixing.model.writer import Writer

Classifier = ConvolutionClassifier | BagClassifier | RecurrentClassifier | Ensemble
"""What gives a text one label."""
Reader = Encoder | Tagger | RecurrentReader | Classifier
"""What reads whole texts and answers."""
Network = LanguageModel | Writer | Reader | TwoWay
"""Any model of ours."""

LANGUAGE_MODELS: dict[type, Callable[[Any, int], LanguageModel]] = {
    DecoderConfig: Decoder,
    RecurrentConfig: Recurrent,
    NGramConfig: NGram,
}
OTHERS: dict[type, Callable[[Any, int], Writer | Reader | TwoWay]] = {
    EncoderConfig: Encoder,
    EncoderDecoderConfig: EncoderDecoder,
    SequenceToSequenceConfig: SequenceToSequence,
    TaggerConfig: Tagger,
    ConvolutionConfig: ConvolutionClassifier,
    BagConfig: BagClassifier,
    RecurrentClassifierConfig: RecurrentClassifier,
    RecurrentReaderConfig: RecurrentReader,
    EnsembleConfig: Ensemble,
    TwoWayConfig: TwoWay,
}


def config_of(model: Network) -> NetworkConfig:
    """What `build_network` makes such a model of."""
    return cast(NetworkConfig, model.config)


def build_network(config: NetworkConfig, vocab: int) -> Network:
    """A new model of any kind for `vocab` token ids, with random weights from torch's current generator."""
    if isinstance(config, DecoderConfig | RecurrentConfig | NGramConfig | MixtureConfig):
        return build_model(config, vocab)
    return OTHERS[type(config)](config, vocab)


def build_model(config: ModelConfig | MixtureConfig, vocab: int) -> LanguageModel:
    """A new model for `vocab` token ids: random weights (from torch's current generator), or an n-gram without counts."""
    if isinstance(config, MixtureConfig):
        return _build_mixture(config, vocab)
    return LANGUAGE_MODELS[type(config)](config, vocab)


def _build_mixture(config: MixtureConfig, vocab: int) -> Mixture:
    neural = build_model(config.neural, vocab)
    assert isinstance(neural, Decoder | Recurrent)
    return Mixture(config, neural, NGram(config.ngram, vocab))
