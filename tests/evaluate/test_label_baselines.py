"""Baselines of labelled texts: chosen on the validation texts and nowhere else, and told what is missing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.baselines.labels import (
    LabelContest,
    Labelled,
    Parts,
    label_of,
    read_labelled,
    read_parts,
)
from zhixing.evaluate.contest import System
from zhixing.vectors.bag_of_words import PENALTIES, BaselineConfig, LinearBaseline

GOOD, BAD = ("房间很干净", "服务真好", "非常满意"), ("房间太脏", "服务真差", "非常失望")


def labelled(count: int) -> Labelled:
    rows = [(f"{text}，第{n}次来", label) for n in range(count) for label, texts in (("好", GOOD), ("坏", BAD)) for text in texts]  # fmt: skip
    texts, labels = zip(*rows, strict=True)
    return Labelled(texts=texts, labels=labels, documents=())


def labels_of(system: System) -> tuple[str, ...]:
    return tuple(map(label_of, system.answers))


def parts() -> Parts:
    return Parts(train=labelled(6), validation=labelled(2), test=labelled(3))


def test_words_and_characters_are_tried_for_chinese_with_every_penalty() -> None:
    linear, majority = LabelContest(parts=parts()).baselines(seed=1)
    assert labels_of(linear) == parts().test.labels
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
    assert [*map(labels_of, first)] == [*map(labels_of, second)]
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
    assert tuple(plain.predict(given.test.texts)) == labels_of(linear)
    (first, *_) = linear.answers
    expected = dict(zip(plain.labels, plain.probabilities(given.test.texts)[0], strict=True))
    assert first["probabilities"] == pytest.approx(expected)
    assert plain.num_parameters == linear.parameters


def test_the_most_frequent_label_wins_where_nothing_can_be_learnt() -> None:
    train = Labelled(texts=("a a", "b b") * 5, labels=("x", "y") * 5, documents=())
    held = Labelled(texts=("b b", "a a"), labels=("x", "y"), documents=())
    first, second = LabelContest(parts=Parts(train=train, validation=held, test=held)).baselines(
        seed=1
    )
    assert (first.name, second.name) == ("most frequent label", "TF-IDF, logistic regression")


def test_what_is_shown_first_decides_which_baseline_is_the_best() -> None:
    """On the validation texts the linear one has F1 1/2 and 1/2, accuracy 1/2; the label x always has 6/7 and 0, 3/4."""
    train = Labelled(texts=("a a", "b b", "a a") * 4, labels=("x", "y", "x") * 4, documents=())
    held = Labelled(texts=("a", "b", "b", "b"), labels=("x", "x", "x", "y"), documents=())
    given = Parts(train=train, validation=held, test=held)
    options = ({"positive": "x"}, {"positive": "y"}, {"clean": "y"}, {})
    best = [LabelContest(parts=given, **each).baselines(seed=1)[0].name for each in options]
    linear, usual = "TF-IDF, logistic regression", "most frequent label"
    assert best == [usual, linear, linear, usual]


def test_a_positive_label_that_cannot_choose_is_refused() -> None:
    given = parts()
    held = replace(given.validation, labels=("好",) * len(given.validation.labels))
    contest = LabelContest(parts=replace(given, validation=held), positive="坏")
    with pytest.raises(DataError, match="no validation text has the label 坏"):
        contest.baselines(seed=1)


def test_pieces_are_judged_by_document_and_strange_labels_are_told() -> None:
    given = parts()
    named = tuple(f"{n // 6}" for n in range(18))
    test = replace(given.test, labels=("新", *given.test.labels[1:]), documents=named)
    given = replace(given, test=test)
    linear, _ = LabelContest(parts=given).baselines(seed=1)
    judged = LabelContest(parts=given, positive="坏").judge(linear.answers)
    assert {each.name for each in judged.measures} >= {"accuracy", "f1_macro", "f1_micro", "f1"}
    drawn = [each for each in judged.measures if each.can_resample]
    assert [len(each) for each in drawn] == [3] * len(drawn)
    assert {each.name for each in judged.measures} - {each.name for each in drawn} == {
        "roc_auc:坏",
        "average_precision:坏",
    }
    assert any("not known: 新" in note for note in judged.notes)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"text": "a"}, ":1 is no example"),
        ({"text": 1, "label": "x"}, ":1 is no example"),
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


def test_probabilities_of_a_system_are_judged_and_a_label_it_does_not_know_has_none() -> None:
    test = Labelled(texts=("a", "b", "c"), labels=("x", "y", "new"), documents=())
    contest = LabelContest(parts=replace(parts(), test=test))
    sure = {"label": "x", "probabilities": {"x": 0.9, "y": 0.1}}
    judged = contest.judge([sure, {"label": "y", "probabilities": {"x": 0.4, "y": 0.6}}, sure])
    values = {each.name: each.value() for each in judged.measures}
    assert values["accuracy"] == pytest.approx(2 / 3)
    assert values["calibration_error"] == pytest.approx((0.4 + abs(0.5 - 0.9) * 2) / 3)
    assert {each.name for each in contest.judge(["x", "y", "x"]).measures}.isdisjoint(
        {"calibration_error"}
    )


def test_false_alarms_and_each_category_are_those_by_hand() -> None:
    test = Labelled(texts=("t",) * 6, labels=("ok", "ok", "ok", "ok", "bad", "bad"), documents=())
    given = replace(parts(), test=test, train=replace(test, texts=("a",) * 6))
    contest = LabelContest(parts=given, clean="ok")
    judged = contest.judge(["ok", "bad", "ok", "ok", "bad", "ok"])
    values = {each.name: each.value() for each in judged.measures}
    assert values["false_alarms"] == pytest.approx(1000 / 4)
    assert (values["recall:bad"], values["precision:bad"]) == (1 / 2, 1 / 2)
    assert contest.shown == (
        "f1_macro",
        "false_alarms",
        "recall:bad",
        "precision:bad",
        "calibration_error",
    )


def test_categories_are_shown_the_most_frequent_first() -> None:
    train = Labelled(texts=("t",) * 6, labels=("b", "ok", "a", "ok", "b", "ok"), documents=())
    shown = LabelContest(parts=replace(parts(), train=train), clean="ok").shown
    assert shown[2:] == ("recall:b", "precision:b", "recall:a", "precision:a", "calibration_error")


def test_slices_by_length_language_and_field(tmp_path: Path) -> None:
    texts = [
        "short",
        "这是一句中文",
        "a much longer English sentence stands here",
        "這是繁體中文說",
    ]
    rows = [
        {"text": text, "label": "x", "source": source, "odd": n}
        for n, (text, source) in enumerate(zip(texts, "aabb", strict=True))
    ]
    path = tmp_path / "test.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    test = read_labelled(path)
    assert set(test.fields) == {"source"}, "a field of numbers names no slices"
    contest = LabelContest(parts=replace(parts(), test=test))
    assert contest.slices("source") == {"a": [0, 1], "b": [2, 3]}
    assert contest.slices("length") == {
        "up to 6 characters": [0, 1],
        "7 to 7 characters": [3],
        "more than 7 characters": [2],
    }
    found = contest.slices("language")
    assert (found["Hans"], found["Hant"]) == ([1], [3])
    part = contest.at([2, 0])
    assert part.parts.test.texts == (texts[2], texts[0])
    assert part.parts.test.fields == {"source": ("b", "a")}
    with pytest.raises(
        UsageError,
        match="--slice genre: no row has such a field; there are length, language, source",
    ):
        contest.slices("genre")
    many = replace(test, fields={"id": tuple(map(str, range(31)))})
    with pytest.raises(UsageError, match="31 slices"):
        LabelContest(parts=replace(parts(), test=many)).slices("id")
