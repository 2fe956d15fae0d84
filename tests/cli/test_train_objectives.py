"""`zhixing train` for every objective, from files to a folder that opens; and the refusals."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.cli.ladder_texts import write_texts
from zhixing.checkpoint.folder import load_network
from zhixing.cli import main
from zhixing.data.order import Cursor

HALF = 'shape = "t5", width = 16, layers = 1, heads = 2, kv_heads = 2, head_dim = 8, hidden = 16, max_time = 32'
MODELS = {
    "encoder": 'kind = "encoder"\nwidth = 16\nlayers = 1\nheads = 2\nkv_heads = 2\nhead_dim = 8\nhidden = 16\nmax_time = 32',
    "encoder-decoder": f'kind = "encoder-decoder"\nencoder = {{ {HALF} }}\ndecoder = {{ {HALF} }}',
    "seq2seq": 'kind = "seq2seq"\nembedding = 16\nwidth = 16',
    "tagger": 'kind = "tagger"\nlabels = 2\nchain = true\nencoder = { embedding = 16, width = 16 }',
    "cnn": 'kind = "cnn"\nlabels = 2\nembedding = 16\nfilters = 8',
    "bag": 'kind = "bag"\nlabels = 1\nembedding = 16',
    "recurrent-classifier": 'kind = "recurrent-classifier"\nlabels = 2\nencoder = { embedding = 16, width = 16 }',
    "recurrent-reader": 'kind = "recurrent-reader"\nencoder = { embedding = 16, width = 16 }',
    "lstm": 'kind = "lstm"\nwidth = 16\nlayers = 1',
}
TEXT = "The fox sleeps."
ROWS: dict[str, list[dict[str, Any]]] = {
    "seq2seq": [{"src": "fox", "tgt": "狐狸"}, {"src": "dog", "tgt": "狗"}],
    "classify": [{"text": TEXT, "label": "en"}, {"text": "狐狸在睡觉。", "label": "zh"}],
    "regress": [
        {"text1": TEXT, "text2": "The dog", "label": 0.5},
        {"text1": "狗", "text2": "a", "label": -1},
    ],
    "tag": [{"tokens": ["The", "fox"], "tags": ["O", "B-ANIMAL"]}],
    "span": [
        {"question": "Who?", "context": TEXT, "answers": {"text": ["fox"], "answer_start": [4]}}
    ],
    "similar": [{"text1": "fox", "text2": "狐狸"}, {"text1": "dog", "text2": "狗"}],
    "rank": [{"query": "fox", "texts": [TEXT, "狗"], "relevance": [1, 0]}],
    "preference": [{"prompt": "Who?", "chosen": " fox", "rejected": " no"}],
}
CASES = [
    ("masked", "encoder"), ("denoise", "encoder-decoder"), ("seq2seq", "encoder-decoder"),
    ("classify", "encoder"), ("regress", "encoder"), ("tag", "encoder"), ("span", "encoder"),
    ("similar", "encoder"), ("similar", "lstm"), ("rank", "encoder"), ("preference", "lstm"),
    ("seq2seq", "seq2seq"), ("denoise", "seq2seq"), ("tag", "tagger"), ("classify", "cnn"), ("regress", "bag"),
    ("classify", "recurrent-classifier"), ("span", "recurrent-reader"),
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objectives")
    write_texts(folder / "texts")
    for kind, rows in ROWS.items():
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows * 6)
        (folder / f"{kind}.jsonl").write_text(lines, "utf-8")
    return folder


def recipe(place: Path, kind: str, model: str, *, examples: str = "") -> Path:
    is_validated = kind not in ROWS or "validation" in examples
    validated = "validate_tokens = 256" if is_validated else ""
    text = f"""
