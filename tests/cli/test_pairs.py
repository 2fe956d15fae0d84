"""Translations and summaries from pairs to scores: learnt, written, judged beside baselines, turned round, applied."""

import io
import json
import random
import tarfile
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import zhixing
from tests.cli.stopping import CtrlC
from zhixing.checkpoint.folder import load_network
from zhixing.cli import main
from zhixing.cli.examples import languages
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.corpus import fetch
from zhixing.evaluate.baselines.pairs import open_pairs
from zhixing.objective.config import PairFilesConfig, Seq2SeqConfig

WORDS = {
    "open": "打开",
    "close": "关闭",
    "file": "文件",
    "window": "窗口",
    "red": "红",
    "new": "新",
}
RECIPE = """
name = "pairs"
tokenizer_text = "examples"
samples = ["open new file"]

[tokenizer]
kind = "words"
vocab = 100

[data]
time = 16

[objective]
kind = "seq2seq"
measure = "translation"
language = "zh"
label_smoothing = 0.0
length_penalty = 1.2
beams = [2]
examples = {{ train = "{0}/train.jsonl", validation = "{0}/test.jsonl", test = "{0}/test.jsonl" }}

[model]
kind = "encoder-decoder"
start = 1
encoder = {{ shape = "llama", width = 32, layers = 1, heads = 2, kv_heads = 2, head_dim = 16, hidden = 64, max_time = 16 }}
decoder = {{ shape = "llama", width = 32, layers = 1, heads = 2, kv_heads = 2, head_dim = 16, hidden = 64, max_time = 16 }}

[train]
steps = 150
batch_tokens = 512
lr = 0.01
precision = "float32"
"""


def parts(folder: Path, place: Path) -> Path:
    """The pairs of `place`, with those of the test for validation too."""
    folder.mkdir()
    for part, file in (("train", "train"), ("validation", "test"), ("test", "test")):
        (folder / f"{part}.jsonl").write_bytes((place / f"{file}.jsonl").read_bytes())
    return folder


def said(command: list[str]) -> Any:
    with redirect_stdout(io.StringIO()) as printed:
        assert main([*command, "--log", "none", "--json"]) == 0
    return json.loads(printed.getvalue().splitlines()[-1])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    drawn = random.Random(0)
    rows = {tuple(drawn.choices([*WORDS], k=drawn.randint(2, 5))) for _ in range(400)}
    lines = [
        json.dumps({"src": " ".join(row), "tgt": " ".join(WORDS[word] for word in row)})
        for row in sorted(rows)
    ]
    drawn.shuffle(lines)
    (folder / "test.jsonl").write_text("\n".join(lines[:40]) + "\n", "utf-8")
    (folder / "train.jsonl").write_text("\n".join(lines[40:]) + "\n", "utf-8")
    (folder / "recipe.toml").write_text(RECIPE.format(folder.as_posix()), "utf-8")
    return folder


@pytest.fixture(scope="module")
def result(place: Path) -> Any:
    return said(["train", str(place / "recipe.toml"), "--out", str(place / "run")])


@pytest.fixture
def _dictionary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [[chinese, chinese, "", english] for english, chinese in WORDS.items()]
    content = f"export default {json.dumps({'all': rows})}".encode()
    archive = tmp_path / "dictionary.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("package/data/all.js")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    monkeypatch.setattr(fetch, "fetch", lambda entry, progress: (archive, entry.origins[0]))


def test_a_run_ends_with_the_measures_of_translation(result: dict[str, Any]) -> None:
    (scores,) = result["test"].values()
    assert set(scores) == {"bleu", "chrf", "ter", "length_ratio"}
    assert scores["bleu"]["value"] > 60
    assert scores["bleu"]["low"] <= scores["bleu"]["value"] <= scores["bleu"]["high"]
    assert "tok:zh" in scores["bleu"]["signature"]
    assert "beam:2" in scores["bleu"]["signature"]


def test_a_finished_run_is_measured_again_with_the_same_numbers(
    place: Path, result: dict[str, Any]
) -> None:
    out = place / "written.jsonl"
    again = said(["evaluate", "pairs", str(place / "run"), "--out", str(out)])
    values = {name: score["value"] for name, score in again["scores"].items()}
    assert values == {name: score["value"] for name, score in result["test"]["beam 2"].items()}
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(rows) == 40
    assert set(rows[0]) == {"source", "reference", "text"}
    assert main(["evaluate", "pairs", str(place / "run"), "--out", str(out)]) == 3


