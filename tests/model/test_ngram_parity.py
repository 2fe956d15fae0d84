"""Our n-gram probabilities equal an independent slow implementation's on real text, and KenLM's."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch
from torch import Tensor

from zhixing.model.config import NGramConfig
from zhixing.model.ngram import NGram, count

BEGIN, END = 0, 1


class SlowKneserNey:
    """Written down from Chen & Goodman 1999 with dictionaries; `continuation=False` makes the classic mistake: plain counts in the shorter contexts."""

    def __init__(
        self,
        documents: Sequence[Sequence[int]],
        *,
        vocab: int,
        order: int,
        continuation: bool = True,
    ) -> None:
        self.vocab, self.order, self.begin = vocab, order, documents[0][0]
        plain: Counter[tuple[int, ...]] = Counter()
        for document in documents:
            for end in range(1, len(document) + 1):
                for n in range(1, min(order, end) + 1):
                    plain[tuple(document[end - n : end])] += 1
        left: defaultdict[tuple[int, ...], set[int]] = defaultdict(set)
        for gram in plain:
            left[gram[1:]].add(gram[0])
        self.count: dict[tuple[int, ...], int] = {}
        for gram, number in plain.items():
            keeps = len(gram) == order or gram[0] == self.begin or not continuation
            self.count[gram] = number if keeps else len(left[gram])
        del self.count[(self.begin,)]
        self.after: defaultdict[tuple[int, ...], dict[int, int]] = defaultdict(dict)
        for gram, number in self.count.items():
            self.after[gram[:-1]][gram[-1]] = number
        self.discounts = [self._discounts(n) for n in range(1, order + 1)]

    def _discounts(self, order: int) -> list[float]:
        n = Counter(number for gram, number in self.count.items() if len(gram) == order)
        if not (n[1] and n[2] and n[3]):
            return [0.0, 0.5, 1.0, 1.5]
        y = n[1] / (n[1] + 2 * n[2])
        found = [0.0] + [k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3)]
        valid = all(0 <= d <= k for k, d in enumerate(found))
        return found if valid else [0.0, 0.5, 1.0, 1.5]

    def probability(self, token: int, context: tuple[int, ...]) -> float:
        context = context[max(0, len(context) - self.order + 1) :]
        lower = self.probability(token, context[1:]) if context else 1 / self.vocab
        followers = self.after.get(context)
        if not followers:
            return lower
        discount = self.discounts[len(context)]
        total = sum(followers.values())
        gamma = sum(discount[min(number, 3)] for number in followers.values()) / total
        number = followers.get(token, 0)
        return (number - discount[min(number, 3)]) / total + gamma * lower


@pytest.fixture(scope="module")
def documents() -> list[list[int]]:
    """About 27,000 words of the Python manual; every tenth topic is not counted."""
    number: dict[str, int] = {}
    texts = [topics[name].split()[:700] for name in sorted(topics)]
    return [
        [BEGIN, *(number.setdefault(word, len(number) + 2) for word in text), END] for text in texts
    ]


def split(documents: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
    counted = [document for index, document in enumerate(documents) if index % 10]
    return counted, documents[::10]


def train(documents: list[list[int]], vocab: int, order: int) -> NGram:
    ends = np.cumsum([len(document) for document in documents])
    return count(np.concatenate(documents), ends, vocab, NGramConfig(order=order))


def our_scores(model: NGram, document: list[int]) -> Tensor:
    tokens = torch.tensor([document])
    return model.log_prob(tokens[:, :-1], tokens[:, 1:])[0]


def slow_scores(model: SlowKneserNey, document: list[int]) -> Tensor:
    values = [
        math.log(model.probability(document[i], tuple(document[:i])))
        for i in range(1, len(document))
    ]
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_real_text_scores_equal_a_slow_independent_model(
    documents: list[list[int]], order: int
) -> None:
    counted, held_out = split(documents)
    vocab = max(map(max, documents)) + 1
    ours = train(counted, vocab, order)
    slow = SlowKneserNey(counted, vocab=vocab, order=order)
    for document in [*held_out[:4], counted[0]]:
        torch.testing.assert_close(
            our_scores(ours, document), slow_scores(slow, document), atol=1e-6, rtol=0
        )


def test_plain_counts_in_shorter_contexts_would_be_noticed(documents: list[list[int]]) -> None:
    counted, held_out = split(documents)
    vocab = max(map(max, documents)) + 1
    wrong = SlowKneserNey(counted, vocab=vocab, order=3, continuation=False)
    difference = our_scores(train(counted, vocab, 3), held_out[0]) - slow_scores(wrong, held_out[0])
    assert difference.abs().max() > 0.1


def test_scores_equal_kenlm() -> None:
    """kenlm_scores.json: documents, held-out documents and the log10 probabilities of KenLM's lmplz -o 4."""
    golden = json.loads(Path(__file__).with_name("kenlm_scores.json").read_text("utf-8"))
    model = train(golden["documents"], golden["vocab"], golden["order"])
    for document, expected in zip(golden["held_out"], golden["log10"], strict=True):
        ours = our_scores(model, document) / math.log(10)
        torch.testing.assert_close(
            ours, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0
        )