name = "own"
samples = []
[[corpus.sources]]
name = "own"
path = "{place / "texts"}"
[corpus.splits]
validation = 0.2
[tokenizer]
vocab = 400
[data]
time = 32
{validated}
[model]
{MODELS[model]}
[objective]
kind = "{kind}"
{examples}
[train]
steps = 3
batch_tokens = 128
precision = "float32"
"""
    path = place / f"{kind}-{model}.toml"
    path.write_text(text, "utf-8")
    return path


def examples(place: Path, kind: str) -> str:
    if kind not in ROWS:
        return ""
    file = place / f"{kind}.jsonl"
    return f'examples = {{ train = "{file}", validation = "{file}" }}'


def train(place: Path, path: Path, *more: str) -> int:
    return main(
        ["train", str(path), "--out", str(place / "run"), "--log", "plain", "--fresh", *more]
    )


@pytest.mark.parametrize(("kind", "model"), CASES)
def test_every_objective_trains_from_files_to_a_folder(
    place: Path, kind: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(place, kind, model, examples=examples(place, kind))
    assert train(place, path, "--json") == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["steps"] == 3
    if kind != "preference":
        assert result["validation"]["loss"] > 0
    loaded = load_network(place / "run")
    assert loaded.manifest.step == result["selected_step"]


def test_preview_prints_the_first_examples_and_trains_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(place, "masked", "encoder")
    out = place / "shown"
    assert main(["preview", str(path), "--out", str(out), "--log", "plain"]) == 0
    shown = capsys.readouterr().out
    assert "example 1 of objective masked" in shown
    assert "tokens     <begin>|" in shown
    assert "targets    –|" in shown
    assert not (out / "records.jsonl").exists()


@pytest.mark.parametrize(
    ("kind", "model", "said"),
    [
        (
            "masked",
            "lstm",
            "a model of kind 'lstm' cannot learn the objective 'masked'; set model.kind to encoder",
        ),
        (
            "causal",
            "encoder",
            "cannot learn the objective 'causal'; set model.kind to decoder or rnn or lstm",
        ),
        ("classify", "encoder", "'objective.examples' is required"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    place: Path, kind: str, model: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(place, recipe(place, kind, model)) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "model", "fitting"),
    [
        ("tag", "recurrent-reader", "encoder or tagger"),
        ("span", "tagger", "encoder or recurrent-reader"),
    ],
)
def test_what_reads_for_another_answer_is_refused_by_name(
    place: Path, kind: str, model: str, fitting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(place, recipe(place, kind, model, examples=examples(place, kind))) == 3
    assert f"set model.kind to {fitting}, or" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "setting", "said"),
    [
        ("masked", "samples=['The ']", "nothing is written by a model that learns 'masked'"),
        ("denoise", "samples=['The ']", "nothing is written by a model that learns 'denoise'"),
        ("classify", "train.patience=2", "train.patience does nothing without validation"),
        ("masked", "train.patience=2", "train.patience does nothing without validation"),
        ("masked", "seed=1", "data.validate_tokens does nothing without validation"),
        ("similar", "objective.temperature=0.1", "does nothing with loss = cosine"),
    ],
)
def test_a_setting_that_nothing_reads_is_refused(
    place: Path, kind: str, setting: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model = "encoder-decoder" if kind == "denoise" else "encoder"
    more = f'examples = {{ train = "{place / kind}.jsonl" }}' if kind in ROWS else ""
    more += '\nloss = "cosine"' if kind == "similar" else ""
    path = recipe(place, kind, model, examples=more)
    assert train(place, path, "--set", setting, "--set", "corpus.splits.validation=0") == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("num", ["0", "-1"])
def test_a_preview_shows_at_least_one_example(
    place: Path, num: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(place, "masked", "encoder")
    assert main(["preview", str(path), "--out", str(place / "none"), "--num", num]) == 3
    assert f"--num {num} must be at least 1" in capsys.readouterr().err
    assert not (place / "none").exists()


def test_too_many_lost_examples_end_the_run(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = place / "bad.jsonl"
    bad.write_text(
        '{"text": "x", "label": "a"}\n\n{"text": "y", "label": "b"}\n{"text": "", "label": "a"}\n'
    )
    path = recipe(place, "classify", "encoder", examples=f'examples = {{ train = "{bad}" }}')
    assert train(place, path) == 1
    assert (
        f"33.3% dropped is more than objective.examples.max_dropped = 0.1 (the first is {bad}:4: empty"
        in capsys.readouterr().err
    )
    bad.write_text(f'{{"text": "x", "label": "a"}}\n{{"text": "{"y" * 500}", "label": "b"}}\n')
    more = f'examples = {{ train = "{bad}", max_truncated = 0.1 }}'
    assert train(place, recipe(place, "classify", "encoder", examples=more)) == 1
    assert f"max_truncated = 0.1 (the first is {bad}:2)" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "model"), [("classify", "cnn"), ("tag", "tagger"), ("rank", "encoder")])  # fmt: skip
def test_validation_examples_that_are_also_learnt_from_are_counted(
    place: Path, kind: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(rows: list[dict[str, Any]]) -> str:
        held = place / "held.jsonl"
        held.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        files = f'examples = {{ train = "{place / kind}.jsonl", validation = "{held}" }}'
        assert train(place, recipe(place, kind, model, examples=files)) == 0
        return capsys.readouterr().err

    known = ROWS[kind][0]
    (text,) = {"text", "tokens", "query"} & known.keys()
    value = known[text]
    new = {**known, text: value[::-1]}
    assert "validation: 3 examples, 0 truncated, 0 dropped; 2 of them are also learnt from" in told([known, new, known])  # fmt: skip
    assert "also learnt from" not in told([new])


def training_task(place: Path, kind: str, model: str, rows: list[dict[str, str]]) -> Any:
    """The task of a recipe with steps of ten examples, and these rows to learn from."""
    from zhixing.cli.pipeline import new_model, prepare
    from zhixing.cli.recipe import load_recipe
    from zhixing.cli.tasks import make_task
    from zhixing.core.progress import Silent

    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (place / "train.jsonl").write_text(lines, "utf-8")
    path = place / "own.toml"
    path.write_text(
        f"""
