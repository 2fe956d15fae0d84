"""`[objective.augment]` from a recipe to what is learnt; and a classifier that begins from a two-way model."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trained import MODELS, train
from zhixing.api import load
from zhixing.cli import main
from zhixing.cli.augmentation import augmented, tables_for, with_copies
from zhixing.core.errors import DataError
from zhixing.core.progress import Silent
from zhixing.corpus.augment.config import AugmentConfig
from zhixing.data.examples import open_examples
from zhixing.model.ensemble import Ensemble
from zhixing.text.segment import language_of
from zhixing.text.sentences import sentences

TEXTS = {
    "good": "the film was really very good indeed",
    "bad": "the film was boring and far too long",
}
NOISE = "[objective.augment]\nnoise = 0.2\ncopies = 2\n"


def write_examples(folder: Path) -> None:
    for part, count in (("train", 12), ("validation", 4)):
        rows = [
            {"text": f"{text} {number}", "label": label}
            for number in range(count)
            for label, text in TEXTS.items()
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{part}.jsonl").write_text(lines, "utf-8")


def recipe(folder: Path, name: str, begin: str, more: str = "") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(
        f"""
name = "{name}"
samples = []
{begin}
[data]
time = 64
[objective]
kind = "classify"
examples = {{ train = "{folder}/train.jsonl", validation = "{folder}/validation.jsonl" }}
{more}
[train]
steps = 3
batch_tokens = 512
precision = "float32"
""",
        "utf-8",
    )
    return path


OWN = f'tokenizer_text = "examples"\n[tokenizer]\nkind = "characters"\nvocab = 80\n[model]\n{MODELS["bag2"]}'


def run(command: str, path: Path, out: Path, *more: str) -> int:
    return main([command, str(path), "--out", str(out), "--log", "none", *more])


def learnt(out: Path, part: str) -> Any:
    return open_examples(out / "data" / "examples", f"{part}-classify")


def test_copies_are_learnt_and_nothing_else_changes(tmp_path: Path) -> None:
    write_examples(tmp_path)
    assert run("train", recipe(tmp_path, "off", OWN), tmp_path / "off") == 0
    assert run("train", recipe(tmp_path, "on", OWN, NOISE), tmp_path / "on") == 0
    assert len(learnt(tmp_path / "off", "train")) == 24
    assert 60 <= len(learnt(tmp_path / "on", "train")) <= 72
    held = [learnt(tmp_path / each, "validation") for each in ("off", "on")]
    assert len(held[0]) == len(held[1]) == 8
    assert held[0].shard.ids.tolist() == held[1].shard.ids.tolist()
    assert "[objective.augment]" in (tmp_path / "on" / "recipe.toml").read_text("utf-8")


def test_another_seed_gives_other_copies_and_the_same_seed_the_same(tmp_path: Path) -> None:
    write_examples(tmp_path)
    path = recipe(tmp_path, "on", OWN, NOISE)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run("preview", path, tmp_path / name, "--set", f"seed={seed}") == 0
    first, second, third = (
        learnt(tmp_path / name, "train").shard.ids.tolist() for name in ("a", "b", "c")
    )
    assert first == second != third


def test_preview_shows_texts_and_their_copies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_examples(tmp_path)
    path = recipe(tmp_path, "on", OWN, NOISE)
    assert run("preview", path, tmp_path / "shown", "--num", "1") == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert json.loads(first) == {"text": f"{TEXTS['good']} 0", "label": "good"}
    changed = [json.loads(line.removeprefix("  becomes ")) for line in rest[:2]]
    assert all(row["label"] == "good" and row["text"] != f"{TEXTS['good']} 0" for row in changed)
    found = [
        {"text": f"{text} {n}", "label": label} for n in range(12) for label, text in TEXTS.items()
    ]
    config = AugmentConfig(noise=0.2, copies=2)
    made = list(augmented(found, config, seed=42, progress=Silent()))
    assert changed == made[24:26]  # what is shown is what is learnt


def test_rows_of_two_texts_change_in_both() -> None:
    rows = [{"text1": "one good book " * 9, "text2": "another book " * 9, "label": 1}, "broken"]
    ((row, made),) = with_copies(rows, AugmentConfig(noise=0.2), seed=1, progress=Silent())
    assert row is rows[0]
    assert made[0]["label"] == 1
    assert all(made[0][key] != rows[0][key] for key in ("text1", "text2"))


def test_rows_without_texts_are_refused() -> None:
    with pytest.raises(DataError, match="no row has a text that could be changed"):
        list(augmented([{"a": 1}], AugmentConfig(noise=0.1), seed=1, progress=Silent()))


def test_no_dictionary_is_fetched_for_a_language_of_few_texts() -> None:
    """Nothing here can be fetched: a fetch would fail."""
    texts = ["12 + 30"] * 30
    tables = tables_for(texts, AugmentConfig(noise=0.1), Silent())
    assert (tables.synonyms, tables.homophones) == ({}, {})


def test_what_came_back_of_a_translation_is_the_copy(tmp_path: Path) -> None:
    """Two models that were really trained, however little: what they write is what is learnt."""
    pairs = "".join(json.dumps({"src": t, "tgt": t[::-1]}) + "\n" for t in [*TEXTS.values()] * 4)
    (tmp_path / "pairs.jsonl").write_text(pairs, "utf-8")
    path = tmp_path / "pairs.toml"
    path.write_text(
        f"""