@pytest.mark.usefixtures("_dictionary", "result")
def test_pairs_are_measured_like_every_other_task(place: Path, tmp_path: Path) -> None:
    data, run = parts(tmp_path / "data", place), str(place / "run")
    command = [
        "evaluate",
        "baselines",
        str(data),
        "--model",
        run,
        "--out",
        str(tmp_path / "o.jsonl"),
    ]
    found = said(command)
    assert found["told"][0].endswith(
        "translations from en to zh to learn from, 40 to choose on, 40 to test on"
    )
    systems = {each["name"]: each for each in found["systems"]}
    assert [*systems] == ["dictionary", "memory", run]  # the better baseline first
    bleu = {name: each["scores"]["bleu"]["value"] for name, each in systems.items()}
    assert bleu["dictionary"] == pytest.approx(100)  # word for word is right here
    assert bleu["memory"] < 90
    assert systems[run]["scores"]["bleu"]["value"] > 60
    assert "tok:zh" in systems[run]["scores"]["bleu"]["signature"]
    assert systems[run]["told"] == "beam of 5"
    assert systems[run]["against_best_baseline"][0]["name"] == "bleu"
    written = [
        json.loads(line)[run] for line in (tmp_path / "o.jsonl").read_text("utf-8").splitlines()
    ]
    sources = [
        json.loads(line)["src"] for line in (place / "test.jsonl").read_text("utf-8").splitlines()
    ]
    assert written == zhixing.load(run).translate(sources, beam=5)
    turned = said(["evaluate", "baselines", str(data), "--reversed"])["systems"][0]
    assert "tok:13a" in turned["scores"]["bleu"]["signature"]


def test_a_chat_model_answers_every_source(place: Path, tmp_path: Path) -> None:
    class Model:
        methods = ("chat",)

        def chat(self, messages: list[dict[str, str]], **settings: Any) -> Any:
            (message,) = messages
            assert message["role"] == "user"
            assert settings["temperature"] == 0.0
            return SimpleNamespace(text="".join(WORDS[word] for word in message["content"].split()))

    contest = open_pairs(parts(tmp_path / "data", place), is_reversed=False)
    answers, told = contest.ask(Model())
    assert told == "greedy"
    (bleu,) = [each for each in contest.judge(answers).measures if each.name == "bleu"]
    assert bleu.value() == pytest.approx(100)


