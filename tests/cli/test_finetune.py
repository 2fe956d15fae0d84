"""`zhixing train` with `[finetune]`: from a folder to a model for another objective, and the refusals."""

import re
import shutil
from pathlib import Path

import pytest
import torch

from tests.cli.beginnings import cut_after, origin, recipe, tokenizer, train
from zhixing.checkpoint.folder import load_network
from zhixing.checkpoint.manifest import model_hash
from zhixing.checkpoint.tensors import read_tensors
from zhixing.cli.recipe import load_recipe
from zhixing.core.files import read_json


@pytest.fixture(scope="module")
def begins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("origins")
    return {kind: origin(folder, kind) for kind in ("encoder", "bert", "decoder", "untied")}


@pytest.mark.parametrize(
    ("objective", "kind"),
    [
        *((objective, "encoder") for objective in ("classify", "regress", "tag", "span", "similar", "rank")),
        ("classify", "bert"),
        ("preference", "decoder"),
    ],
)  # fmt: skip
def test_every_objective_begins_from_a_folder(begins, tmp_path: Path, objective, kind) -> None:
    assert train(recipe(tmp_path, objective, begins[kind]), tmp_path / "run") == 0
    before, after = load_network(begins[kind]), load_network(tmp_path / "run")
    assert before.tokenizer.encode_text("北京 Paris") == after.tokenizer.encode_text("北京 Paris")
    assert load_recipe(tmp_path / "run/recipe.toml") == load_recipe(tmp_path / f"{objective}.toml")


def test_a_decoder_goes_on_with_documents(begins, tmp_path: Path) -> None:
    from tests.cli.ladder_texts import write_texts

    write_texts(tmp_path / "texts")
    path = tmp_path / "causal.toml"
    path.write_text(
        f"""
name = "own"
samples = ["The "]
[finetune]
folder = "{begins["decoder"]}"
[[corpus.sources]]
name = "own"
path = "{tmp_path / "texts"}"
[corpus.splits]
validation = 0.2
test = 0.2
[data]
time = 32
[train]
steps = 2
batch_tokens = 64
""",
        "utf-8",
    )
    assert train(path, tmp_path / "run") == 0
    assert (
        load_network(tmp_path / "run").tokenizer.vocab
        == load_network(begins["decoder"]).model.vocab
    )


def test_the_card_names_the_folder_its_hash_and_what_is_new(begins, tmp_path: Path) -> None:
    assert train(recipe(tmp_path, "classify", begins["encoder"], steps=1), tmp_path / "run") == 0
    card = (tmp_path / "run/README.md").read_text("utf-8")
    assert model_hash(begins["encoder"]) in card
    assert "* New: `heads.classify.output`\n" in card
    assert "`heads.masked.norm`" in card.split("Left out:")[1].splitlines()[0]


def test_before_the_first_step_the_body_is_that_of_the_folder(begins, tmp_path: Path) -> None:
    path = recipe(tmp_path, "classify", begins["encoder"], table="learn = 'head'", steps=1)
    assert train(path, tmp_path / "run") == 0
    before, after = (load_network(folder).model for folder in (begins["encoder"], tmp_path / "run"))
    tokens = torch.tensor([[1, 20, 30, 2]])
    assert torch.equal(before.body(tokens).hidden, after.body(tokens).hidden)


@pytest.mark.parametrize(
    ("table", "moved", "still"),
    [
        ("learn = 'head'", ("heads.",), ("embed", "stack.")),
        ("freeze = 1", ("heads.", "stack.blocks.1.", "stack.norm"), ("embed", "stack.inputs", "stack.blocks.0.")),
        ("freeze = 2\ndecay = 0.5", ("heads.", "stack.norm"), ("embed", "stack.inputs", "stack.blocks.")),
    ],
)  # fmt: skip
def test_frozen_weights_do_not_move_and_the_others_do(
    begins, tmp_path: Path, table, moved, still
) -> None:
    path = recipe(tmp_path, "classify", begins["encoder"], table=table)
    assert train(path, tmp_path / "run") == 0
    before = read_tensors(begins["encoder"] / "model.safetensors")
    after = read_tensors(tmp_path / "run/model.safetensors")
    same = {name for name in after if name in before and torch.equal(before[name], after[name])}
    assert same
    assert all(name.startswith(still) for name in same)
    assert not [name for name in after if name.startswith(still) and name not in same]
    assert any(name.startswith(moved) for name in set(after) - same)


