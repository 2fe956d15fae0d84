"""Roles around a predicate: the same sentence has other tags for another predicate, and which one is meant must be said."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

import zhixing
from tests.trained import ENCODER, TIME, write_recipe, write_rows
from zhixing.api.model import Model
from zhixing.api.tagging import Cut, near
from zhixing.cli import main
from zhixing.core.errors import DataError, UnsupportedError
from zhixing.objective.tag import Tag

TAGGER = 'kind = "tagger"\nlabels = 4\nchain = true\nencoder = { embedding = 24, width = 24 }'
MODELS = {"tagger": TAGGER, "encoder": ENCODER}


def rows() -> list[dict[str, Any]]:
    """Who sees whom, and who hears whom, in one sentence."""
    made = []
    for one, other in itertools.permutations(("Anna", "Otto", "Rome", "王明"), 2):
        tokens = [one, "sees", other, "and", other, "hears", one]
        made.append({"tokens": tokens, "predicate": 1, "tags": ["B-A0", "B-V", "B-A1", *"OOOO"]})
        made.append({"tokens": tokens, "predicate": 5, "tags": [*"OOOO", "B-A0", "B-V", "B-A1"]})
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("roles")
    write_rows(made / "roles.jsonl", rows())
    for name, table in MODELS.items():
        begin = f'tokenizer_text = "examples"\n[tokenizer]\nvocab = 320\n[model]\n{table}'
        learn = f"steps = 150\nbatch_tokens = {TIME * 16}"
        recipe = write_recipe(
            made / f"{name}.toml", "tag", made / "roles.jsonl", begin, learn=learn
        )
        assert main(["train", str(recipe), "--out", str(made / name), "--log", "none"]) == 0
    return made


@pytest.fixture(params=[*MODELS])
def model(folder: Path, request: pytest.FixtureRequest) -> Model:
    return zhixing.load(folder / request.param)


def test_tags_are_those_of_the_predicate_that_was_named(model: Model) -> None:
    given = [row["tokens"] for row in rows()]
    found = model.tag(given, predicates=[row["predicate"] for row in rows()])
    assert [[word.tag for word in each.words] for each in found] == [row["tags"] for row in rows()]
    one, other = model.tag(["Anna sees Otto and Otto hears Anna"] * 2, predicates=[1, 5])
    assert [(span.label, span.text) for span in one.spans] == [("A0", "Anna"), ("V", "sees"), ("A1", "Otto")]  # fmt: skip
    assert [span.start for span in other.spans] == [19, 24, 30]


def test_the_predicate_stands_between_begin_and_end_in_training_and_in_use(folder: Path) -> None:
    opened = zhixing.load(folder / "tagger")
    assert opened.learnt is not None
    assert opened.learnt.predicate
    made = Tag(opened.tokenizer, time=TIME, labels=opened.learnt.labels, with_predicate=True)
    example = made.example(rows()[0]).example
    assert example is not None
    begin, end = opened.tokenizer.begin, opened.tokenizer.end
    ids = example["tokens"].tolist()
    marks = [place for place, number in enumerate(ids) if number in (begin, end)]
    assert [ids[place] for place in marks] == [begin, begin, end, end]
    assert opened.decode(ids[marks[1] + 1 : marks[2]]).strip() == "sees"
    assert example["labels"][marks[1]] == opened.learnt.labels.index("B-V")


def test_a_predicate_that_is_missing_or_no_word_is_refused(model: Model) -> None:
    words = ["Anna", "sees", "Otto"]
    with pytest.raises(DataError, match="say which word that is"):
        model.tag([words])
    with pytest.raises(DataError, match="1 texts have 2 predicates"):
        model.tag([words], predicates=[0, 1])
    for wrong in (3, -1, True, None, (0, 1)):
        with pytest.raises(DataError, match=r"texts\[1\]: predicate = .* the places are 0 to 2"):
            model.tag([words, words], predicates=[1, wrong])  # type: ignore[list-item]
    with pytest.raises(DataError, match="the text has no word"):
        model.tag([""], predicates=[0])


def test_a_long_text_is_read_whole_or_refused(folder: Path) -> None:
    long = ["Anna", "sees", "Otto", *["and"] * TIME]
    (found,) = zhixing.load(folder / "tagger").tag([long], predicates=[1])
    assert len(found.words) == len(long)
    with pytest.raises(UnsupportedError, match="roles need the whole text"):
        zhixing.load(folder / "encoder").tag([long], predicates=[1])


def test_of_a_long_text_the_words_around_the_predicate_are_read_on_request(folder: Path) -> None:
    model = zhixing.load(folder / "encoder")
    short = ["Anna", "sees", "Otto"]
    long = [*["and"] * TIME, *short, *["and"] * TIME]
    (found,) = model.tag([long], predicates=[TIME + 1], cut=True)
    assert len(found.words) == len(long)
    assert {word.tag for word in (*found.words[:4], *found.words[-4:])} == {"O"}
    assert found.words[TIME + 1].tag == "B-V"
    (whole,) = model.tag([short], predicates=[1], cut=True)
    assert whole == model.tag([short], predicates=[1])[0]


@pytest.mark.parametrize(
    ("room", "read"),
    [
        (2, [1]),
        (3, [0, 1]),
        (4, [0, 1, 2]),
        (6, [0, 1, 2]),
        (7, [0, 1, 2, 3]),
        (9, [0, 1, 2, 3, 4]),
    ],
)
def test_the_words_nearest_to_the_predicate_are_read(room: int, read: list[int]) -> None:
    sizes = (1, 2, 1, 3, 1)
    cut = Cut(text="", spans=(), tokens=tuple((7,) * size for size in sizes))
    found = near(cut, 1, room)
    assert [place for place, tokens in enumerate(found.tokens) if tokens] == read


def test_a_file_is_tagged_with_its_predicates(folder: Path, tmp_path: Path) -> None:
    asked = [{"words": row["tokens"], "verb": row["predicate"]} for row in rows()]
    write_rows(
        tmp_path / "in.jsonl", [*asked, {"words": ["Anna"]}, {"words": ["Anna"], "verb": "x"}]
    )
    out = tmp_path / "out.jsonl"
    named = ("--tokens", "words", "--predicate", "verb", "--on-error", "record")
    given = map(str, (folder / "tagger", tmp_path / "in.jsonl", *named, "--out", out))
    assert main(["apply", *given, "--task", "tag", "--log", "none"]) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [line["tags"] for line in lines[:-2]] == [row["tags"] for row in rows()]
    assert "say which word that is" in lines[-2]["error"]
    assert "predicate = 'x' is no place of a word" in lines[-1]["error"]