def test_pairs_in_one_language_are_summaries(tmp_path: Path) -> None:
    row = {"src": "Open the new file. Then close the red window.", "tgt": "Open the new file."}
    for part in ("train", "validation", "test"):
        (tmp_path / f"{part}.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    found = said(["evaluate", "baselines", str(tmp_path)])
    assert "1 summaries from en to en to learn from" in found["told"][0]
    assert "1 of the test sources are also learnt from" in found["told"][1]
    scores = {each["name"]: each["scores"]["rougel"]["value"] for each in found["systems"]}
    assert {*scores} == {"lead", "tfidf", "memory"}
    assert scores["lead"] == scores["memory"] == 1.0


@pytest.mark.parametrize(
    ("row", "words", "told"),
    [
        ({"src": "open", "tgt": " "}, [], ":1 is no pair {src, tgt} of two texts"),
        ({"src": "a", "tgt": "b", "references": ["b", "c"]}, [], ":1 has 2 references"),
        ({"src": "a", "tgt": "b", "references": 2}, [], ":1: its references are no list of texts"),
        ({"src": "1 2", "tgt": "3 4"}, [], "are in no language"),
        ({"src": "open file", "tgt": "文件"}, ["--positive", "x"], "--positive would do nothing"),
        ({"text": "open file", "label": "x"}, ["--reversed"], "--reversed would do nothing"),
    ],
)
def test_what_is_no_pair_of_texts_is_named(
    tmp_path: Path,
    row: dict[str, Any],
    words: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for part in ("train", "validation", "test"):
        (tmp_path / f"{part}.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    assert main(["evaluate", "baselines", str(tmp_path), *words, "--log", "none"]) in (1, 3)
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("result")
def test_a_model_keeps_the_length_penalty_of_its_recipe(place: Path, tmp_path: Path) -> None:
    loaded = load_network(place / "run")
    assert loaded.length_penalty == 1.2
    table = json.loads((place / "run/generation_config.json").read_text("utf-8"))
    assert table["length_penalty"] == 1.2
    changed = tmp_path / "changed"
    changed.mkdir()
    for file in (place / "run").iterdir():
        if file.is_file() and file.name != "manifest.json":
            (changed / file.name).write_bytes(file.read_bytes())
    for penalty, meant in ((0.0, 0.0), (None, 1.0), ("much", None)):
        written = json.dumps({**table, "length_penalty": penalty})
        (changed / "generation_config.json").write_text(written, "utf-8")
        if meant is not None:
            assert load_network(changed).length_penalty == meant
            continue
        with pytest.raises(CheckpointError, match="length_penalty = 'much' must be a number"):
            load_network(changed)


@pytest.mark.usefixtures("result")
def test_a_source_that_is_too_long_is_refused_or_cut_as_in_training(place: Path) -> None:
    model = zhixing.load(place / "run")
    text = "open new file " * 10
    with pytest.raises(UnsupportedError):
        model.translate([text])
    kept = " ".join(text.split()[:15])  # and the end
    assert model.translate([text], cut=True) == model.translate([kept])


def test_pairs_turn_round_by_one_setting(place: Path) -> None:
    sets = ["objective.examples.reversed=true", "objective.language=en", "train.steps=150"]
    settings = [part for each in sets for part in ("--set", each)]
    out = str(place / "back")
    made = said(["train", str(place / "recipe.toml"), "--out", out, *settings])
    assert "tok:13a" in made["test"]["beam 2"]["bleu"]["signature"]
    assert made["test"]["beam 2"]["bleu"]["value"] > 60
    assert set(zhixing.load(out).translate(["打 开 文 件"])[0].split()) <= {*WORDS}


def test_summaries_are_judged_by_rouge(place: Path, result: dict[str, Any]) -> None:
    recipe = (place / "run/recipe.toml").read_text("utf-8")
    summary = place / "summary"
    summary.mkdir()
    for file in (place / "run").iterdir():
        if file.is_file():
            (summary / file.name).write_bytes(file.read_bytes())
    (summary / "recipe.toml").write_text(recipe.replace('"translation"', '"summary"'), "utf-8")
    scores = said(["evaluate", "pairs", str(summary)])["scores"]
    assert set(scores) == {"rouge1", "rouge2", "rougel", "length_ratio"}
    assert scores["rouge1"]["value"] > 0.6


@pytest.mark.usefixtures("result")
@pytest.mark.parametrize("task", ["translate", "summarise"])
def test_apply_writes_with_the_search_that_is_asked_for(place: Path, task: str) -> None:
    model = zhixing.load(place / "run")
    texts = ["open new file", "close red window"]
    (place / "texts.txt").write_text("\n".join(texts) + "\n", "utf-8")
    for beam in (1, 3):
        out = place / f"{task}-{beam}.jsonl"
        command = ["apply", str(place / "run"), str(place / "texts.txt"), "--task", task]
        said([*command, "--beam", str(beam), "--out", str(out)])
        found = [json.loads(line)["text"] for line in out.read_text("utf-8").splitlines()]
        assert found == model.translate(texts, beam=beam)
    greedy = [model.generate(text, temperature=0.0).text for text in texts]
    assert model.translate(texts) == greedy


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["objective.language="], "needs the language of the targets"),
        (["objective.measure=symbols"], 'language does nothing with measure = "symbols"'),
    ],
)
def test_a_language_is_said_where_it_is_needed_and_nowhere_else(
    place: Path, change: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [part for each in change for part in ("--set", each)]
    assert main(["train", str(place / "recipe.toml"), "--out", str(place / "no"), *sets]) == 3
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("result")
def test_two_runs_are_compared_on_the_same_pairs_alone(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, short, other = str(place / "run"), str(place / "short"), tmp_path / "other"
    (place / "copy.jsonl").write_bytes(
        (place / "test.jsonl").read_bytes()
    )  # as each run has its own
    own = f"objective.examples.test={(place / 'copy.jsonl').as_posix()}"
    said(
        [
            "train",
            str(place / "recipe.toml"),
            "--out",
            short,
            "--set",
            "train.steps=1",
            "--set",
            own,
        ]
    )
    command = ["evaluate", "pairs", short, "--beam", "1", "--against"]
    compared = said([*command, run])
    bleu = next(each for each in compared["comparisons"] if each["name"] == "bleu")
    assert bleu["difference"] < 0
    assert bleu["is_significant"]
    assert compared["undefined"] == []
    same = said([*command, short])["comparisons"]
    assert {each["difference"] for each in same} == {0.0}
    assert not any(each["is_significant"] for each in same)
    other.mkdir()
    recipe = (place / "run/recipe.toml").read_text("utf-8")
    turned = recipe.replace("/test.jsonl", "/train.jsonl")
    (other / "recipe.toml").write_text(turned, "utf-8")
    assert main([*command, str(other), "--log", "none"]) == 3
    assert "have other test pairs; give a run with the same" in capsys.readouterr().err


@pytest.mark.usefixtures("result")
def test_a_length_penalty_is_tried_on_any_part_and_the_models_own_is_the_usual_one(
    place: Path,
) -> None:
    def found(*options: str) -> dict[str, float]:
        scores = said(["evaluate", "pairs", str(place / "short"), "--beam", "2", *options])[
            "scores"
        ]
        return {name: each["value"] for name, each in scores.items()}

    said(["train", str(place / "recipe.toml"), "--out", str(place / "short"), "--fresh", "--set", "train.steps=20"])  # fmt: skip
    lengths = [found("--length-penalty", str(each))["length_ratio"] for each in (0.0, 1.2, 4.0)]
    assert lengths[0] < lengths[-1]
    assert found()["length_ratio"] == lengths[1]
    assert found("--part", "train") != found("--part", "test")
    assert found("--part", "validation") == found("--part", "test")  # the recipe has the same file


@pytest.mark.usefixtures("result")
def test_examples_stand_before_the_scores_where_they_are_asked_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "pairs", str(place / "run"), "--beam", "1", "--log", "none"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[0].split()[0] == "value"
    assert main([*command, "--show", "2"]) == 0
    assert capsys.readouterr().out.count("\n  written ") == 2


def test_pairs_of_the_catalogue_know_their_languages() -> None:
    for turned, wanted in ((False, ("en", "zh")), (True, ("zh", "en"))):
        examples = PairFilesConfig(name="libreoffice-help", reversed=turned)
        assert languages(Seq2SeqConfig(kind="seq2seq", examples=examples)) == wanted


@pytest.mark.usefixtures("result")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--beam", "0"], "--beam 0 must be at least 1"),
        (["--seed", "-1"], "a seed is zero or larger"),
        (["--show", "-1"], "a number of examples"),
        (["--show", "1", "--json"], "--show would do nothing with --json"),
        (["--against", "nowhere"], "there is no run in such a folder"),
        (["--length-penalty", "-1"], "--length-penalty -1.0: from 0 to 4"),
        (["--length-penalty", "nan"], "--length-penalty nan: from 0 to 4"),
    ],
)
def test_what_would_do_nothing_is_refused(
    place: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "pairs", str(place / "run"), *arguments, "--log", "none"]) == 3
    assert told in capsys.readouterr().err


