"""Word vectors learnt from text: what is counted, what is drawn, that it learns, and that a run can be continued."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from zhixing.core.errors import CheckpointError, ConfigError, DataError, InterruptedRunError
from zhixing.core.interrupt import StopRequest
from zhixing.core.progress import Silent
from zhixing.kernels import word2vec_limits as limits
from zhixing.train.word2vec.blocks import Blocks, Place, noise, stay_probability
from zhixing.train.word2vec.config import WordVectorConfig
from zhixing.train.word2vec.loop import STATE, Job, Learnt, run
from zhixing.train.word2vec.words import (
    BREAK,
    Passage,
    WordFile,
    choose_words,
    read_words,
    write_words,
)
from zhixing.vectors.table import Vectors

TOPICS = (("cat", "dog", "bird", "fish", "cow"), ("iron", "gold", "zinc", "lead", "tin"))


def _text(lines: int = 1500) -> str:
    """Each line is about animals or about metals, never both."""
    drawing = np.random.default_rng(0)
    return "\n".join(" ".join(drawing.choice(TOPICS[line % 2], 8)) for line in range(lines))


def _read(folder: Path, *passages: Passage) -> WordFile:
    write_words(passages, folder, lowercase=True, made_from="x", progress=Silent())
    found = read_words(folder, "x")
    assert found is not None
    return found


def _job(folder: Path, file: WordFile, **settings) -> Job:
    table = {"width": 16, "min_count": 1, "subsample": 0.0, "epochs": 3, "lr": 0.05, **settings}
    config = WordVectorConfig.model_validate(table)
    vocabulary = choose_words(file, min_count=config.min_count, max_words=config.max_words)
    return Job(
        config=config, file=file, vocabulary=vocabulary, seed=3, folder=folder, resume_command="go"
    )


def _run(job: Job, *, resume: bool = False, stop: StopRequest | None = None) -> Learnt:
    return run(job, resume=resume, stop=stop or StopRequest(), progress=Silent())


class StopAfter(StopRequest):
    """Asks to stop at the n-th safe point."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    @property
    def is_requested(self) -> bool:
        self.times -= 1
        return self.times < 0


@pytest.fixture
def topics(tmp_path: Path) -> WordFile:
    return _read(tmp_path / "words", Passage(text=_text(), language="en"))


def test_settings_allow_what_native_code_has_room_for_and_no_more() -> None:
    code = Path(limits.__file__).with_name("word2vec.c").read_text()
    assert f"MOST_TARGETS = {limits.MOST_NEGATIVE + 1}, MOST_WIDTH = {limits.MOST_WIDTH}" in code
    most = {"width": limits.MOST_WIDTH, "negative": limits.MOST_NEGATIVE}
    WordVectorConfig.model_validate(most)
    for name, value in most.items():
        with pytest.raises(ValueError, match=name):
            WordVectorConfig.model_validate({name: value + 1})


def test_words_of_both_languages_become_numbers_with_a_break_after_each_line(tmp_path) -> None:
    passages = (
        Passage(text="The cat.\nthe dog", language="en"),
        Passage(text="我爱北京", language="zh"),
    )
    file = _read(tmp_path, *passages)
    assert file.words == ["the", "cat", "dog", "我", "爱", "北京"]
    assert file.counts.tolist() == [2, 1, 1, 1, 1, 1]
    assert file.numbers.tolist() == [0, 1, BREAK, 0, 2, BREAK, 3, 4, 5, BREAK]


def test_words_made_from_something_else_are_not_used_again(tmp_path: Path) -> None:
    _read(tmp_path, Passage(text="a b", language="en"))
    assert read_words(tmp_path, "y") is None
    (tmp_path / "words.bin").write_bytes(b"abcd")
    assert read_words(tmp_path, "x") is None


def test_rare_words_have_no_vector_and_the_frequent_ones_come_first(tmp_path: Path) -> None:
    file = _read(tmp_path, Passage(text="rare b b b a a c c c", language="en"))
    chosen = choose_words(file, min_count=2, max_words=None)
    assert chosen.words == ["b", "c", "a"]
    assert chosen.rows.tolist() == [-2, 0, 2, 1]
    assert choose_words(file, min_count=2, max_words=2).words == ["b", "c"]
    with pytest.raises(DataError, match="the most frequent occurs 3 times"):
        choose_words(file, min_count=9, max_words=None)


