"""The ARPA file read by a back-off reader written from the format's definition gives the model's own probabilities."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from zhixing.core.errors import UnsupportedError
from zhixing.model.arpa import write_arpa
from zhixing.model.config import NGramConfig
from zhixing.model.ngram import NGram, count

VOCAB = 12
NAMES = ["<s>", "</s>", *(f"字{i}" for i in range(2, VOCAB))]
Table = dict[tuple[str, ...], tuple[float, float]]


@pytest.fixture(scope="module")
def model() -> NGram:
    random = np.random.default_rng(0)
    texts = [[0, *(random.zipf(1.6, 12) % 9 + 2).tolist(), 1] for _ in range(40)]
    ends = np.cumsum([len(text) for text in texts])
    return count(np.concatenate(texts), ends, VOCAB, NGramConfig(order=3))


def read(path: Path) -> tuple[dict[int, int], Table]:
    announced: dict[int, int] = {}
    table: Table = {}
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("ngram "):
            order, number = line.removeprefix("ngram ").split("=")
            announced[int(order)] = int(number)
        elif "\t" in line:
            log, words, *backoff = line.split("\t")
            table[tuple(words.split(" "))] = (float(log), float(backoff[0]) if backoff else 0.0)
    return announced, table


def log10(table: Table, gram: tuple[str, ...]) -> float:
    if gram in table:
        return table[gram][0]
    if len(gram) == 1:
        return table[("<unk>",)][0]
    return table.get(gram[:-1], (0.0, 0.0))[1] + log10(table, gram[1:])


def test_a_back_off_reader_finds_our_probabilities(model: NGram, tmp_path: Path) -> None:
    write_arpa(model, tmp_path / "model.arpa", names=NAMES, begin=0)
    announced, table = read(tmp_path / "model.arpa")
    for order, number in announced.items():
        assert number == sum(len(gram) == order for gram in table)
    tokens = torch.randint(1, VOCAB, (20, 30), generator=torch.Generator().manual_seed(0))
    tokens[:, 0] = 0
    ours = model.log_prob(tokens[:, :-1], tokens[:, 1:]) / math.log(10)
    for row, scores in zip(tokens.tolist(), ours.tolist(), strict=True):
        words = [NAMES[token] for token in row]
        for i in range(1, len(words)):
            theirs = log10(table, tuple(words[max(0, i - 2) : i + 1]))
            assert scores[i - 1] == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("name", ["a b", "", "</s>", "\t"])
def test_a_name_that_the_format_cannot_hold_is_refused(
    model: NGram, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UnsupportedError, match="ARPA"):
        write_arpa(model, tmp_path / "model.arpa", names=[*NAMES[:-1], name], begin=0)
    assert not (tmp_path / "model.arpa").exists()
