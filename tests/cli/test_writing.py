"""`zhixing evaluate writing`: models continue the same documents; what is copied, repeated and new is counted."""

import json
import sys
from pathlib import Path

import pytest

import zhixing
from tests.cli.ladder_texts import write_texts
from tests.cli.stopping import CtrlC
from tests.tiny import tiny_model, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.core.errors import DataError, UsageError
from zhixing.corpus.document import Document
from zhixing.corpus.store import read_documents
from zhixing.evaluate.generation import prompts_of, what_followed
from zhixing.model.assembly import build_network
from zhixing.model.sequence_config import BagConfig


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("writing")
    write_texts(folder / "texts")
    recipe = folder / "own.toml"
    recipe.write_text(
        f"""
name = "own"
[[corpus.sources]]
name = "own"
path = "{folder / "texts"}"
[corpus.splits]
validation = 0.1
test = 0.2
""",
        "utf-8",
    )
    assert main(["data", "build", str(recipe), "--out", str(folder / "corpus"), "--log", "none"]) == 0  # fmt: skip
    for name in ("ngram", "lstm"):
        save_model(folder / name, tiny_model(name), tiny_tokenizer(), info=ModelInfo())
    return folder


def asked(place: Path, *more: str) -> list[str]:
    models = [str(place / name) for name in ("ngram", "lstm")]
    common = ["--data", str(place / "corpus"), "--num", "6", "--max-tokens", "12", "--log", "none"]
    return ["evaluate", "writing", *models, *common, *more]


def test_each_model_and_language_has_its_scores_beside_the_true_text(place, capsys) -> None:
    assert main(asked(place, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    names = [(each["language"], Path(each["name"]).name) for each in found["systems"]]
    assert names == [
        (tag, name) for tag in ("en", "zh") for name in ("ngram", "lstm", "what really follows")
    ]
    assert found["texts"] == 6
    for each in found["systems"]:
        scores = each["scores"]
        is_model = "follows" not in each["name"]
        assert ("bits_per_byte" in scores) == is_model
        assert (each["against_first"] is not None) == each["name"].endswith("lstm")
        assert {"distinct_2", "novelty_4", "longest_copy"} <= set(scores)
        assert scores["longest_copy"]["low"] <= scores["longest_copy"]["value"]
    assert main(["evaluate", str(place / "lstm"), "--data", str(place / "corpus"), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)["scores"]["zh"]["bits_per_byte"]["value"]
    lstm = next(e for e in found["systems"] if e["language"] == "zh" and e["name"].endswith("lstm"))
    assert lstm["scores"]["bits_per_byte"]["value"] == pytest.approx(alone)


def test_what_was_written_is_that_of_generate(place: Path, tmp_path: Path, capsys) -> None:
    assert main(asked(place, "--out", str(tmp_path / "out.jsonl"), "--markdown")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.count(" | ") for line in lines] == [5] * 6
    assert "what is compared with" in lines[0]
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    model = zhixing.load(place / "lstm")
    for number, row in enumerate(rows):
        made = model.generate(row["prompt"], max_tokens=12, temperature=0.8, seed=42 + number)
        assert row[str(place / "lstm")] == made.text
    assert main(asked(place, "--out", str(tmp_path / "out.jsonl"))) == 3
    assert "out.jsonl exists; choose another name" in capsys.readouterr().err
    documents = [document.text for document in read_documents(place / "corpus", "test")]
    for row in rows:
        whole = row["prompt"] + row["what really follows"]
        assert any(text.startswith(whole) for text in documents)


def test_the_plain_table_names_every_measure(place: Path, capsys) -> None:
    assert main(asked(place)) == 0
    told = capsys.readouterr().out
    for word in ("bits per byte", "repetition 4", "distinct 2", "novelty 4", "longest copy"):
        assert word in told


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (["--markdown", "--json"], 3, "give one of them"),
        (["--num", "0"], 3, "--num 0 must be at least 1"),
        (["--lines", "5"], 1, "goes on behind 5 lines"),
        (["--temperature", "-1"], 3, "temperature"),
        (["--data", "missing"], 3, "give the folder of a built corpus"),
    ],
)
def test_wrong_use_is_told(place: Path, capsys, more, code: int, message: str) -> None:
    data = [] if "--data" in more else ["--data", str(place / "corpus")]
    assert main(["evaluate", "writing", str(place / "lstm"), *data, *more]) == code
    assert message in capsys.readouterr().err


def test_no_model_is_told(place: Path, capsys) -> None:
    assert main(["evaluate", "writing", "--data", str(place / "corpus")]) == 3
    assert "one model folder or more" in capsys.readouterr().err


def document(text: str) -> Document:
    return Document(id=text[:5], text=text, source="own", language="en")


def test_a_prompt_is_lines_or_characters_and_something_follows() -> None:
    poems = [document(f"title {n}\nauthor\nfirst line\nsecond") for n in range(10)]
    found = prompts_of([*poems, document("title\nauthor")], num=5, lines=2)
    assert [each.text for each in found] == [f"title {n}\nauthor\n" for n in (0, 2, 4, 6, 8)]
    assert {each.rest for each in found} == {"first line\nsecond"}
    (long,) = prompts_of([document("x" * 41), document("x" * 40)], num=5, lines=0)
    assert (long.text, long.rest) == ("x" * 40, "x")
    with pytest.raises(DataError, match="40 characters"):
        prompts_of([document("short")], num=1, lines=0)
    with pytest.raises(UsageError, match="at least"):
        prompts_of(poems, num=1, lines=-1)


def test_the_true_text_is_as_long_as_what_models_wrote() -> None:
    prompts = prompts_of([document("x" * 40 + "y" * 50)], num=1, lines=0)
    assert what_followed(prompts, [["a" * 10], ["b" * 20]]) == ["y" * 15]


def test_a_model_that_writes_nothing_is_told_before_the_first_writes(
    place: Path, tmp_path: Path, capsys
) -> None:
    bag = build_network(BagConfig(embedding=4, labels=2), tiny_tokenizer().vocab)
    save_model(tmp_path / "m", bag, tiny_tokenizer(), info=ModelInfo())
    data = ["--data", str(place / "corpus"), "--log", "plain"]
    for folder, told in (
        (tmp_path / "m", f"{tmp_path / 'm'}: this model"),
        (tmp_path / "none", "no folder"),
    ):
        assert main(["evaluate", "writing", str(place / "lstm"), str(folder), *data]) == 1
        captured = capsys.readouterr()
        assert told in captured.err
        assert "texts of" not in captured.err


def test_ctrl_c_keeps_what_finished_models_wrote(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.jsonl"
    words = [word for word in asked(place, "--out", str(out)) if word not in ("--log", "none")]
    monkeypatch.setattr(sys, "stderr", told := CtrlC(f"texts of {place / 'lstm'}"))
    assert main([*words, "--log", "plain"]) == 130
    assert f"interrupted; {out} has what was written (models: 1)" in told.getvalue()
    rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [[*row] for row in rows] == [["prompt", "language", str(place / "ngram")]] * 6
    monkeypatch.setattr(sys, "stderr", told := CtrlC(f"texts of {place / 'ngram'}"))
    assert main([*words, "--fresh", "--log", "plain"]) == 130
    assert "interrupted; nothing is kept" in told.getvalue()