name = "pairs"
samples = []
tokenizer_text = "examples"
[tokenizer]
kind = "characters"
vocab = 80
[data]
time = 48
[model]
kind = "seq2seq"
embedding = 16
width = 16
[objective]
kind = "seq2seq"
examples = {{ train = "{tmp_path}/pairs.jsonl" }}
[train]
steps = 4
batch_tokens = 384
precision = "float32"
""",
        "utf-8",
    )
    assert run("train", path, tmp_path / "model") == 0
    model = load(tmp_path / "model")
    both = {"there": str(tmp_path / "model"), "back": str(tmp_path / "model")}
    config = AugmentConfig.model_validate({"back_translation": both})
    long = ["房间很干净。服务也好！" * 12, " ".join(["It rains here."] * 12)]
    texts = [*TEXTS.values(), *long]
    rows = [{"text": text, "label": "good"} for text in texts]
    made = list(augmented(rows, config, seed=1, progress=Silent()))[len(rows) :]

    def said(text: str) -> str:
        parts = [text[start:stop] for start, stop in sentences(text, language_of([text]))]
        found = [model.translate([each], cut=True)[0] for each in parts]
        return ("" if language_of(found) == "zh" else " ").join(found)

    expected = [said(said(text)) for text in texts]
    wanted = [
        back for back, text in zip(expected, texts, strict=True) if back.strip() and back != text
    ]
    assert [row["text"] for row in made] == wanted


@pytest.fixture(scope="module")
def two_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two-way")
    write_examples(folder)
    path = folder / "two-way.toml"
    path.write_text(
        f"""
name = "two-way"
samples = []
[corpus]
sources = [{{ name = "own", path = "{folder}/train.jsonl" }}]
near_duplicates = {{ enabled = false }}
[corpus.filters]
en = {{ min_units = 2 }}
[tokenizer]
kind = "characters"
vocab = 80
[data]
time = 32
[objective]
kind = "two-way"
[model]
kind = "two-way"
encoder = {{ embedding = 16, width = 16 }}
[train]
steps = 4
batch_tokens = 128
precision = "float32"
""",
        "utf-8",
    )
    assert run("train", path, folder / "model") == 0
    return folder


ENSEMBLE = """
[finetune]
folder = "{folder}/model"
[model]
kind = "ensemble"
[[model.members]]
kind = "recurrent-classifier"
labels = 2
encoder = {{ embedding = 16, width = {width}, dropout = 0.2 }}
[[model.members]]
kind = "cnn"
labels = 2
embedding = 8
filters = 4
[[model.members]]
kind = "bag"
labels = 2
embedding = 2
hidden = []
phrase = 2
buckets = 64
begin = "naive-bayes"
"""


def test_an_ensemble_begins_from_a_two_way_model_and_answers(two_way: Path) -> None:
    begin = ENSEMBLE.format(folder=two_way, width=16)
    out = two_way / "ensemble"
    assert run("train", recipe(two_way, "ensemble", begin), out) == 0
    model = load(out)
    assert isinstance(model.network, Ensemble)
    (label,) = model.classify([TEXTS["good"]])
    assert sum(label.probabilities.values()) == pytest.approx(1.0, abs=1e-5)
    written = (out / "recipe.toml").read_text("utf-8")
    assert 'kind = "ensemble"' in written
    assert run("train", out / "recipe.toml", two_way / "again") == 0
    assert load(two_way / "again").classify([TEXTS["good"]]) == [label]


def test_an_encoder_of_other_sizes_is_refused_with_what_to_write(
    two_way: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = ENSEMBLE.format(folder=two_way, width=24)
    assert run("train", recipe(two_way, "wrong", begin), two_way / "wrong") != 0
    assert "write encoder = { embedding = 16, width = 16 } there" in capsys.readouterr().err


def test_margins_are_not_averaged(two_way: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe(two_way, "margins", ENSEMBLE.format(folder=two_way, width=16), 'loss = "hinge"')
    assert run("train", path, two_way / "margins") == 3
    assert 'set objective.loss = "cross_entropy"' in capsys.readouterr().err


def test_a_whole_classifier_is_no_part_of_another(
    two_way: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(tmp_path, "classify", "bag2", steps=2)
    begin = ENSEMBLE.format(folder=two_way, width=16).replace(f"{two_way}/model", str(folder))
    assert run("train", recipe(two_way, "twice", begin), two_way / "twice") != 0
    assert "[model] does nothing with [finetune]" in capsys.readouterr().err


def test_the_tiny_recipes_lead_from_texts_to_an_ensemble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "reviews").mkdir(parents=True)
    write_examples(tmp_path / "runs" / "reviews")
    more = ("--set", "corpus.filters.en.min_units=2")
    assert main(["train", "two-way-tiny", "--log", "none", *more]) == 0
    assert main(["train", "ensemble-tiny", "--log", "none"]) == 0
    model = load("runs/ensemble-tiny")
    assert isinstance(model.network, Ensemble)
    assert {each.label for each in model.classify([*TEXTS.values()])} <= {"good", "bad"}
