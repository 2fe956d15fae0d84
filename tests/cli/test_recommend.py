"""From who took what to what comes next: histories written, two models trained, asked and measured by the commands."""

import json
from pathlib import Path
from typing import Any

import pytest

import zhixing
from zhixing.cli import main
from zhixing.core.errors import DataError, UnsupportedError, UsageError

KINDS = {"tea": "green tea leaves", "wine": "red wine bottle", "map": "old paper map"}
ITEMS = {
    f"{kind} {n}": f"{text} number {word}"
    for kind, text in KINDS.items()
    for n, word in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight"])
}
NEW = "new tea"


def run(*command: object) -> int:
    return main([*map(str, command), "--log", "none"])


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Users who stay with one kind and take each next number, and the two models that learnt them."""
    folder = tmp_path_factory.mktemp("recommend")
    rows = ["userId,movieId,rating,timestamp"]
    for number, kind in enumerate([*KINDS] * 8):
        rows += [f"{number},{kind} {(number + n) % 8},4.5,{n}" for n in range(7)]
    (folder / "ratings.csv").write_text("\n".join(rows), "utf-8")
    known = ITEMS | {NEW: "green tea leaves fresh"}
    lines = [f"{name},{text},Drink" for name, text in known.items()]
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *lines]), "utf-8")
    data = folder / "data"
    assert run("data", "histories", folder / "ratings.csv", folder / "movies.csv", data) == 0
    for name, examples in (("recommend-tiny", "pairs"), ("recommend-sequence-tiny", "sequences")):
        files = [f"objective.examples.{part}={data / examples / part}.jsonl" for part in ("train", "validation")]  # fmt: skip
        settings = [each for file in files for each in ("--set", file)]
        assert run("train", name, "--out", folder / name, *settings) == 0
    return folder


@pytest.mark.parametrize(("name", "sure"), [("recommend-tiny", 3), ("recommend-sequence-tiny", 1)])
def test_what_comes_next_is_of_the_kind_that_was_taken(place: Path, name: str, sure: int) -> None:
    model = zhixing.load(place / name)
    assert "recommend" in model.methods
    items = {row["item"]: row["text"] for row in read(place / "data/items.jsonl")}
    histories = [["tea 1", "tea 2", "tea 3"], ["map 5", "map 6", "map 7"]]
    tea, maps = model.recommend(histories, items, count=3)
    assert len(tea) == len(maps) == 3
    assert [each.item.split()[0] for each in maps[:sure]] == ["map"] * sure
    assert "tea" in tea[0].item
    assert not {each.item for each in tea} & {*histories[0]}
    assert [each.score for each in tea] == sorted((each.score for each in tea), reverse=True)
    (alone,) = model.recommend(histories[1:], items, count=3)
    assert [each.item for each in alone] == [each.item for each in maps]
    assert [each.score for each in alone] == pytest.approx([each.score for each in maps], abs=1e-5)


def test_a_sequence_tells_the_next_one_and_texts_tell_a_new_one(place: Path) -> None:
    items = {row["item"]: row["text"] for row in read(place / "data/items.jsonl")}
    sequence, texts = (
        zhixing.load(place / name) for name in ("recommend-sequence-tiny", "recommend-tiny")
    )
    ((first, *_),) = sequence.recommend([["wine 2", "wine 3", "wine 4"]], items)
    assert first.item == "wine 5"
    everything = [each.item for each in sequence.recommend([["tea 1"]], items, count=100)[0]]
    assert NEW not in everything
    assert {*everything} == {*ITEMS} - {"tea 1"}
    (found,) = texts.recommend([["tea 1"]], items, count=8)
    assert NEW in [each.item for each in found]


def test_items_in_another_order_are_scored_anew(place: Path) -> None:
    items = {row["item"]: row["text"] for row in read(place / "data/items.jsonl")}
    turned = dict(reversed(items.items()))
    for name in ("recommend-tiny", "recommend-sequence-tiny"):
        model = zhixing.load(place / name)
        first, second = (
            {each.item: each.score for each in model.recommend([["tea 1"]], some, count=100)[0]}
            for some in (items, turned)
        )
        assert second == pytest.approx(first, abs=1e-5)


def test_a_file_of_histories_is_answered_line_by_line(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "answers.jsonl"
    asked = [place / "recommend-tiny", place / "data/test.jsonl", "--task", "recommend"]
    more = ["--items", place / "data/items.jsonl", "--count", 4, "--keep", "user", "--out", out]
    assert run("apply", *asked, *more) == 0
    found, rows = read(out), read(place / "data/test.jsonl")
    assert [each["input"]["user"] for each in found] == [row["user"] for row in rows]
    for row, each in zip(rows, found, strict=True):
        assert len(each["ranked"]) == len(each["scores"]) == 4
        assert not {*row["history"]} & {*each["ranked"]}
    whole = out.read_bytes()
    out.write_bytes(whole[: len(whole) // 2])
    assert run("apply", *asked, *more, "--resume") == 0
    assert out.read_bytes() == whole


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"history": []}, "the history is empty"),
        ({"history": ["tea 1", "milk"]}, "'milk' is none of the 25 items"),
        ({"history": "tea 1"}, "is not a list of texts"),
        ({"taken": ["tea 1"]}, "there is no field 'history'"),
    ],
)
def test_a_row_that_cannot_be_answered_is_named(
    row: dict[str, Any], told: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "asked.jsonl"
    file.write_text(json.dumps({"history": ["tea 1"]}) + "\n" + json.dumps(row), "utf-8")
    asked = [place / "recommend-tiny", file, "--task", "recommend"]
    assert run("apply", *asked, "--items", place / "data/items.jsonl") == 1
    assert f"{file}:2: " in (message := capsys.readouterr().err)
    assert told in message


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "needs the items: --items"),
        (["--items", "{items}", "--count", "0"], "--count 0 must be at least 1"),
        (["--items", "{items}", "--beam", "2"], "--beam would do nothing"),
    ],
)
def test_wrong_usage_is_told_before_the_work(
    options: list[str], told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = place / "data/items.jsonl"
    chosen = [each.format(items=items) for each in options]
    asked = [place / "recommend-tiny", place / "data/test.jsonl", "--task", "recommend"]
    assert run("apply", *asked, *chosen) == 3
    assert told in capsys.readouterr().err


def test_items_that_a_model_cannot_read_or_does_not_know_are_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, sequence = (
        zhixing.load(place / name) for name in ("recommend-tiny", "recommend-sequence-tiny")
    )
    long = {"a": "short", "b": "green tea leaves " * 40}
    with pytest.raises(UnsupportedError, match=r"item 'b': \d+ tokens are more than .*cut=True"):
        texts.recommend([["a"]], long)
    items, asked = place / "long.jsonl", place / "asked.jsonl"
    items.write_text("".join(f'{{"item": "{k}", "text": "{v}"}}\n' for k, v in long.items()))
    asked.write_text('{"history": ["a"]}\n')
    words = ["--task", "recommend", "--items", str(items), "--log", "none"]
    assert main(["apply", str(place / "recommend-tiny"), str(asked), *words]) == 1
    assert f"{items}: item 'b': " in (told := capsys.readouterr().err)
    assert "zhixing apply with --cut" in told
    assert texts.recommend([["a"]], long, cut=True)[0][0].item == "b"
    with pytest.raises(DataError, match=r"has learnt the item .* which is none of the 2 items"):
        sequence.recommend([["a"]], long)
    with pytest.raises(UsageError, match="count = 0"):
        texts.recommend([["a"]], {"a": "one", "b": "two"}, count=0)
    with pytest.raises(UnsupportedError, match="cannot classify"):
        sequence.classify(["a"])


def test_models_stand_beside_what_they_have_to_beat(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [each for name in ("recommend-tiny", "recommend-sequence-tiny") for each in ("--model", place / name)]  # fmt: skip
    assert run("evaluate", "baselines", place / "data", *models, "--json") == 0
    systems = {each["name"]: each for each in json.loads(capsys.readouterr().out)["systems"]}
    assert {"popularity", "item-item", "texts, TF-IDF", "item-item and texts"} < systems.keys()
    learnt = systems[str(place / "recommend-sequence-tiny")]["scores"]
    assert learnt["recall@10"]["value"] == 1.0
    assert learnt["ndcg@10"]["value"] > systems["popularity"]["scores"]["ndcg@10"]["value"]


def test_swapped_files_and_a_missing_one_are_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ratings, movies = place / "ratings.csv", place / "movies.csv"
    assert run("data", "histories", movies, ratings, tmp_path / "x") == 1
    assert "is no item {item, text}: the keys user, item, rating, time" in capsys.readouterr().err
    assert run("data", "histories", ratings, tmp_path / "no.csv", tmp_path / "x") == 1
    assert "there is no file" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    assert run("data", "histories", ratings, movies, tmp_path / "x", "--least-rating", 5) == 1
    assert "no user has 3 items" in capsys.readouterr().err


def test_columns_of_other_names_are_told_beside_those_that_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken, items = tmp_path / "taken.csv", tmp_path / "items.csv"
    taken.write_text("用户,物品\nu,a\n", "utf-8")
    items.write_text("item,text\na,红茶\n", "utf-8")
    assert run("data", "histories", taken, items, tmp_path / "x") == 1
    assert (
        "taken.csv:2 is no interaction {user, item}: the keys 用户, 物品" in capsys.readouterr().err
    )
    items.write_text("item,title\na,红茶\n", "utf-8")
    assert run("data", "histories", taken, items, tmp_path / "x") == 1
    assert "items.csv:2 is no item {item, text}: the keys item, title" in capsys.readouterr().err
