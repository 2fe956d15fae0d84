"""What the contests of conversations and of preferences share: how probable answers are, and baselines that are counted.

bits of an answer    those of its tokens and of the token that ends it, given everything that was said before
n-gram               counted on the conversations alone, with a tokenizer learnt from them and the same template (ChatML)
nearest question     the answer to the training question that is most like the last one (TF-IDF)
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from zhixing.engine.engine import Engine
from zhixing.engine.request import Finish, Request, SamplingParams
from zhixing.evaluate.baselines.memory import Memory
from zhixing.model.config import NGramConfig
from zhixing.model.ngram import NGram, count
from zhixing.model.protocol import LanguageModel
from zhixing.objective.likelihood import priced
from zhixing.tokenizer.chat import Message, encode_chat, with_chatml
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.conversation import answered, fit
from zhixing.tokenizer.tokenizer import Tokenizer
from zhixing.tokenizer.train import train as learn_tokenizer
from zhixing.vectors.bag_of_words import BaselineConfig

VOCABS, ORDERS = (280, 400, 800), (3, 4, 5, 6, 7)
"""Sizes that the n-gram model is tried with."""
MAX_TOKENS = 128
"""Longest answer that is written; one that is longer has not stopped by itself."""
GREEDY = SamplingParams(max_tokens=MAX_TOKENS, temperature=0.0)
UNITS = (
    BaselineConfig(min_texts=1),
    BaselineConfig(min_texts=1, phrase=1),
    BaselineConfig(min_texts=1, units="characters", phrase=3),
)
"""How questions are compared: by words and pairs of them, by words, by runs of characters."""
Messages = Sequence[Message]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was said, up to a question, and its answer."""

    messages: tuple[Message, ...]
    answer: str

    @property
    def question(self) -> str:
        """What is answered."""
        return str(self.messages[-1]["content"])

    @property
    def num_bytes(self) -> int:
        """UTF-8 size of the answer."""
        return len(self.answer.encode())


def asked_of(messages: Messages) -> list[Asked]:
    """Every answer of a conversation with what was said before it."""
    return [
        Asked(messages=tuple(messages[:place]), answer=str(each["content"]))
        for place, each in enumerate(messages)
        if each["role"] == "assistant"
    ]


def bits_of(
    network: LanguageModel, tokenizer: Tokenizer, found: Sequence[Asked]
) -> NDArray[np.float64]:
    """Bits of each answer and of its end, after all that was said before, in windows as long as the model reads."""
    parts = [answered(tokenizer, each.messages, each.answer) for each in found]
    starts = np.array([len(each.prompt) for each in parts])
    rows = [np.array([*each.prompt, *each.answer], dtype=np.int64) for each in parts]
    bits = np.zeros(len(rows))
    network.eval()
    with torch.inference_mode():
        for part in priced(network, rows, network.max_time):
            is_answer = part.places >= starts[part.rows]
            np.add.at(bits, part.rows[is_answer], part.nats[is_answer] / math.log(2))
    return bits


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """An n-gram model of conversations."""

    model: NGram
    tokenizer: Tokenizer
    bits_per_byte: float
    seconds: float

    def reply(self, messages: Messages) -> tuple[str, Finish | None]:
        """The most probable answer, token by token, and why it ended."""
        ids = fit(self.tokenizer, messages, room=2**31, asks=True).encoding.ids
        engine = Engine(self.model, self.tokenizer)
        events = list(engine.run(Request(id="", tokens=ids, params=GREEDY)))
        return "".join(each.text for each in events), events[-1].finish

    @property
    def told(self) -> str:
        """How it was made."""
        return (
            f"{self.model.order}-grams of {self.tokenizer.vocab:,} tokens; the best of {len(VOCABS) * len(ORDERS)} on the "
            "validation answers"
        )


def counted(train: Sequence[Messages], held: Sequence[Asked]) -> Counted:
    """The n-gram model with the fewest bits per byte of the validation answers."""
    size = sum(each.num_bytes for each in held)
    tokenizers = {vocab: _tokenizer(train, vocab) for vocab in VOCABS}
    best: Counted | None = None
    for vocab, order in product(VOCABS, ORDERS):
        began = time.perf_counter()
        tokenizer = tokenizers[vocab]
        model = _count(train, tokenizer, order)
        seconds = time.perf_counter() - began
        value = float(bits_of(model, tokenizer, held).sum()) / size
        if best is None or value < best.bits_per_byte:
            best = Counted(model=model, tokenizer=tokenizer, bits_per_byte=value, seconds=seconds)
    assert best is not None, "there are sizes to try"
    return best


def _tokenizer(train: Sequence[Messages], vocab: int) -> Tokenizer:
    texts = (str(each["content"]) for messages in train for each in messages)
    return with_chatml(learn_tokenizer(texts, TokenizerConfig(kind="byte_bpe", vocab=vocab)))


def _count(train: Sequence[Messages], tokenizer: Tokenizer, order: int) -> NGram:
    rows = [encode_chat(tokenizer, [*messages]).ids for messages in train]
    ids = np.array([token for row in rows for token in row])
    return count(
        ids,
        np.cumsum([len(row) for row in rows]),
        tokenizer.vocab,
        NGramConfig(kind="ngram", order=order),
    )


def memories(train: Sequence[Messages]) -> list[tuple[BaselineConfig, Memory]]:
    """Training answers by their questions, compared in each way of UNITS."""
    found = [each for messages in train for each in asked_of(messages)]
    questions, answers = [each.question for each in found], [each.answer for each in found]
    return [(config, Memory(questions, answers, config)) for config in UNITS]
