"""Counting a 5-gram model with Kneser-Ney smoothing, ready to score, beside nltk's KneserNeyInterpolated on the same tokens."""

from collections.abc import Callable, Mapping, Sequence
from pydoc_data.topics import topics

import numpy as np

from zhixing.cli.bench import Size
from zhixing.core.errors import MissingExtraError
from zhixing.evaluate.race import OURS, Work
from zhixing.model.config import NGramConfig
from zhixing.model.ngram import count

UNIT = "tokens/s"
ORDER = 5
DOCUMENTS: Mapping[Size, int] = {"short": 2, "full": 20}
BEGIN, END = 0, 1


def contestants(size: Size) -> Mapping[str, Callable[[], Work]]:
    """Ours counts and derives discounts and tables; nltk counts, and computes the rest when asked for a probability."""
    words = [text.split() for text in list(topics.values())[: DOCUMENTS[size]]]
    ids = {word: number for number, word in enumerate(sorted({w for d in words for w in d}), 2)}
    documents = [[BEGIN, *(ids[word] for word in each), END] for each in words]
    return {
        OURS: lambda: _ours(documents, len(ids) + 2),
        "nltk": lambda: _nltk(documents),
    }


def _ours(documents: Sequence[Sequence[int]], vocab: int) -> Work:
    flat = np.concatenate([np.array(each) for each in documents])
    ends = np.cumsum([len(each) for each in documents])

    def work() -> float:
        count(flat, ends, vocab, NGramConfig(order=ORDER))
        return len(flat)

    return work


def _nltk(documents: Sequence[Sequence[int]]) -> Work:
    try:
        from nltk.lm import KneserNeyInterpolated
        from nltk.util import everygrams
    except ImportError as error:
        raise MissingExtraError("nltk", "dev", "this benchmark") from error
    names = [[str(token) for token in each] for each in documents]
    vocabulary = sorted({token for each in names for token in each})

    def work() -> float:
        model = KneserNeyInterpolated(ORDER)
        model.fit((everygrams(each, max_len=ORDER) for each in names), vocabulary)
        return sum(map(len, names))

    return work
