"""The ARPA file read by a back-off reader written from the format's definition gives the model's own probabilities."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny import tiny_model, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
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


@pytest.mark.parametrize("name", ["a b", "", "</s>", "\t", "<unk>"])
def test_a_name_that_the_format_cannot_hold_is_refused(
    model: NGram, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UnsupportedError, match="ARPA"):
        write_arpa(model, tmp_path / "model.arpa", names=[*NAMES[:-1], name], begin=0)
    assert not (tmp_path / "model.arpa").exists()


def test_the_command_writes_the_model_of_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ngram, tokenizer = tiny_model("ngram"), tiny_tokenizer()
    assert isinstance(ngram, NGram)
    save_model(tmp_path / "m", ngram, tokenizer, info=ModelInfo())
    words = ["export", str(tmp_path / "m"), str(tmp_path / "out"), "--to", "arpa"]
    assert main(words) == 0
    _, table = read(tmp_path / "out/model.arpa")
    text = "the lazy dog 春眠\n"
    ids = torch.tensor([tokenizer.encode_document(text)])
    ours = ngram.log_prob(ids[:, :-1], ids[:, 1:])[0] / math.log(10)
    spelt = {number: piece for piece, number in tokenizer.files.pipeline["model"]["vocab"].items()}
    spelt |= {tokenizer.begin: "<s>", tokenizer.end: "</s>"}
    names = [spelt[number] for number in ids[0].tolist()]
    for place, log in enumerate(ours.tolist(), start=1):
        theirs = log10(table, tuple(names[max(0, place - 2) : place + 1]))
        assert log == pytest.approx(theirs, abs=1e-6)
    assert main([*words, "--dtype", "float32"]) == 3
    assert "does not go with --to arpa; leave it out" in capsys.readouterr().err
    save_model(tmp_path / "d", tiny_model("decoder"), tokenizer, info=ModelInfo())
    assert main(["export", str(tmp_path / "d"), str(tmp_path / "no"), "--to", "arpa"]) == 1
    assert "an ARPA file holds an n-gram model" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
