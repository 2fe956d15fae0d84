"""What a finder of answers has to beat, and that rows which are no questions are told by file and row."""

import json
from pathlib import Path
from typing import Any

import pytest

from zhixing.core.errors import DataError
from zhixing.evaluate.baselines.answers import (
    PIECES,
    Asked,
    Likeness,
    open_answers,
    read_asked,
)
from zhixing.evaluate.baselines.kinds import Wish, open_contest
from zhixing.vectors.bag_of_words import BaselineConfig

THINGS = ("oak", "boat", "chair", "river", "lamp", "stone", "horse", "bread", "tower", "spoon")
USES = ("grows tall", "floats well", "holds people", "runs down", "gives light", "lies there")
HAN = ("橡树", "小船", "椅子", "河流", "灯笼", "石头", "马匹", "面包", "高塔", "勺子")


def english(n: int) -> dict[str, Any]:
    """A question that the sentence with its word answers; every third asks for a word that is not there."""
    told = [f"{THINGS[(n + k) % 10]}: what {USES[(n * 3 + k) % 6]} in place {n}" for k in range(3)]
    asked = THINGS[(n + (n % 3 == 0) * 5 + n % 2) % 10]
    return row(n, f"What does {asked} mean?", ". ".join(told) + ".", asked, told)


def chinese(n: int) -> dict[str, Any]:
    told = [f"{HAN[(n + k) % 10]}：第{n}处的第{k}种东西" for k in range(3)]
    asked = HAN[(n + (n % 3 == 0) * 5 + n % 2) % 10]
    return row(n, f"{asked}是什么？", "。".join(told) + "。", asked, told)


def row(n: int, question: str, context: str, asked: str, told: list[str]) -> dict[str, Any]:
    answer = next((each[len(asked) + 1 :].strip() for each in told if each.startswith(asked)), "")
    answers = {
        "text": [answer] if answer else [],
        "answer_start": [context.index(answer)] if answer else [],
    }
    return {"id": f"{n}", "question": question, "context": context, "answers": answers}


def write(folder: Path, make=english) -> Path:
    folder.mkdir(exist_ok=True)
    for part, numbers in (
        ("train", range(60)),
        ("validation", range(60, 90)),
        ("test", range(90, 150)),
    ):
        lines = (json.dumps(make(n), ensure_ascii=False) + "\n" for n in numbers)
        (folder / f"{part}.jsonl").write_text("".join(lines), "utf-8")
    return folder


@pytest.mark.parametrize("make", [english, chinese])
def test_the_window_finds_what_stands_beside_the_word_and_declines(make, tmp_path: Path) -> None:
    contest = open_contest(write(tmp_path / "d", make), Wish())
    window, silent = contest.baselines(seed=1)
    assert (window.name, silent.name) == ("TF-IDF window", "always no answer")
    found, nothing = (
        {m.name: m.value() for m in contest.judge(system.answers).measures}
        for system in (window, silent)
    )
    assert found["f1"] > 0.9
    assert found["f1_unanswerable"] > 0.9
    none = sum(not make(n)["answers"]["text"] for n in range(90, 150)) / 60
    assert nothing["f1"] == nothing["exact_match"] == pytest.approx(none)
    assert (nothing["f1_answerable"], nothing["f1_unanswerable"]) == (0, 1)
    assert ("characters" if make is chinese else "words") in window.told


def test_test_questions_choose_nothing(tmp_path: Path) -> None:
    one = write(tmp_path / "one")
    other = write(tmp_path / "other")
    lines = [english(n) | {"question": "How?"} for n in range(200, 230)]
    (other / "test.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    told = [open_answers(folder).baselines(seed=1)[0].told for folder in (one, other)]
    assert told[0] == told[1]


@pytest.mark.parametrize("pieces", PIECES)
def test_pieces_of_a_context_are_texts_of_it(pieces: str, tmp_path: Path) -> None:
    asked = read_asked(write(tmp_path / "d") / "test.jsonl")
    likeness = Likeness(BaselineConfig.model_validate({"min_texts": 1}), {*asked.contexts})
    for found in likeness.answers(asked, pieces).values():
        assert len(found) == len(asked.questions)
        for (score, text), context in zip(found, asked.contexts, strict=True):
            assert text in context
            assert -2 <= score <= 2


def test_what_a_piece_is_worked_out_by_hand() -> None:
    context = "By oak (a tree), people mean all that grows tall. A boat floats."
    asked = Asked(questions=("What is an oak?",), contexts=(context,), answers=((),))
    likeness = Likeness(BaselineConfig.model_validate({"min_texts": 1}), {context, "an oak"})
    found = {
        pieces: likeness.answers(asked, pieces)[weights][0][1]
        for pieces, weights in {
            "sentence": (1.0, 0.0),
            "clause": (1.0, 0.0),
            "rest": (0.0, 1.0),
            "longest": (0.0, 1.0),
        }.items()
    }
    assert found == {
        "sentence": context.split(".")[0],
        "clause": "By oak",
        "rest": "By",
        "longest": "people mean all that grows tall",
    }


def test_a_context_without_a_letter_is_still_one_piece(tmp_path: Path) -> None:
    asked = {"question": "What?", "context": "...", "answers": {"text": [], "answer_start": []}}
    folder = write(tmp_path / "d")
    (folder / "test.jsonl").write_text(json.dumps(asked) + "\n")
    window, _ = open_answers(folder).baselines(seed=1)
    assert list(window.answers) == [""]


def test_contexts_that_are_also_learnt_from_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    assert not [line for line in open_answers(folder).told() if "note" in line]
    (folder / "test.jsonl").write_text(
        json.dumps(english(0)) + "\n" + json.dumps(english(99)) + "\n"
    )
    told = open_answers(folder).told()
    assert "1 of these without an answer" in told[0] or "2 of these without an answer" in told[0]
    assert told[1] == "note: 1 of the test questions are about contexts that are also learnt from"


GOOD = {
    "question": "Who?",
    "context": "The dog sleeps",
    "answers": {"text": ["dog"], "answer_start": [4]},
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"question": " "}, "has no question: a text is needed"),
        ({"context": ""}, "has no context"),
        ({"context": 3}, "has no context"),
        ({"answers": "dog"}, "answers must be {text"),
        ({"answers": {"text": "dog", "answer_start": 4}}, "answers must be {text"),
        ({"answers": {"text": ["dog"], "answer_start": []}}, "as many places as texts"),
        (
            {"answers": {"text": ["dog"], "answer_start": [5]}},
            "'dog' does not stand at character 5",
        ),
        ({"answers": {"text": ["dog"], "answer_start": ["4"]}}, "does not stand at character '4'"),
        (
            {"answers": {"text": ["cat"], "answer_start": [4]}},
            "'cat' does not stand at character 4",
        ),
        ({"answers": {"text": [""], "answer_start": [4]}}, "'' does not stand"),
        ({"answers": {"text": ["eps"], "answer_start": [-3]}}, "does not stand at character -3"),
    ],
)
def test_a_row_that_is_no_question_is_told_with_its_place(
    change: dict[str, Any], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in (GOOD, GOOD | change)))
    with pytest.raises(DataError, match=f":2.*{told}"):
        read_asked(path)
    path.write_text(json.dumps(GOOD) + "\n")
    assert read_asked(path).answers == (("dog",),)
