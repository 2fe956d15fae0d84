"""A tiny real tokenizer and documents in both languages for the tests of the harness."""

import math
from collections.abc import Sequence

import torch
from torch import nn

from zhixing.corpus.document import Document
from zhixing.model.protocol import LanguageModel, Output


class Bytes:
    """One token per byte of UTF-8; 256 begins, 257 ends."""

    hash = "bytes"
    is_lossless = True
    vocab = 258

    def encode_documents(self, texts: Sequence[str]) -> list[list[int]]:
        return [[256, *text.encode("utf-8"), 257] for text in texts]


class CountState:
    def __init__(self, batch: int, length: int = 0) -> None:
        self.batch, self.length = batch, length

    def select(self, rows):
        return type(self)(len(rows), self.length)


class Uniform(LanguageModel):
    """Every token is equally likely."""

    def __init__(self, vocab: int, max_time: int | None) -> None:
        super().__init__()
        self.vocab, self.max_time = vocab, max_time
        self.anchor = nn.Parameter(torch.zeros(1))

    def body(self, tokens, *, positions=None, documents=None, state=None) -> Output:
        if self.max_time is not None:
            assert tokens.shape[1] <= self.max_time
        if state is not None:
            assert len(tokens) == state.batch
            state.length += tokens.shape[1]
        return Output(hidden=torch.zeros(*tokens.shape, 1), state=state)

    def head(self, hidden):
        return hidden.expand(*hidden.shape[:-1], self.vocab) + self.anchor

    def new_state(self, batch, capacity):
        return CountState(batch)


UNIFORM_BITS = math.log2(Bytes.vocab)

TEXTS = [
    ("en-1", "en", "The cat sat on the mat, and then it sat there for the whole afternoon. " * 3),
    ("zh-1", "zh", "知行合一，知是行之始，行是知之成。" * 4),
    ("en-2", "en", "A short one."),
    ("zh-2", "zh", "短句。"),
    ("en-3", "en", "x"),
]


def documents() -> list[Document]:
    return [Document(id=i, text=text, source="test", language=tag) for i, tag, text in TEXTS]
