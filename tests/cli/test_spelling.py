"""From a pronouncing dictionary to a model that says words it has not seen: fetched, learnt, written, scored."""

import io
import json
import random
import tarfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

import zhixing
from zhixing.cli import examples, main
from zhixing.cli.seq2seq_scores import Translator, score_pairs, symbols
from zhixing.core.errors import DataError
from zhixing.core.progress import Silent
from zhixing.objective.config import Seq2SeqConfig

OWN = Seq2SeqConfig.model_validate(
    {"kind": "seq2seq", "beams": [1], "examples": {"train": "unused.jsonl"}}
)
SAID = {"a": "AE", "b": "B", "d": "D", "e": "EH", "k": "K", "n": "N", "o": "AA", "t": "T"}


def lines(count: int) -> Iterator[str]:
    """A language in which every letter says one phoneme."""
    drawn = random.Random(0)
    words = {"".join(drawn.choices([*SAID], k=drawn.randint(2, 5))) for _ in range(count)}
    for word in sorted(words):
        yield f"{word} {' '.join(SAID[letter] for letter in word)}"


def dictionary(path: Path) -> Path:
    """A package that holds such words under the name of the real ones."""
    content = ("\n".join(lines(1500)) + "\n").encode()
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo("p/model/en-us/cmudict-en-us.dict")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("spelling")
    archive = dictionary(folder / "package.tgz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examples, "fetch", lambda entry, progress: (archive, entry.origins[0]))
        yield folder


@pytest.fixture(scope="module")
def result(place: Path) -> dict[str, Any]:
    """What the recipe prints with --json."""
    with redirect_stdout(io.StringIO()) as printed:
        command = ["train", "spelling-tiny", "--out", str(place / "run"), "--log", "plain"]
        assert main([*command, "--json"]) == 0
    made: dict[str, Any] = json.loads(printed.getvalue().splitlines()[-1])
    return made


def test_a_recipe_of_spellings_ends_with_the_score_of_unseen_words(result: dict[str, Any]) -> None:
    assert set(result["test"]) == {"beam 1", "beam 5"}
    for beam, scores in result["test"].items():
        errors, right = scores["error_rate"], scores["accuracy"]
        assert errors["low"] <= errors["value"] <= errors["high"] < 0.25
        assert right["low"] <= right["value"] <= right["high"] <= 1.0
        assert right["value"] > 0.5
        assert beam.replace(" ", ":") in errors["signature"]
    assert result["validation"]["accuracy"] > 0.5


def test_the_opened_folder_reads_a_source_as_training_did(
    place: Path, result: dict[str, Any]
) -> None:
    model = zhixing.load(place / "run")
    [sample] = result["samples"]
    assert sample["prompt"] == "b a d e"
    assert model.translate(["b a d e"]) == Translator(place / "run", time=16).translate(
        ["b a d e"], beam=1
    )
    logits = model.logits([1], source=model.tokenizer.encode_text("b a"))
    assert logits.shape == (1, model.tokenizer.vocab)


def test_a_reference_counts_as_the_target_does(place: Path, result: dict[str, Any]) -> None:
    translator = Translator(place / "run", time=16)
    [written] = translator.translate(["b a d e"], beam=1)
    path = place / "one.jsonl"
    row = {"src": "b a d e", "tgt": "T T T", "references": ["T T T", written]}

    def right(row: dict[str, Any]) -> float:
        path.write_text(json.dumps(row) + "\n", "utf-8")
        scores = score_pairs(translator, str(path), OWN, seed=1, progress=Silent())
        value: float = scores["beam 1"]["accuracy"]["value"]
        return value

    assert right(row) == 1.0
    assert right({"src": row["src"], "tgt": "T T T"}) == 0.0


def test_a_row_that_is_no_pair_is_not_left_out_of_a_score(
    place: Path, result: dict[str, Any]
) -> None:
    path = place / "broken.jsonl"
    path.write_text('{"src": "b a"}\n', "utf-8")
    translator = Translator(place / "run", time=16)
    with pytest.raises(DataError, match=":1 is no pair"):
        score_pairs(translator, str(path), OWN, seed=1, progress=Silent())


def test_symbols_are_words_and_chinese_characters() -> None:
    assert symbols("R EH  D") == ["R", "EH", "D"]
    assert symbols("狐狸 fox。") == ["狐", "狸", "fox。"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["objective.examples.name=brown"], "'brown' has no pairs; those that have are: cmudict"),
        (["objective.examples.train=own.jsonl"], "set exactly one of name and train"),
        (["objective.examples.test=own.jsonl"], "have their own validation and test"),
        (["corpus.seed=1"], 'nothing reads [corpus] with tokenizer_text = "examples"'),
    ],
)
def test_examples_with_two_origins_or_none_are_refused(
    place: Path, change: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [part for each in change for part in ("--set", each)]
    command = ["train", "spelling-tiny", "--out", str(place / "refused"), "--log", "plain"]
    assert main([*command, *sets]) == 3
    assert said in capsys.readouterr().err
