"""Vectors of words as the first embedding of a model of any kind."""

import numpy as np
import pytest
import torch

from tests.train.tiny import MODELS
from zhixing.core.errors import ConfigError, UnsupportedError
from zhixing.core.progress import Silent
from zhixing.model.assembly import build_model
from zhixing.model.config import NGramConfig
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train
from zhixing.train.initial import set_embedding
from zhixing.vectors.table import Vectors

TEXTS = ["the king and the queen", "the queen saw the king and a stone"] * 20


def _tokenizer(kind: str) -> Tokenizer:
    return train(TEXTS, TokenizerConfig(kind=kind, vocab=400), progress=Silent())


def _vectors(width: int = 16, words=("king", "queen", "the", "unseen")) -> Vectors:
    matrix = np.random.default_rng(0).standard_normal((len(words), width), dtype=np.float32) * 9
    return Vectors(words, matrix, name="my vectors")


@pytest.mark.parametrize("kind", ["byte_bpe", "words"])
@pytest.mark.parametrize("name", list(MODELS))
def test_tokens_that_are_words_begin_with_their_vectors(name: str, kind: str) -> None:
    tokenizer, vectors = _tokenizer(kind), _vectors()
    model = build_model(MODELS[name], tokenizer.vocab)
    before = model.embed.weight.detach().clone()
    found = set_embedding(model, tokenizer, vectors)
    after = model.embed.weight.detach()
    king = next(i for i in range(tokenizer.vocab) if tokenizer.decode([i]).strip() == "king")
    cosine = torch.cosine_similarity(after[king], torch.from_numpy(vectors.vector("king")), dim=0)
    assert float(cosine) == pytest.approx(1.0, abs=1e-5)
    changed = (after != before).any(dim=1)
    assert int(changed.sum()) == found.covered >= 3
    assert float(after.std()) == pytest.approx(float(before.std()), rel=0.3)


def test_another_width_is_refused_by_name() -> None:
    tokenizer = _tokenizer("words")
    model = build_model(MODELS["decoder"], tokenizer.vocab)
    with pytest.raises(
        ConfigError, match=r"my vectors have 12 numbers.*16; write model\.width = 12"
    ):
        set_embedding(model, tokenizer, _vectors(width=12))


def test_vectors_of_another_language_are_refused() -> None:
    tokenizer = _tokenizer("words")
    model = build_model(MODELS["decoder"], tokenizer.vocab)
    with pytest.raises(ConfigError, match="none of the"):
        set_embedding(model, tokenizer, _vectors(words=("甲", "乙")))


def test_a_model_without_embedding_is_refused() -> None:
    tokenizer = _tokenizer("words")
    with pytest.raises(UnsupportedError, match="0 embeddings"):
        set_embedding(build_model(NGramConfig(), tokenizer.vocab), tokenizer, _vectors())
