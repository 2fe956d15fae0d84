"""Claims about sampling, statistics and interruption."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.tokenizer.material import CHINESE, ENGLISH, trained
from zhixing.core.progress import Silent
from zhixing.tokenizer.config import TokenizerConfig
from zhixing.tokenizer.stats import TOTAL, measure
from zhixing.tokenizer.train import CHUNK_CHARACTERS, even_sample, train


def test_everything_is_kept_when_it_fits() -> None:
    texts = ENGLISH + CHINESE
    assert even_sample(texts, 10_000, progress=Silent()) == texts


def test_a_sample_is_small_even_and_the_same_every_time() -> None:
    texts = [f"{number:06d}" for number in range(20_000)]
    sample = even_sample(iter(texts), 30_000, progress=Silent())
    assert sample == even_sample(iter(texts), 30_000, progress=Silent())
    assert sample == sorted(sample)
    assert 10_000 < sum(map(len, sample)) <= 30_000
    for tenth in range(10):
        share = sum(tenth * 2_000 <= int(text) < (tenth + 1) * 2_000 for text in sample)
        assert 0.7 < share / (len(sample) / 10) < 1.3


def test_an_endless_seeming_corpus_is_never_held_in_memory_whole() -> None:
    alive = 0
    most = 0

    class Text(str):
        def __new__(cls, value: str) -> "Text":
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            return super().__new__(cls, value)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    texts = (Text("x" * 100) for _ in range(20_000))
    even_sample(texts, 10_000, progress=Silent())
    assert most < 300


def test_one_very_long_text_is_sampled_inside() -> None:
    text = "".join(chr(0x4E00 + number % 1000) for number in range(8 * CHUNK_CHARACTERS))
    sample = even_sample([text], 4 * 3 * CHUNK_CHARACTERS, progress=Silent())
    assert 0 < sum(len(part.encode()) for part in sample) <= 4 * 3 * CHUNK_CHARACTERS


def test_a_sample_never_becomes_empty_because_its_pieces_are_large() -> None:
    texts = ["y" * 5_000] * 50
    assert even_sample(texts, 1_000, progress=Silent())


def test_characters_seen_too_rarely_become_unknown_and_are_counted() -> None:
    tokenizer = train(["aaaa bbbb 中"], TokenizerConfig(kind="characters", vocab=8))
    result = measure(tokenizer, [("en", "abz"), ("zh", "中国")])
    assert (result["en"].unknown, result["zh"].unknown, result[TOTAL].unknown) == (1, 1, 2)


def test_statistics_count_bytes_characters_and_tokens_of_the_text_alone() -> None:
    tokenizer = trained("characters")
    result = measure(tokenizer, [("en", "abc"), ("zh", "中国"), ("en", "")])
    assert (result["en"].documents, result["en"].bytes, result["en"].tokens) == (2, 3, 3)
    assert (result["zh"].bytes, result["zh"].characters, result["zh"].tokens) == (6, 2, 2)
    assert result["zh"].bytes_per_token == 3
    assert result["zh"].characters_per_token == 1
    assert result[TOTAL].tokens == 5
    assert measure(tokenizer, []) == {}


@pytest.mark.parametrize("kind", ["byte_bpe", "characters"])
def test_ctrl_c_stops_training(kind: str) -> None:
    def texts() -> Iterator[str]:
        yield from ENGLISH
        os.kill(os.getpid(), signal.SIGINT)
        yield from CHINESE

    with pytest.raises(KeyboardInterrupt):
        train(texts(), TokenizerConfig(kind=kind))