name = "own"
samples = []
tokenizer_text = "examples"
[tokenizer]
vocab = 300
[data]
time = 32
[model]
{MODELS[model].replace("labels = 1", "labels = 2")}
[objective]
kind = "{kind}"
examples = {{ train = "{place / "train.jsonl"}" }}
[train]
steps = 1
batch_tokens = 320
""",
        "utf-8",
    )
    recipe = load_recipe(path)
    prepared = prepare(recipe, place / "data", Silent())
    return make_task(recipe, prepared, new_model(recipe, prepared), Silent())


def test_texts_of_a_step_are_about_equally_long(tmp_path: Path) -> None:
    rows = [{"text": "fox " * (1 + n * 7 % 29), "label": f"{n % 2}"} for n in range(120)]
    task = training_task(tmp_path, "classify", "bag", rows)
    lengths = [len(item["tokens"]) for item in task.train.epoch(0, 1)]
    steps = [lengths[at : at + 10] for at in range(0, len(lengths), 10)]
    padded = sum(10 * max(step) for step in steps)
    assert len(lengths) == 120
    assert padded < 1.1 * sum(lengths)
    assert padded < 0.8 * 120 * max(lengths)


def test_steps_of_pairs_have_about_equally_many_target_tokens(tmp_path: Path) -> None:
    rows = [{"src": "dog", "tgt": "fox " * (1 + n * 7 % 29)} for n in range(120)]
    task = training_task(tmp_path, "seq2seq", "seq2seq", rows)
    steps = [items for items, _ in islice(task.train.batches(Cursor(), 10), 12)]
    counts = [sum(task.objective.counts(item)["loss"] for item in items) for items in steps]
    assert max(counts) < 1.5 * min(counts)
    assert max(map(len, steps)) > 3 * min(map(len, steps))