def test_blocks_hold_every_word_once_an_epoch(topics: WordFile, tmp_path: Path) -> None:
    blocks = Blocks(topics, _job(tmp_path, topics).vocabulary, WordVectorConfig(subsample=0.0), 1)
    blocks._size = 1000  # several blocks of a small text
    blocks.per_epoch = -(-len(topics.numbers) // 1000)
    seen = torch.cat([blocks.at(Place(block=b)).words for b in range(blocks.per_epoch)])
    counts = torch.bincount(seen, minlength=10)
    assert sorted(counts.tolist()) == sorted(topics.counts.tolist())


def test_frequent_words_are_passed_over_as_the_formula_says(topics: WordFile, tmp_path) -> None:
    job = _job(tmp_path, topics)
    config = WordVectorConfig(subsample=1e-3, workers=1)
    block = Blocks(topics, job.vocabulary, config, 1).at(Place())
    stay = stay_probability(job.vocabulary.counts, 1e-3)
    share = job.vocabulary.counts[0] / job.vocabulary.counts.sum()
    assert stay[0] == pytest.approx(np.sqrt(1e-3 / share) + 1e-3 / share)
    assert len(block.words) / 12_000 == pytest.approx(stay.mean(), rel=0.1)
    assert stay_probability(np.array([1, 10**6]), 1e-3)[0] == 1.0


def test_negatives_follow_the_power_of_the_counts() -> None:
    counts = np.array([100, 30, 5, 1, 1])
    table = noise(counts)
    share = table.share.double().numpy() / len(counts)
    drawn = share.copy()
    np.add.at(drawn, table.alias.numpy(), 1 / len(counts) - share)
    assert drawn == pytest.approx(counts**0.75 / (counts**0.75).sum(), abs=1e-6)


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
@pytest.mark.parametrize("workers", [1, 2])
def test_words_that_stand_together_come_near(
    topics: WordFile, tmp_path: Path, kind: str, workers: int
) -> None:
    job = _job(tmp_path, topics, kind=kind, workers=workers)
    vectors = Vectors(job.vocabulary.words, _run(job).inputs.numpy())
    for topic in TOPICS:
        near = [each.word for each in vectors.nearest(topic[0], count=4)]
        assert set(near) == set(topic[1:])


def test_a_run_is_repeated_by_its_seed_alone(topics: WordFile, tmp_path: Path) -> None:
    job = _job(tmp_path, topics)
    first, again = _run(job), _run(job)
    assert torch.equal(first.inputs, again.inputs)
    assert not torch.equal(first.inputs, _run(replace(job, seed=4)).inputs)


@pytest.mark.parametrize("points", [0, 1, 2])
def test_a_stopped_run_goes_on_to_the_same_vectors(
    topics: WordFile, tmp_path: Path, points: int
) -> None:
    whole = _run(_job(tmp_path / "whole", topics))
    job = _job(tmp_path / "parts", topics)
    with pytest.raises(InterruptedRunError, match="to continue, type: go"):
        _run(job, stop=StopAfter(points))
    resumed = _run(job, resume=True)
    assert torch.equal(resumed.inputs, whole.inputs)
    assert resumed.words == whole.words


def test_another_run_is_not_continued(topics: WordFile, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no unfinished run"):
        _run(_job(tmp_path, topics), resume=True)
    with pytest.raises(InterruptedRunError):
        _run(_job(tmp_path, topics), stop=StopAfter(1))
    with pytest.raises(ConfigError, match="window was 5 when this run began and is 3 now"):
        _run(_job(tmp_path, topics, window=3), resume=True)
    (tmp_path / STATE).write_bytes((tmp_path / STATE).read_bytes()[:100])
    with pytest.raises(CheckpointError, match="damaged"):
        _run(_job(tmp_path, topics), resume=True)
