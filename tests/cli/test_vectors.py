"""`zhixing vectors` from text files to scores, in the words and exit codes that a user sees."""

import json
from pathlib import Path

import pytest

from tests.train.test_word2vec import TOPICS, _text
from zhixing.cli import main
from zhixing.cli.vectors import TESTS
from zhixing.core.errors import ConfigError

SETTINGS = [
    *("--set", "vectors.width=16", "--set", "vectors.min_count=1", "--set", "vectors.subsample=0"),
    *("--set", "vectors.lr=0.05", "--set", "corpus.near_duplicates.enabled=false"),
    *("--set", "corpus.filters.en.max_duplicate_ngram_ratio=1"),
    *("--set", "corpus.filters.en.max_top_ngram_ratio=1"),
    *("--set", "corpus.filters.min_language_confidence=0"),
]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    (folder / "text.txt").write_text(_text())
    arguments = ["vectors", "train", str(folder / "text.txt"), "--out", str(folder / "v")]
    assert main([*arguments, *SETTINGS, "--log", "none"]) == 0
    return folder


def _printed(capsys, *arguments: str | Path):
    assert main(["vectors", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_neighbours_of_learnt_vectors_are_of_the_same_topic(learnt: Path, capsys) -> None:
    near = _printed(capsys, "nearest", learnt / "v", "cat", "gold", "--count", "4")
    assert {each["word"] for each in near["cat"]} == set(TOPICS[0]) - {"cat"}
    assert {each["word"] for each in near["gold"]} == set(TOPICS[1]) - {"gold"}


def test_an_analogy_is_answered(learnt: Path, capsys) -> None:
    found = _printed(capsys, "analogy", learnt / "v", "cat", "dog", "gold", "--method", "mul")
    assert len(found["answers"]) == 5
    assert not {"cat", "dog", "gold"} & {each["word"] for each in found["answers"]}


def test_own_judgements_and_questions_are_scored(learnt: Path, capsys) -> None:
    pairs, questions = learnt / "pairs.tsv", learnt / "questions.txt"
    pairs.write_text("cat\tdog\t9\ncat\tgold\t1\nzinc\ttin\t9\nfish\tlead\t1\nno\tsuch\t5\n")
    questions.write_text(": s\ncat dog gold iron\n")
    found = _printed(capsys, "evaluate", learnt / "v", "--pairs", pairs, "--questions", questions)
    similarity = found["similarity"][str(pairs)]
    assert similarity["value"] == pytest.approx(0.894, abs=0.01)
    assert (similarity["known"], similarity["pairs"]) == (4, 5)
    assert found["analogies"][str(questions)]["all"]["known"] == 1
    assert main(["vectors", "evaluate", str(learnt / "v"), "--pairs", str(pairs)]) == 0
    assert "on 4 of 5 pairs; random vectors" in capsys.readouterr().out


def test_published_sets_that_are_named_are_scored_beside_own_ones(
    learnt: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = learnt / "own.tsv"
    pairs.write_text("cat\tdog\t9\ncat\tgold\t1\nzinc\ttin\t9\n")
    sets = {"questions-words": ": s\ncat dog gold iron\n"}
    monkeypatch.setattr(
        "zhixing.cli.vector_scores.read_test_set",
        lambda name, progress: sets.get(name, pairs.read_text()),
    )
    named = [part for name in TESTS for part in ("--test", name)]
    found = _printed(capsys, "evaluate", learnt / "v", "--pairs", pairs, *named)
    assert set(found["similarity"]) == {"wordsim353", "simlex999", str(pairs)}
    assert set(found["analogies"]) == {"questions-words"}
    found = _printed(capsys, "evaluate", learnt / "v", "--pairs", pairs)
    assert set(found["similarity"]) == {str(pairs)}


@pytest.mark.parametrize("to", ["folder", "word2vec-text", "word2vec-binary"])
def test_converted_vectors_are_the_same(learnt: Path, tmp_path: Path, capsys, to: str) -> None:
    made = _printed(capsys, "convert", learnt / "v", "--out", tmp_path / "c", "--to", to)
    assert (made["words"], made["width"]) == (10, 16)
    before, after = (
        _printed(capsys, "nearest", place, "cat") for place in (learnt / "v", tmp_path / "c")
    )
    assert before == after


def test_a_finished_run_is_not_written_over(learnt: Path, capsys) -> None:
    arguments = ["vectors", "train", str(learnt / "text.txt"), "--out", str(learnt / "v")]
    assert main([*arguments, *SETTINGS, "--log", "none"]) == 3
    assert "--fresh begins again" in capsys.readouterr().err
    assert main([*arguments, "--resume", "--log", "none"]) == 3
    assert "finished" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nearest", "{v}", "xyzzy"], 1, "no word 'xyzzy'"),
        (["nearest", "{v}", "cat", "--count", "0"], 3, "at least 1"),
        (["analogy", "{v}", "cat", "dog"], 3, "takes three words"),
        (["nearest", "nowhere", "cat"], 1, "there are no vectors nowhere"),
        (["nearest", "{v}", "cat", "--limit", "0"], 3, "--limit 0: a number of words, at least 1"),
        (["evaluate", "{v}", "--pairs", "nothing.tsv"], 1, "nothing.tsv does not exist"),
        (["evaluate", "{v}", "--test", "wordsim353", "--method", "mul"], 3, "would do nothing"),
        (["train", "missing.txt"], 3, "missing.txt does not exist"),
        (["train", "a.toml", "b.txt"], 3, "give it alone"),
        (["train", "skipgram-tiny", "--set", "vectors.window=0"], 3, "vectors.window"),
        (["train", "skipgram-tiny", "--set", "vectors.final_lr=0.5"], 3, "is above lr"),
        (["train", "skipgram-tiny", "--resume", "--fresh"], 3, "one of them"),
        (["convert", "{v}", "--out", "{v}", "--to", "word2vec-text"], 3, "is a folder"),
    ],
)
def test_a_wrong_request_is_refused_with_what_to_do(
    learnt: Path, capsys, monkeypatch, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [argument.replace("{v}", str(learnt / "v")) for argument in arguments]
    assert main(["vectors", *given]) == code
    assert message in capsys.readouterr().err


def test_a_model_recipe_may_name_initial_vectors() -> None:
    from zhixing.cli.recipe import load_recipe

    recipe = load_recipe(Path("tiny"), ["initial_vectors=somewhere"])
    assert recipe.initial_vectors == "somewhere"
    with pytest.raises(ConfigError, match="leave initial_vectors out"):
        load_recipe(Path("quickstart-ngram"), ["initial_vectors=somewhere"])


def test_a_model_is_trained_from_initial_vectors(learnt: Path, tmp_path: Path, capsys) -> None:
    settings = [
        "initial_vectors=" + str(learnt / "v"), "model.width=16", "tokenizer.kind=words", "train.steps=2",
        "corpus.sources=[{ name = 'own', path = '" + str(learnt / "text.txt") + "', documents = 'line' }]",
        "corpus.filters.min_language_confidence=0", "corpus.filters.en.min_units=1", "corpus.near_duplicates.enabled=false",
        "corpus.filters.en.max_duplicate_ngram_ratio=1", "corpus.filters.en.max_top_ngram_ratio=1",
        "train.validate_every=1", "train.save_every=1", "samples=['cat']",
    ]  # fmt: skip
    overrides = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", "tiny", "--out", str(tmp_path / "m"), *overrides]) == 0
    # The tokenizer has every word twice: at the start of a text, and behind a space.
    assert "vectors for 20 of 24 tokens" in capsys.readouterr().err