@pytest.mark.usefixtures("result")
def test_the_pairs_that_are_read_are_not_written_over(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (place / "test.jsonl").read_bytes()
    words = ["--beam", "1", "--out", str(place / "test.jsonl"), "--log", "none"]
    assert main(["evaluate", "pairs", str(place / "run"), *words]) == 3
    assert "is a file that is read" in capsys.readouterr().err
    assert (place / "test.jsonl").read_bytes() == before


@pytest.mark.usefixtures("result")
def test_what_was_written_is_kept_when_its_scores_are_stopped(place: Path, tmp_path: Path) -> None:
    out, shown = tmp_path / "written.jsonl", CtrlC("value")
    words = ["--beam", "1", "--out", str(out), "--log", "none"]
    with redirect_stdout(shown):
        assert main(["evaluate", "pairs", str(place / "run"), *words]) == 130
    assert "value" in shown.getvalue()
    assert len(out.read_text("utf-8").splitlines()) == len((place / "test.jsonl").read_text("utf-8").splitlines())  # fmt: skip


@pytest.mark.usefixtures("result")
def test_scores_are_shown_also_where_what_was_written_cannot_be_kept(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()

    class Blocks(io.StringIO):
        """An output that puts a file in the place of the folder when it shows the scores."""

        def write(self, text: str) -> int:
            if "value" in text:
                folder.rmdir()
                folder.touch()
            return super().write(text)

    words = ["--beam", "1", "--out", str(folder / "written.jsonl"), "--log", "none"]
    with redirect_stdout(shown := Blocks()):
        assert main(["evaluate", "pairs", str(place / "run"), *words]) == 1
    assert "bleu" in shown.getvalue()
    assert "written.jsonl" in capsys.readouterr().err
