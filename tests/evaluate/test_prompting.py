"""Labels behind prompts: likelihoods as the model's own scores have them, calibration by hand, and what cannot be asked."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import zhixing
from tests.tiny import MAX_TIME, tiny_model, tiny_tokenizer
from tests.trained import train
from zhixing.api.model import Model
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.evaluate import prompting
from zhixing.evaluate.baselines.labels import Labelled
from zhixing.evaluate.prompting import FREE, TEMPLATES, Wording, drawn, prompted, wording_of
from zhixing.objective import likelihood

WORDS = {"bad": "dull", "good": "fine", "so-so": "well then"}
TEXTS = ("The fox", "a dog sleeps", "花")


def labelled(*pairs: tuple[str, str]) -> Labelled:
    return Labelled(
        texts=tuple(t for t, _ in pairs), labels=tuple(label for _, label in pairs), documents=()
    )


def wording(template: str = "T: {text}\nL: {label}\n", **changes: Any) -> Wording:
    return wording_of(template, changes.pop("words", WORDS), free=changes.pop("free", ("N/A", "")), **changes)  # fmt: skip


@pytest.fixture(scope="module", params=["decoder", "lstm", "ngram"])
def model(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Model:
    folder = tmp_path_factory.mktemp("lm") / request.param
    save_model(folder, tiny_model(request.param), tiny_tokenizer(), info=ModelInfo())
    return zhixing.load(folder)


def log_p(model: Model, prompt: str, ending: str) -> float:
    """Nats of the ending: the bits of everything less those of the prompt."""
    whole, opening = model.score(prompt + ending), model.score(prompt)
    return (opening.bits - whole.bits) * math.log(2)


def test_the_label_is_that_which_the_model_finds_most_probable(model: Model) -> None:
    asked, examples = wording("{text}={label};"), [("x", "good")]
    made = prompted(model, TEXTS, examples, asked, seed=1)
    plain, calibrated = (each.system for each in made)
    logs = np.array(
        [[log_p(model, f"x=fine;{text}=", word) for word in WORDS.values()] for text in TEXTS]
    )
    labels = [*WORDS]
    assert plain.answers == [labels[n] for n in logs.argmax(axis=1)]
    free = np.array(
        [[log_p(model, f"x=fine;{text}=", word) for word in WORDS.values()] for text in ("N/A", "")]
    )
    shares = np.exp(free) / np.exp(free).sum(axis=1, keepdims=True)
    p = np.exp(logs) / np.exp(logs).sum(
        axis=1, keepdims=True
    )  # as in the paper: W p, W = diag(p_cf)^-1
    assert calibrated.answers == [
        labels[n] for n in np.log(p / shares.mean(axis=0)).round(6).argmax(axis=1)
    ]
    tokenizer = model.tokenizer.hash[:12]
    for each, said in zip(made, ("no", "yes"), strict=True):
        assert each.shots == 1
        assert each.system.told == each.signature == (
            f"shots:1|template:{asked.name}|tokenizer:{tokenizer}|dtype:float32|seed:1|calibrated:{said}"
        )  # fmt: skip


def test_every_token_of_a_label_counts(model: Model) -> None:
    scorer = prompting._Scorer(model.network, model.tokenizer, wording("{text}={label};"))  # type: ignore[arg-type]
    found = scorer.label_logs([scorer.prompt([], text) for text in TEXTS])
    for text, logs in zip(TEXTS, found, strict=True):
        expected = [log_p(model, f"{text}=", word) for word in WORDS.values()]
        assert logs == pytest.approx(expected, abs=1e-3)


def test_a_favourite_of_the_model_is_divided_out(model: Model) -> None:
    scorer = prompting._Scorer(model.network, model.tokenizer, wording())  # type: ignore[arg-type]
    examples: Sequence[tuple[str, str]] = [("x", "bad")]
    logs = scorer.label_logs([scorer.prompt(examples, "N/A"), scorer.prompt(examples, "")])
    shares = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    assert np.exp(scorer.free_logs(examples)) == pytest.approx(shares.mean(axis=0))


def test_batches_and_their_order_change_nothing(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = prompting._Scorer(model.network, model.tokenizer, wording())  # type: ignore[arg-type]
    prompts = [scorer.prompt([], text) for text in (*TEXTS, "lazy dog " * 3)]
    together = scorer.label_logs(prompts)
    monkeypatch.setattr(likelihood, "TOKENS_PER_BATCH", 1)
    alone = scorer.label_logs(prompts[::-1])[::-1]
    assert together == pytest.approx(alone, abs=1e-5)


def test_examples_are_drawn_by_the_seed_with_labels_in_turn() -> None:
    train = labelled(*((f"t{n}", "good" if n % 4 else "bad") for n in range(40)))
    found = drawn(train, 6, seed=3)
    assert Counter(label for _, label in found) == {"good": 3, "bad": 3}
    assert found == drawn(train, 6, seed=3) != drawn(train, 6, seed=4)
    assert len({text for text, _ in found}) == 6
    assert drawn(train, 0, seed=3) == []
    assert len(drawn(train, 40, seed=3)) == 40
    for wrong in (-1, 41):
        with pytest.raises(UsageError, match=f"shots = {wrong}: there are 40 training texts"):
            drawn(train, wrong, seed=3)


def test_a_prompt_that_is_too_long_loses_examples_then_the_end_of_its_text(tmp_path: Path) -> None:
    save_model(tmp_path / "m", tiny_model("decoder"), tiny_tokenizer(), info=ModelInfo())
    model = zhixing.load(tmp_path / "m")
    scorer = prompting._Scorer(model.network, model.tokenizer, wording("{text}={label};"))  # type: ignore[arg-type]
    examples = [("first " * 5, "bad"), ("last", "good")]
    short, middle, long = (scorer.prompt(examples, "x" * n) for n in (1, MAX_TIME - 24, 500))
    assert (long.shots, long.is_cut) == (0, True)
    assert not short.is_cut
    assert not middle.is_cut
    assert short.shots >= middle.shots
    longest = max(len(model.tokenizer.encode_text(word)) for word in WORDS.values())
    for prompt in (short, middle, long):
        assert len(prompt.ids) + longest - 1 <= MAX_TIME
        assert model.decode(prompt.ids).endswith("=")
    frame = len(scorer.prompt([], "").ids)
    room = MAX_TIME + 1 - longest - frame  # the last token of a label is guessed and not read
    letters = "xy" * MAX_TIME
    found = [scorer.prompt([], letters[:count]) for count in range(room + 2)]
    assert max(len(each.ids) for each in found if not each.is_cut) + longest - 1 == MAX_TIME
    assert found[-1].is_cut
    plain, _ = prompted(model, ["x", "x" * 500], examples, wording("{text}={label};"), seed=1)
    assert "; 1 of 2 prompts have no example and a text that is cut" in plain.system.told
    assert plain.shots == (short.shots + long.shots) / 2 < 2
    assert f"shots:2|shots-read:{plain.shots:.2f}|" in plain.signature
    with pytest.raises(UnsupportedError, match=f"even without a text than the {MAX_TIME}"):
        prompted(model, ["x"], [], wording("y" * 500 + "{text} {label}"), seed=1)


def test_a_shortened_prompt_is_calibrated_behind_the_examples_that_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_model(tmp_path / "m", tiny_model("decoder"), tiny_tokenizer(), info=ModelInfo())
    model = zhixing.load(tmp_path / "m")
    examples = [("first " * 5, "bad"), ("last", "good")]
    seen: list[list[tuple[str, str]]] = []
    free_logs = prompting._Scorer.free_logs

    def watched(self: Any, kept: Sequence[tuple[str, str]]) -> Any:
        seen.append([*kept])
        return free_logs(self, kept)

    monkeypatch.setattr(prompting._Scorer, "free_logs", watched)
    prompted(model, ["x"], examples, wording("{text}={label};"), seed=1)
    assert seen == [[("last", "good")]]


def test_what_cannot_be_asked_is_refused(model: Model) -> None:
    for template in ("{text}", "{label} {text}", "{text} {text} {label}", "none"):
        with pytest.raises(UsageError, match=r"must have \{text\} once and \{label\} once"):
            wording(template)
    for words, problem in (
        ({"bad": " "}, "the label 'bad' is written as ' '"),
        ({"bad": "x", "good": "x"}, "two labels are written as 'x'"),
    ):
        with pytest.raises(UsageError, match=problem):
            wording(words=words)
    with pytest.raises(UsageError, match="nothing to calibrate with"):
        wording(free=())
    silent = SimpleNamespace(encode_text=lambda text: [], encode_documents=None)
    with pytest.raises(DataError, match="keeps nothing of ' dull', the word for 'bad'"):
        prompting._Scorer(model.network, silent, wording())  # type: ignore[arg-type]


def test_a_model_that_predicts_no_token_is_refused(tmp_path: Path) -> None:
    folder = train(tmp_path, "classify", "cnn", steps=1)
    with pytest.raises(UnsupportedError, match="cannot score"):
        prompted(zhixing.load(folder), ["x"], [], wording(), seed=1)


def test_the_name_of_a_wording_is_another_for_whatever_changes_a_prompt() -> None:
    names = {
        each.name
        for each in (
            wording(),
            wording("T: {text}\nL: {label}\n\n"),
            wording(words=WORDS | {"bad": "bad"}),
            wording(free=("N/A",)),
            wording(longest=5),
        )
    }
    assert len(names) == 5
    assert wording().name == wording().name


def test_the_usual_templates_have_their_slots_and_cut_texts() -> None:
    for language, template in TEMPLATES.items():
        made = wording_of(template, WORDS, free=FREE[language], longest=3)
        assert made.example("abcdef", "good") == template.format(text="abc", label="fine")
        assert not made.asked("x").endswith(" ")
