"""Files of published formats: shown, converted, and read by recipes as they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from zhixing.cli import main

CONLL = """-DOCSTART- -X- -X- O

EU NNP I-NP I-ORG
rejects VBZ I-VP O
German JJ I-NP I-MISC
call NN I-NP O

Peter NNP I-NP I-PER
Blackburn NNP I-NP I-PER
"""
NAMES = [
    {"tokens": ["EU", "rejects", "German", "call"], "tags": ["B-ORG", "O", "B-MISC", "O"]},
    {"tokens": ["Peter", "Blackburn"], "tags": ["B-PER", "I-PER"]},
]
GLUE = 'sentence\tlabel\na fine "film \t1\ndull\t0\n'
CONTEXT = "北京在中国。Paris is in France."
SQUAD = {
    "version": "1.1",
    "data": [
        {
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "1",
                            "question": "Where is Paris?",
                            "answers": [
                                {"text": "France", "answer_start": CONTEXT.index("France")}
                            ],
                        },
                        {
                            "id": "2",
                            "question": "北京在哪里？",
                            "answers": [{"text": "中国", "answer_start": 0}],
                        },
                    ],
                }
            ]
        }
    ],
}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    texts = {
        "eng.train": CONLL,
        "train.tsv": GLUE,
        "dev.json": json.dumps(SQUAD, ensure_ascii=False),
        "own.jsonl": '{"text": "a", "label": "x"}\n{oops\n',
        "news.en": "Hello.\n\nBye.\n",
        "news.zh": "你好。\n空\n再见。\n",
        "prose.txt": "Once upon a time\n",
        "odd.json": '[{"conversations": [{"from": "robot", "value": "?"}]}]',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def converted(*words: str) -> list[dict[str, Any]]:
    end = ["--out", "out.jsonl", "--fresh", "--log", "none"]
    assert main(["data", "convert", *words, *end]) == 0
    return [json.loads(line) for line in Path("out.jsonl").read_text("utf-8").splitlines()]


def test_a_file_is_shown_with_its_format_its_losses_and_what_reads_it(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "show", "dev.json", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["format"], found["rows"]) == ("squad", 1)
    assert found["dropped"] == {"answer_not_in_context": 1}
    assert found["first"][0]["answers"]["text"] == ["France"]
    assert main(["data", "show", "eng.train", "--num", "1"]) == 0
    shown = capsys.readouterr().out
    assert "eng.train: conll-2003: 2 rows, 0 left out" in shown
    assert "labels: O 2" in shown
    assert "objectives that read such rows: tag" in shown
    assert shown.count("tokens") == 1
    assert main(["data", "show", "own.jsonl"]) == 0
    assert "own.jsonl: table: 1 rows, 1 left out (broken_line 1)" in capsys.readouterr().out


def test_a_file_with_other_rows_is_kept(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["data", "convert", "train.tsv", "--log", "none", "--out"]
    own = Path("own.jsonl").read_bytes()
    assert main([*words, "own.jsonl"]) == 3
    assert "own.jsonl exists and holds something else; choose another" in capsys.readouterr().err
    assert Path("own.jsonl").read_bytes() == own
    assert [main([*words, "new.jsonl"]), main([*words, "new.jsonl"])] == [0, 0]
    assert sorted(each.name for each in files.glob(".*")) == []


def test_only_labels_that_are_numbers_can_be_a_number_to_learn(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, told in (
        ('"好评"', "classify"),
        ("null", "classify"),
        ('"4.5"', "classify, regress"),
    ):
        Path("rows.jsonl").write_text(f'{{"text": "好", "label": {label}}}\n', "utf-8")
        assert main(["data", "show", "rows.jsonl"]) == 0
        assert f"objectives that read such rows: {told}\n" in capsys.readouterr().out


def test_the_format_may_be_named(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row, _) = converted("eng.train", "--format", "conll-2003-pos")
    assert row["tags"] == ["NNP", "VBZ", "JJ", "NN"]
    (row, _) = converted("eng.train", "--format", "conll-2003-chunks")
    assert row["tags"] == ["B-NP", "B-VP", "B-NP", "I-NP"]
    assert main(["data", "show", "eng.train", "--format", "conll-2004"]) == 3
    assert "there is no format 'conll-2004'; there are: glue-cola" in capsys.readouterr().err


def test_one_command_makes_a_table_of_one_file_or_of_two(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = converted("eng.train")
    assert [{key: row[key] for key in ("tokens", "tags")} for row in names] == NAMES
    assert converted("train.tsv")[0] == {"text": 'a fine "film', "label": "1"}
    pairs = converted("news.en", "news.zh")
    assert pairs == [{"src": "Hello.", "tgt": "你好。"}, {"src": "Bye.", "tgt": "再见。"}]
    words = ["data", "convert", "news.en", "news.zh", "--out", "pairs.jsonl", "--json"]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert "pairs.jsonl: wmt-plain: 2 rows, 1 left out (empty_side 1)" in captured.err
    assert json.loads(captured.out)["dropped"] == {"empty_side": 1}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["prose.txt", "--out", "a.jsonl"], 1, "prose.txt is neither a table of examples"),
        (
            ["odd.json", "--out", "a.jsonl"],
            1,
            "not one row that can be used (sharegpt: 0 rows, 1 left out (unknown_speaker 1))",
        ),
        (["none.tsv", "--out", "a.jsonl"], 1, "there is no file none.tsv"),
        (["train.tsv", "--out", "a.csv"], 3, "must end in .jsonl"),
        (["own.jsonl", "--out", "own.jsonl"], 3, "is a file that is read"),
        (["news.en", "news.zh", "--format", "squad", "--out", "a.jsonl"], 3, "leave --format out"),
        (["news.en", "news.zh", "dev.json", "--out", "a.jsonl"], 3, "3 files were given"),
    ],
)
def test_what_cannot_be_converted_is_refused(
    files: Path, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "convert", *words]) == code
    assert said in capsys.readouterr().err
    assert not Path("a.jsonl").exists()


def test_options_of_a_corpus_do_nothing_for_a_file(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "show", "train.tsv", "--split", "test"]) == 3
    assert "has no parts" in capsys.readouterr().err
    assert main(["data", "show", ".", "--format", "squad"]) == 3
    assert "is no file of examples" in capsys.readouterr().err


ENCODER = (
    "width = 16\nlayers = 1\nheads = 2\nkv_heads = 2\nhead_dim = 8\nhidden = 16\nmax_time = 48"
)


@pytest.mark.parametrize(
    ("kind", "file", "said"),
    [
        ("tag", "eng.train", "2 examples, 0 truncated, 0 dropped"),
        ("classify", "train.tsv", "2 examples, 0 truncated, 0 dropped"),
        ("span", "dev.json", "1 examples, 0 truncated, 1 dropped (answer_not_in_context 1)"),
    ],
)
def test_a_recipe_reads_a_published_file_as_it_is(
    files: Path, kind: str, file: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("own.toml").write_text(
        f"""
