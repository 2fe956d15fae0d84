"""Baselines of labelled texts: chosen on the validation texts and nowhere else, and told what is missing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from zhixing.core.errors import DataError
from zhixing.evaluate.baselines.labels import (
    LabelContest,
    Labelled,
    Parts,
    read_labelled,
    read_parts,
)
from zhixing.vectors.bag_of_words import PENALTIES, BaselineConfig, LinearBaseline

GOOD, BAD = ("房间很干净", "服务真好", "非常满意"), ("房间太脏", "服务真差", "非常失望")


def labelled(count: int) -> Labelled:
    rows = [(f"{text}，第{n}次来", label) for n in range(count) for label, texts in (("好", GOOD), ("坏", BAD)) for text in texts]  # fmt: skip
    texts, labels = zip(*rows, strict=True)
    return Labelled(texts=texts, labels=labels, documents=())


def parts() -> Parts:
    return Parts(train=labelled(6), validation=labelled(2), test=labelled(3))


def test_words_and_characters_are_tried_for_chinese_with_every_penalty() -> None:
    linear, majority = LabelContest(parts=parts()).baselines(seed=1)
    assert linear.answers == parts().test.labels
    assert f"the best of {2 * len(PENALTIES)}" in linear.told
    assert majority.answers == ("好",) * 18
    english = Labelled(texts=("good film", "bad film") * 4, labels=("y", "n") * 4, documents=())
    linear, _ = LabelContest(
        parts=Parts(train=english, validation=english, test=english)
    ).baselines(seed=1)
    assert f"the best of {len(PENALTIES)}" in linear.told
    assert linear.told.startswith("words")


def test_the_test_labels_choose_nothing() -> None:
    given = parts()
    turned = Labelled(
        texts=given.test.texts, labels=tuple(reversed(given.test.labels)), documents=()
    )
    first, second = (
        LabelContest(parts=given).baselines(seed=1),
        LabelContest(parts=replace(given, test=turned)).baselines(seed=1),
    )
    assert [each.answers for each in first] == [each.answers for each in second]
    assert [each.told for each in first] == [each.told for each in second]


def test_what_was_chosen_is_what_fitting_with_that_setting_gives() -> None:
    given = parts()
    linear, _ = LabelContest(parts=given).baselines(seed=1)
    units, penalty = linear.told.split(",")[0], float(linear.told.split("C = ")[1].split(";")[0])
    phrase = {"words": 2, "characters": 3}[units]
    plain = LinearBaseline(
        BaselineConfig(units=units, phrase=phrase, inverse_penalty=penalty, seed=1)
    )
    plain.fit(given.train.texts, given.train.labels)
    assert tuple(plain.predict(given.test.texts)) == linear.answers
    assert plain.num_parameters == linear.parameters


def test_the_most_frequent_label_wins_where_nothing_can_be_learnt() -> None:
    train = Labelled(texts=("a a", "b b") * 5, labels=("x", "y") * 5, documents=())
    held = Labelled(texts=("b b", "a a"), labels=("x", "y"), documents=())
    first, second = LabelContest(parts=Parts(train=train, validation=held, test=held)).baselines(
        seed=1
    )
    assert (first.name, second.name) == ("most frequent label", "TF-IDF, logistic regression")


def test_pieces_are_judged_by_document_and_strange_labels_are_told() -> None:
    given = parts()
    named = tuple(f"{n // 6}" for n in range(18))
    test = replace(given.test, labels=("新", *given.test.labels[1:]), documents=named)
    given = replace(given, test=test)
    linear, _ = LabelContest(parts=given).baselines(seed=1)
    judged = LabelContest(parts=given, positive="坏").judge(linear.answers)
    assert {each.name for each in judged.measures} >= {"accuracy", "f1_macro", "f1_micro", "f1"}
    assert [len(each) for each in judged.measures] == [3] * len(judged.measures)
    assert any("not known: 新" in note for note in judged.notes)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"text": "a"}, "row 1 is no example"),
        ({"text": 1, "label": "x"}, "row 1 is no example"),
        (None, "has no examples"),
    ],
)
def test_a_row_that_is_no_example_is_named(tmp_path: Path, row, words) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text("" if row is None else json.dumps(row) + "\n", "utf-8")
    with pytest.raises(DataError, match=words):
        read_labelled(path)


def test_a_folder_must_have_each_part_once(tmp_path: Path) -> None:
    for name in ("train.jsonl", "validation.jsonl", "test.jsonl"):
        rows = '{"text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n'
        (tmp_path / name).write_text(rows, "utf-8")
    assert read_parts(tmp_path).test.texts == ("a", "b")
    (tmp_path / "test.csv").write_text("text,label\na,x\n", "utf-8")
    with pytest.raises(DataError, match=r"one file of test examples \(test.csv, test.jsonl\)"):
        read_parts(tmp_path)
    (tmp_path / "train.jsonl").unlink()
    with pytest.raises(DataError, match=r"one file of train examples \(none\)"):
        read_parts(tmp_path)
