"""How alike two texts are: shared letters, vectors of words, numbers of a model; and what is no judgement."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

import zhixing
from tests.trained import train
from zhixing.cli import main
from zhixing.core.errors import DataError, UnsupportedError
from zhixing.evaluate.baselines.labels import LabelContest, Labelled, Parts
from zhixing.evaluate.baselines.similarity import open_similarity
from zhixing.evaluate.contest import check_reads, value_of
from zhixing.vectors import folder as vectors
from zhixing.vectors.blocks import blocks_of
from zhixing.vectors.table import Vectors

PAIRS = [("the dog", "the dogs", 5.0), ("a fox", "the fox", 4.0), ("a dog", "paper", 0.5), ("river", "rivers run", 3)]  # fmt: skip


def write(path: Path, pairs: list[tuple[str, str, Any]]) -> None:
    rows = ({"text1": a, "text2": b, "label": label} for a, b, label in pairs)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_shared_letters_and_words_are_what_has_to_be_beaten(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", PAIRS)
    contest = open_similarity(tmp_path)
    letters, words = contest.baselines(seed=1)
    assert (letters.name, words.name) == ("TF-IDF, characters", "TF-IDF, words")
    assert letters.answers[2] < min(letters.answers[n] for n in (0, 1, 3))
    wanted = spearmanr(letters.answers, [label for *_, label in PAIRS]).statistic
    assert value_of(contest.judge(letters.answers), "spearman") == pytest.approx(wanted)
    assert contest.told() == ("0 pairs to learn from, 0 to choose on, 4 to test on",)


def test_words_that_are_never_shared_are_no_baseline(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", [("dog", "dogs", 3), ("fox", "ox", 2), ("river", "paper", 1)])
    (only,) = open_similarity(tmp_path).baselines(seed=1)
    assert only.name == "TF-IDF, characters"


def test_validation_pairs_choose_the_best(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", PAIRS)
    write(tmp_path / "train.jsonl", PAIRS)
    write(tmp_path / "validation.jsonl", [("a dog", "dog bdo", 3), ("adog", "a dog", 1), ("x", "y", 0.5)])  # fmt: skip
    first, _ = open_similarity(tmp_path).baselines(seed=1)
    assert first.name == "TF-IDF, words"


def test_vectors_of_words_and_models_with_numbers_answer(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", PAIRS)
    contest = open_similarity(tmp_path)
    words = Vectors(["dog", "dogs", "fox"], np.array([[1, 0], [1, 1], [0, 1]], dtype=np.float32))
    vectors.save(blocks_of(words), tmp_path / "words", origin="test")
    answers, told = contest.ask(zhixing.load(tmp_path / "words"))
    assert answers == pytest.approx([0.5**0.5, 1.0, 0.0, 0.0])
    assert (
        told == "1 of 4 first texts without a known word; 2 of 4 second texts without a known word"
    )
    model = zhixing.load(train(tmp_path, "similar", "encoder", steps=2))
    answers, told = contest.ask(model)
    assert answers == pytest.approx([model.similarity(a, b) for a, b, _ in PAIRS], abs=1e-5)
    assert told == ""


def test_pairs_that_are_also_learnt_from_and_texts_that_are_cut_are_told(tmp_path: Path) -> None:
    long = [*PAIRS, ("word " * 200, "a fox", 1.0)]
    write(tmp_path / "test.jsonl", long)
    write(tmp_path / "train.jsonl", [PAIRS[0], ("a new pair", "is here", 2.0)])
    contest = open_similarity(tmp_path)
    assert contest.told()[1:] == (
        "note: 1 of the test pairs are also learnt from: the scores are too good",
    )
    _, told = contest.ask(zhixing.load(train(tmp_path, "regress", "encoder", steps=2)))
    assert told == "1 of 5 pairs cut to 32 tokens"


def test_a_model_that_learnt_labels_is_refused_for_numbers(tmp_path: Path) -> None:
    write(tmp_path / "test.jsonl", PAIRS)
    model = zhixing.load(train(tmp_path, "classify", "encoder", steps=2))
    assert "embed" in model.methods
    with pytest.raises(UnsupportedError, match=r"has learnt labels, and here numbers are judged"):
        open_similarity(tmp_path).check(model)


def test_a_model_that_learnt_another_kind_of_answer_or_input_is_refused_before_any_work(
    tmp_path: Path,
) -> None:
    numbers = zhixing.load(train(tmp_path, "regress", "encoder", steps=2))
    labels = zhixing.load(train(tmp_path, "classify", "encoder", steps=2))
    part = Labelled(texts=("a", "b"), labels=("1", "2"), documents=())
    contest = LabelContest(parts=Parts(train=part, validation=part, test=part))
    contest.check(labels)
    with pytest.raises(UnsupportedError, match="has learnt numbers, and here labels are judged"):
        contest.check(numbers)
    write(tmp_path / "test.jsonl", PAIRS)
    open_similarity(tmp_path).check(numbers)
    with pytest.raises(UnsupportedError, match="has learnt on pairs, and the test has single"):
        check_reads(numbers, 1)
    with pytest.raises(UnsupportedError, match="has learnt on single texts, and the test has pair"):
        check_reads(labels, 2)


def test_a_folder_of_word_vectors_is_measured_beside_the_baselines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pairs").mkdir()
    write(tmp_path / "pairs/test.jsonl", PAIRS)
    words = Vectors(["dog", "dogs", "fox"], np.array([[1, 0], [1, 1], [0, 1]], dtype=np.float32))
    vectors.save(blocks_of(words), tmp_path / "words", origin="test")
    command = ["evaluate", "baselines", str(tmp_path / "pairs"), "--model", str(tmp_path / "words")]
    assert main([*command, "--log", "none", "--markdown"]) == 0
    assert f"`{tmp_path / 'words'}` | spearman " in capsys.readouterr().out


def test_pairs_that_are_no_judgements_are_told_by_row(tmp_path: Path, capsys) -> None:
    for pair, told in [
        (("a", "b", "alike"), ":2: its label is no number"),
        (("a", "b", None), ":2: its label is no number"),
        (("a", "b", math.nan), ":2: its label is no number"),
        (("a", "b", 10**400), ":2: its label is no number"),
        ((" ", "b", 1), ":2: text1 is empty or no text"),
        (("a", 5, 1), ":2: text2 is empty or no text"),
    ]:
        write(tmp_path / "test.jsonl", [PAIRS[0], pair])
        with pytest.raises(DataError, match=told):
            open_similarity(tmp_path)
    write(tmp_path / "test.jsonl", PAIRS)
    assert main(["evaluate", "baselines", str(tmp_path), "--positive", "x"]) == 3
    assert "--positive would do nothing" in capsys.readouterr().err


def test_examples_that_no_baseline_tells_apart_are_no_success(tmp_path: Path, capsys) -> None:
    write(tmp_path / "test.jsonl", PAIRS[:1])
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "0 pairs to learn from, 0 to choose on, 1 to test on\n"
    assert "nothing was measured; name a model: --model FOLDER" in captured.err


def test_a_file_of_sts_b_is_read_as_it_is_published(tmp_path: Path) -> None:
    head = (
        "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
    )
    line = "0\tmain\tMSR\t2012\t0001\tnone\tnone\tA plane is taking off.\tAn air plane takes off.\t5.000\n"
    other = "1\tmain\tMSR\t2012\t0002\tnone\tnone\tA man plays.\tA dog sleeps.\t0.500\n"
    (tmp_path / "test.tsv").write_text(head + line + other, "utf-8")
    contest = open_similarity(tmp_path)
    assert contest.test.labels == (5.0, 0.5)
    assert contest.test.first == ("A plane is taking off.", "A man plays.")
