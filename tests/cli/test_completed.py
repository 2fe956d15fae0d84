"""What a recipe may leave out because its examples or its tokenizer know it: labels, and the token that targets begin with."""

from pathlib import Path
from typing import Any

import pytest

from tests.trained import rows, write_recipe, write_rows
from zhixing.checkpoint.folder import load_network
from zhixing.cli import main
from zhixing.cli.recipe import load_recipe

SMALL = "encoder = { embedding = 8, width = 8 }"
MODELS = {
    "tagger": ("tag", 5, f'kind = "tagger"\n{SMALL}'),
    "cnn": ("classify", 2, 'kind = "cnn"\nembedding = 8\nfilters = 4'),
    "bag": ("regress", 1, 'kind = "bag"\nembedding = 8'),
    "reader": ("rank", 1, f'kind = "recurrent-classifier"\n{SMALL}'),
    "ensemble": (
        "classify",
        2,
        'kind = "ensemble"\nmembers = [{ kind = "cnn", embedding = 8, filters = 4 }, { kind = "bag", labels = 2, embedding = 2, '
        'hidden = [], begin = "naive-bayes" }]',
    ),
}
HALF = '{ shape = "llama", width = 16, layers = 1, heads = 2, kv_heads = 2, head_dim = 8, hidden = 16, max_time = 32 }'
WRITERS = {
    "seq2seq": 'kind = "seq2seq"\nembedding = 8\nwidth = 8',
    "encoder-decoder": f'kind = "encoder-decoder"\nencoder = {HALF}\ndecoder = {HALF}',
}
ONE_STEP = "steps = 1\nbatch_tokens = 128"
BEGIN = 'tokenizer_text = "examples"\n[tokenizer]\nvocab = 320\n[model]\n'


def learn(
    folder: Path, kind: str, model: str, examples: list[dict[str, Any]], more: str = ""
) -> int:
    write_rows(folder / "rows.jsonl", examples)
    recipe = write_recipe(
        folder / "own.toml", kind, folder / "rows.jsonl", f"{BEGIN}{model}", more, learn=ONE_STEP
    )
    return main(["train", str(recipe), "--out", str(folder / "run"), "--log", "none"])


@pytest.mark.parametrize("name", MODELS)
def test_labels_are_counted_in_the_examples(name: str, tmp_path: Path) -> None:
    kind, number, model = MODELS[name]
    assert learn(tmp_path, kind, model, rows(kind)) == 0
    made: Any = load_network(tmp_path / "run").model
    assert made.config.labels == number
    written: Any = load_recipe(tmp_path / "run" / "recipe.toml").model
    assert written.labels == number
    members = getattr(written, "members", (written,))
    assert [each.labels for each in members] == [number] * len(members)


@pytest.mark.parametrize("name", MODELS)
def test_another_number_than_the_examples_have_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, number, model = MODELS[name]
    wrong = model.replace("embedding = 8, filters", "labels = 7, embedding = 8, filters")
    wrong = wrong.replace("labels = 2, embedding = 2", "labels = 7, embedding = 7")
    more = "" if name == "ensemble" else "labels = 7\n"
    assert learn(tmp_path, kind, f"{more}{wrong}", rows(kind)) == 3
    told = f"model.labels = 7, but the examples need {number}; write that, or leave it out"
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", WRITERS)
def test_targets_begin_with_the_begin_token_unless_the_recipe_says_another(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = [{"src": row["text"], "tgt": row["label"]} for row in rows("classify")]
    for given, wanted in (("", None), ("start = 3\n", 3)):
        assert learn(tmp_path, "seq2seq", f"{given}{WRITERS[name]}", pairs, "beams = [1]") == 0
        loaded = load_network(tmp_path / "run")
        model: Any = loaded.model
        expected = loaded.tokenizer.begin if wanted is None else wanted
        assert model.opening == (expected,)
        written: Any = load_recipe(tmp_path / "run" / "recipe.toml").model
        assert written.start == expected
        (tmp_path / "run").rename(tmp_path / f"run-{expected}")
    capsys.readouterr()
    assert learn(tmp_path, "seq2seq", f"start = 5000\n{WRITERS[name]}", pairs) == 3
    assert "model.start = 5000, but the tokenizer has the ids 0 to " in capsys.readouterr().err