name = "own"
samples = []
tokenizer_text = "examples"
[tokenizer]
vocab = 300
[data]
time = 48
[model]
kind = "encoder"
{ENCODER}
[objective]
kind = "{kind}"
examples = {{ train = "{file}", max_dropped = 0.5 }}
[train]
steps = 2
batch_tokens = 96
precision = "float32"
""",
        "utf-8",
    )
    assert main(["train", "own.toml", "--out", "run", "--log", "plain"]) == 0
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == "", "nothing was validated or written, so there is nothing to print"


def test_a_recipe_that_names_prose_says_how_to_name_its_format(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'name = "own"\ntokenizer_text = "examples"\nsamples = []\n[model]\nkind = "encoder"\n'
    text += f'{ENCODER}\n[data]\ntime = 48\n[objective]\nkind = "tag"\nexamples = {{ train = "prose.txt" }}\n'
    Path("own.toml").write_text(f"{text}[train]\nsteps = 1\n", "utf-8")
    assert main(["train", "own.toml", "--out", "run"]) == 1
    assert "type: zhixing data convert prose.txt --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("", "train.jsonl has no rows: there is nothing to learn from"),
        (
            '{"text": "好"}\n',
            "train.jsonl has the keys text; objective 'classify' needs {text, label}",
        ),
        ('{"messages": []}\n', "train.jsonl has the keys messages; objective 'classify' needs"),
        (
            '{"text": 1, "label": 2}\n{"text": 1, "label": "a"}\n',
            "train.jsonl has the labels none; there must be two",
        ),
        (
            '{"text": "", "label": "a"}\n{"text": "", "label": "b"}\n',
            "not one example of train.jsonl can be used: 0",
        ),
    ],
)
def test_a_recipe_whose_tokenizer_finds_no_examples_names_the_file_and_what_it_lacks(
    files: Path, rows: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("train.jsonl").write_text(rows, "utf-8")
    text = 'name = "own"\ntokenizer_text = "examples"\nsamples = []\n[model]\nkind = "encoder"\n'
    text += f'{ENCODER}\n[data]\ntime = 48\n[objective]\nkind = "classify"\nexamples = {{ train = "train.jsonl" }}\n'
    Path("own.toml").write_text(f"{text}[train]\nsteps = 1\nbatch_tokens = 96\n", "utf-8")
    assert main(["train", "own.toml", "--out", "run"]) == 1
    assert told in capsys.readouterr().err


def test_folders_and_names_that_are_not_there_are_told_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "show", str(tmp_path / "no.jsonl")]) == 1
    assert f"there is no file or folder {tmp_path / 'no.jsonl'}" in capsys.readouterr().err
    (tmp_path / "test.jsonl").write_text('{"text": "a", "label": "b"}\n', "utf-8")
    assert main(["data", "show", str(tmp_path)]) == 1
    assert f"type: zhixing data show {tmp_path / 'test.jsonl'}" in capsys.readouterr().err
    assert main(["data", "convert", str(tmp_path), "--out", str(tmp_path / "a.jsonl")]) == 1
    assert f"{tmp_path} is a folder" in capsys.readouterr().err


def test_examples_of_the_catalogue_are_refused_before_anything_is_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "examples", "brown-poss", str(tmp_path / "x")]) == 3
    assert "did you mean brown-pos" in capsys.readouterr().err
    (tmp_path / "file").write_text("kept", "utf-8")
    assert main(["data", "examples", "brown-pos", str(tmp_path / "file")]) == 1
    assert "is a file, not a folder" in capsys.readouterr().err
    assert (tmp_path / "file").read_text("utf-8") == "kept"