def test_resumed_in_the_middle_is_the_same_bit_for_bit(begins, tmp_path: Path) -> None:
    path = recipe(tmp_path, "classify", begins["encoder"], table="freeze = 1\ndecay = 0.7")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train(path, whole) == 0
    cut_after(whole, cut, step=6)
    assert train(path, cut, "--resume") == 0
    assert (cut / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_another_model_to_begin_from_is_not_the_same_run(begins, tmp_path: Path, capsys) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(begins["encoder"], mine)
    path = recipe(tmp_path, "classify", mine)
    assert train(path, tmp_path / "run") == 0
    state = read_json(tmp_path / "run/checkpoints/step-00000008/train_state.json")
    assert state["facts"]["model to begin from"] == model_hash(mine)
    moved = tmp_path / "moved"
    mine.rename(moved)
    assert train(recipe(tmp_path, "classify", moved), tmp_path / "run", "--resume") == 0
    other = origin(tmp_path, "bert")
    capsys.readouterr()
    assert train(recipe(tmp_path, "classify", other), tmp_path / "run", "--resume") == 3
    assert "model to begin from was" in capsys.readouterr().err


def test_a_head_of_the_same_labels_is_kept_and_one_of_others_is_new(begins, tmp_path: Path) -> None:
    assert train(recipe(tmp_path, "classify", begins["encoder"]), tmp_path / "first") == 0
    assert train(recipe(tmp_path, "classify", tmp_path / "first"), tmp_path / "second") == 0
    assert "* New: none\n" in (tmp_path / "second/README.md").read_text("utf-8")
    path = recipe(tmp_path, "classify", tmp_path / "first", more='labels = ["zh", "en"]')
    assert train(path, tmp_path / "third") == 0
    assert "* New: `heads.classify.output`\n" in (tmp_path / "third/README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("kind", "family", "new"),
    [
        ("pooled", "bert", "`heads.classify.output`"),
        ("distilbert", "distilbert", "`heads.classify.output`, `heads.classify.pool.dense`"),
    ],
)
def test_a_folder_made_elsewhere_stays_one_of_its_family(tmp_path: Path, kind, family, new) -> None:
    made = origin(tmp_path, kind)
    (made / "manifest.json").unlink()  # only we write one
    assert read_json(made / "config.json")["model_type"] == family
    assert train(recipe(tmp_path, "classify", made, steps=1), tmp_path / "run") == 0
    assert read_json(tmp_path / "run/config.json")["model_type"] == family
    assert f"* New: {new}\n" in (tmp_path / "run/README.md").read_text("utf-8")


REFUSALS = {
    "sizes": ("classify", "encoder", "[model]\nkind = 'encoder'", r"\[model\] does nothing with \[finetune\]"),
    "tokenizer": ("classify", "encoder", "[tokenizer]\nvocab = 300", "tokenizer does nothing with"),
    "documents": ("classify", "encoder", "[corpus]\nsources = [{ name = 'brown' }]", r"nothing reads \[corpus\]"),
    "too deep": ("classify", "encoder", "finetune.freeze=3", "has 2 layers; write 0 to 2"),
    "no head": ("similar", "encoder", "finetune.learn='head'", "nothing on top"),
    "tied": ("preference", "decoder", "finetune.learn='head'", "nothing on top"),
    "unused": ("classify", "encoder", "finetune.learn='head' finetune.freeze=1", "does nothing with learn"),
    "unfit": ("classify", "decoder", "", "of the kind 'decoder', which cannot learn the objective 'classify'; begin from one of the kind encoder"),
    "too long": ("classify", "encoder", "data.time=128 train.batch_tokens=128", "longer than model.max_time = 64"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_is_refused_by_name(begins, tmp_path: Path, capsys, case) -> None:
    objective, kind, change, message = case
    path = recipe(tmp_path, objective, begins[kind])
    settings = []
    if change.startswith("["):
        path.write_text(path.read_text("utf-8") + change, "utf-8")
    else:
        settings = [part for each in change.split() for part in ("--set", each)]
    assert train(path, tmp_path / "run", *settings) == 3
    assert_matches(message, capsys.readouterr().err)


def test_a_missing_folder_and_one_whose_tokenizer_is_another_are_refused(
    begins, tmp_path: Path, capsys
) -> None:
    assert train(recipe(tmp_path, "classify", tmp_path / "from-encodr"), tmp_path / "run") == 1
    assert "there is no folder" in capsys.readouterr().err
    mixed = tmp_path / "mixed"
    shutil.copytree(begins["encoder"], mixed)
    tokenizer(310).save(mixed)
    assert train(recipe(tmp_path, "classify", mixed), tmp_path / "run") == 1
    assert "tokenizer.json was changed" in capsys.readouterr().err
    (mixed / "manifest.json").unlink()
    assert train(recipe(tmp_path, "classify", mixed), tmp_path / "run") == 1
    assert "they do not belong together" in capsys.readouterr().err


def test_an_objective_whose_tokens_the_folder_lacks_is_refused(tmp_path: Path, capsys) -> None:
    from tests.trained import train as from_nothing

    plain = from_nothing(tmp_path, "classify", "encoder", steps=1)
    path = recipe(tmp_path, "classify", plain)
    text = path.read_text("utf-8").split("[objective]")
    path.write_text(
        f'{text[0]}[objective]\nkind = "masked"\n[train]{text[1].split("[train]")[1]}', "utf-8"
    )
    assert train(path, tmp_path / "run") == 3
    assert "needs special tokens" in capsys.readouterr().err


def assert_matches(pattern: str, text: str) -> None:
    assert re.search(pattern, text), text


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('weights = [1.0, 2.0, 3.0]', "has 3 numbers for 2 labels"),
        ('labels = ["en", "fr"]\nweights = "balanced"', "has no example of fr"),
    ],
)  # fmt: skip
def test_weights_of_labels_that_are_not_there_are_refused(
    begins, tmp_path, capsys, more, message
) -> None:
    path = recipe(tmp_path, "classify", begins["encoder"], more=more)
    assert train(path, tmp_path / "run", "--set", "objective.examples.max_dropped=1") != 0
    assert message in capsys.readouterr().err


def test_weights_of_labels_change_what_is_learnt(begins, tmp_path: Path) -> None:
    for name, more in {"one": 'weights = "balanced"', "two": "weights = [5.0, 1.0]"}.items():
        assert train(recipe(tmp_path, "classify", begins["bert"], more=more), tmp_path / name) == 0
    one, two = (read_tensors(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert not torch.equal(one["classifier.weight"], two["classifier.weight"])


def test_the_tiny_recipe_of_reviews_runs_and_answers(begins, tmp_path: Path, capsys) -> None:
    import zhixing
    from tests.corpus.test_labelled import documents
    from zhixing.cli import main
    from zhixing.corpus.labelled import write_labelled

    rows = [(f"房间{n}很干净", "positive") for n in range(30)]
    rows += [(f"服务{n}太差了", "negative") for n in range(90)]
    write_labelled(documents(rows), tmp_path)
    places = {part: f"objective.examples.{part}={tmp_path / part}.jsonl" for part in ("train", "validation")}  # fmt: skip
    settings = [f"finetune.folder={begins['encoder']}", *places.values()]
    chosen = [part for setting in settings for part in ("--set", setting)]
    assert (
        main(["train", "sentiment-tiny", "--out", str(tmp_path / "run"), "--log", "none", *chosen])
        == 0
    )
    assert "held out, accuracy" in capsys.readouterr().out
    (label,) = zhixing.load(tmp_path / "run").classify(["房间很干净"])
    assert label.label in ("positive", "negative")


def test_a_new_head_can_read_the_mean_and_takes_over_what_pools_alike(tmp_path: Path) -> None:
    begin = origin(tmp_path, "mean")
    path = recipe(tmp_path, "classify", begin, table="pooling = 'mean'\nlearn = 'head'", steps=1)
    assert train(path, tmp_path / "run") == 0
    model = load_network(tmp_path / "run").model
    (head,) = model.config.heads_on_top
    assert (head.kind, head.pooling) == ("classify", "mean")
    assert "* New: `heads.classify.output`\n" in (tmp_path / "run/README.md").read_text("utf-8")
    plain = recipe(tmp_path, "classify", begin, steps=1)
    assert train(plain, tmp_path / "plain") == 0
    assert load_network(tmp_path / "plain").model.config.heads_on_top[0].pooling == "first"
    card = (tmp_path / "plain/README.md").read_text("utf-8")
    assert "heads.classify.pool.dense" in card.split("New:")[1].splitlines()[0]


def test_dropout_can_be_another_than_that_of_the_folder(begins, tmp_path: Path) -> None:
    path = recipe(tmp_path, "classify", begins["encoder"], table="dropout = 0.4", steps=1)
    assert train(path, tmp_path / "run") == 0
    assert load_network(tmp_path / "run").model.config.dropout == 0.4


@pytest.mark.parametrize(
    ("objective", "kind", "table", "words"),
    [
        ("tag", "encoder", "pooling = 'mean'", "finetune.pooling does nothing with the objective 'tag'"),
        ("similar", "encoder", "pooling = 'first'", "finetune.pooling does nothing"),
        ("classify", "encoder", "pooling = 'last'", "'first' or 'mean'"),
        ("classify", "cnn", "pooling = 'mean'", "finetune.pooling does nothing with a model of kind 'cnn'"),
        ("tag", "tagger", "dropout = 0.1", "finetune.dropout = 0.1: the model in"),
    ],
)  # fmt: skip
def test_what_a_model_has_no_place_for_is_refused(
    begins, tmp_path: Path, capsys, objective, kind, table, words
) -> None:
    begin = begins.get(kind) or origin(tmp_path, kind)
    assert train(recipe(tmp_path, objective, begin, table=table), tmp_path / "run") == 3
    assert words in capsys.readouterr().err
