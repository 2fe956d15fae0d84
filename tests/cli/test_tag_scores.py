"""`zhixing evaluate tags`: a trained tagger and every baseline on one file; what does not fit is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.trained import rows, train, write_rows
from zhixing.cli import main

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def scored(*words: object) -> dict[str, Any]:
        assert main(["evaluate", "tags", *map(str, words), "--json", "--log", "none"]) == 0
        return json.loads(capsys.readouterr().out)

    return scored


def examples(folder: Path, *sentences: tuple[str, str]) -> Path:
    """Characters and one letter a tag: w a word begins, o it goes on; p, l, g a name begins, i goes on."""
    names = {
        "w": "B-WORD", "o": "I-WORD", "p": "B-PER", "l": "B-LOC", "g": "B-ORG", "-": "O",
    }  # fmt: skip
    made = []
    for text, letters in sentences:
        tags: list[str] = []
        for letter in letters:
            tags.append(f"I-{tags[-1][2:]}" if letter == "i" else names[letter])
        made.append({"tokens": [*text], "tags": tags})
    write_rows(folder / "right.jsonl", made)
    return folder / "right.jsonl"


def test_a_trained_tagger_is_scored_and_its_tags_are_written(tmp_path: Path, run: Run) -> None:
    folder = train(tmp_path, "tag", "tagger", steps=150)
    data = tmp_path / "tag.jsonl"
    found = run(folder, "--data", data, "--out", tmp_path / "out.jsonl")
    assert found["scores"]["f1"]["value"] == 1.0
    assert found["scores"]["accuracy"]["count"] == len(rows("tag"))
    assert "accuracy_new_words" not in found["scores"]
    written = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["tags"] for line in written] == [row["tags"] for row in rows("tag")]


def test_baselines_count_what_the_others_learnt_from(tmp_path: Path, run: Run) -> None:
    learnt, right = tmp_path / "learnt.jsonl", tmp_path / "right.jsonl"
    write_rows(
        learnt,
        [
            {"tokens": ["we", "can"], "tags": ["pps", "md"]},
            {"tokens": ["the", "can"], "tags": ["at", "nn"]},
            {"tokens": ["a", "can"], "tags": ["at", "nn"]},
        ],
    )
    write_rows(right, [{"tokens": ["we", "can", "go"], "tags": ["pps", "md", "vb"]}])
    shares = {}
    for who in ("most-frequent", "hidden-markov"):
        scores = run(who, "--data", right, "--learn-from", learnt)["scores"]
        shares[who] = scores["accuracy"]["value"]
        assert scores["accuracy_new_words"]["value"] == 0.0
    assert shares == {"most-frequent": pytest.approx(1 / 3), "hidden-markov": pytest.approx(2 / 3)}


def test_jieba_finds_words_or_names_as_the_right_tags_ask(tmp_path: Path, run: Run) -> None:
    words = examples(tmp_path, ("我们在北京大学学习。", "wowwooowow"), ("上海", "wo"))
    assert run("jieba", "--data", words)["scores"]["f1"]["value"] == 1.0
    names = examples(tmp_path, ("江泽民在北京说", "pii-li-"), ("联合国", "gii"))
    found = run("jieba", "--data", names)
    assert found["scores"]["f1"]["value"] == 1.0
    assert {kind: each["count"] for kind, each in found["details"]["types"].items()} == {
        "LOC": 1, "ORG": 1, "PER": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("who", "row", "message", "code"),
    [
        ("hidden-markov", {"tokens": ["a"], "tags": ["x"]}, "give them with --learn-from", 3),
        ("jieba", {"tokens": ["a"], "tags": ["nn"]}, "jieba finds words (B-WORD, I-WORD)", 3),
        ("jieba", {"tokens": ["你好"], "tags": ["B-WORD"]}, "such as '你好' is none", 3),
        ("jieba", {"tokens": ["a"], "tags": ["x", "y"]}, "row 1 has 1 tokens and 2 tags", 1),
        ("jieba", {"tokens": "a", "tags": ["x"]}, "row 1 has not the lists", 1),
        ("nowhere", {"tokens": ["a"], "tags": ["x"]}, "nowhere is neither", 3),
    ],
)
def test_what_does_not_fit_is_named(
    who: str,
    row: dict[str, Any],
    message: str,
    code: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_rows(tmp_path / "r.jsonl", [row])
    words = ["evaluate", "tags", who, "--data", str(tmp_path / "r.jsonl"), "--log", "none"]
    assert main(words) == code
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_table_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path / "r.jsonl", [{"tokens": ["a"], "tags": ["x"]}] * 3)
    data = str(tmp_path / "r.jsonl")
    words = ["evaluate", "tags", "most-frequent", "--data", data, "--learn-from", data]
    assert main([*words, "--log", "none"]) == 0
    printed = capsys.readouterr().out
    assert "accuracy" in printed
    assert "1.0000" in printed
    assert "accuracy_new_words: not measured, these data do not define it" in printed


def test_no_file_that_is_read_is_written_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = examples(tmp_path, ("北京", "li"))
    before = right.read_bytes()
    learnt = tmp_path / "learnt.jsonl"
    learnt.write_bytes(before)
    for out, told in [
        (right, "is a file that is read"),
        (learnt, "is a file that is read"),
        (tmp_path, "is a folder"),
    ]:
        words = ["--data", str(right), "--learn-from", str(learnt), "--out", str(out)]
        assert main(["evaluate", "tags", "hidden-markov", *words]) == 3
        assert told in capsys.readouterr().err
    assert right.read_bytes() == learnt.read_bytes() == before


def test_names_of_no_tagger_and_files_of_no_word_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = str(examples(tmp_path, ("北京", "li")))
    assert main(["evaluate", "tags", "hiden-markov", "--data", right]) == 3
    told = capsys.readouterr().err
    assert "hiden-markov is neither" in told
    assert "hidden-markov, jieba" in told
    empty = tmp_path / "empty.jsonl"
    empty.write_text("", "utf-8")
    assert main(["evaluate", "tags", "jieba", "--data", str(empty)]) == 1
    assert f"{empty} has no words with tags" in capsys.readouterr().err
    write_rows(tmp_path / "gap.jsonl", [{"tokens": ["", "大"], "tags": ["O", "B-LOC"]}])
    assert main(["evaluate", "tags", "jieba", "--data", str(tmp_path / "gap.jsonl")]) == 3
    assert "a token such as '' is none" in capsys.readouterr().err
