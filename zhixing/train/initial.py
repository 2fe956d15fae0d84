"""A model that begins with vectors of words learnt elsewhere instead of random ones (Kim 2014, §3).

The vectors are scaled to the spread of the random numbers that they replace, so that the first steps of training are
of the usual size; tokens without a vector keep their random numbers. All of them go on learning.
"""

from dataclasses import dataclass

import torch
from torch import nn

from zhixing.core.errors import ConfigError, UnsupportedError
from zhixing.model.assembly import Network
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.vectors.table import Vectors
from zhixing.vectors.token_rows import token_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How many of the `vocab` tokens got a vector."""

    covered: int
    vocab: int


def set_embedding(model: Network, tokenizer: Tokenizer, vectors: Vectors) -> Coverage:
    """Put vectors into the embedding of a model of any kind.

    Raises ConfigError for another width or if no token is a word of them, UnsupportedError for a model without embedding.
    """
    embedding = _embedding(model, tokenizer.vocab)
    width = embedding.embedding_dim
    if vectors.width != width:
        raise ConfigError(
            f"{vectors.name} have {vectors.width} numbers and the embedding of the model {width}; "
            f"write model.width = {vectors.width}, or choose vectors of {width} numbers"
        )
    found = token_rows(vectors, tokenizer)
    if not len(found.ids):
        raise ConfigError(
            f"none of the {tokenizer.vocab:,} tokens is a word of {vectors.name}: other language, or "
            "another kind of tokenizer than words?"
        )
    rows = torch.from_numpy(found.rows)
    with torch.no_grad():
        weight = embedding.weight
        spread = weight.std() / rows.std().clamp_min(1e-12)
        weight[torch.from_numpy(found.ids)] = (rows.to(weight.device) * spread).to(weight.dtype)
    return Coverage(covered=len(found.ids), vocab=tokenizer.vocab)


def _embedding(model: Network, vocab: int) -> nn.Embedding:
    found = [
        module
        for module in model.modules()
        if isinstance(module, nn.Embedding) and module.num_embeddings == vocab
    ]
    if len(found) != 1:
        raise UnsupportedError(
            f"a {type(model).__name__} has {len(found)} embeddings of {vocab} tokens; initial vectors need one"
        )
    return found[0]
