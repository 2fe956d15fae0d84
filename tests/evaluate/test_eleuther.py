"""lm-eval itself, asked with `--model zhixing`, gives our own numbers on tasks in local files."""

import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tiny import CONFIGS, MAX_TIME, TEXTS, tiny_model, tiny_tokenizer
from zhixing.api import load
from zhixing.checkpoint.folder import ModelInfo, save_model
from zhixing.cli import main
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.evaluate.eleuther import TOKENS_PER_BATCH, Answers, _batches, register

lm_eval = pytest.importorskip("lm_eval")
pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries that lm-eval loads

QUESTIONS = [
    {"question": "The quick brown", "choices": ["fox", "dog", "花"], "answer": 0},
    {"question": "春眠不觉", "choices": ["晓", "鸟啼", "x"], "answer": 1},
    {"question": "def add(a,", "choices": ["b)", "fox jumps over"], "answer": 1},
    {"question": "The dog", "choices": ["sleeps", "does not"], "answer": 0},
]
PROMPTS = ["The fox", "春", "def add", "lazy"]
WRITTEN = 7
"""Tokens to generate."""
TASKS = {
    "own_choices": {
        "output_type": "multiple_choice",
        "doc_to_text": "{{question}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{answer}}",
        "metric_list": [{"metric": "acc"}],
    },
    "own_texts": {
        "output_type": "loglikelihood_rolling",
        "doc_to_text": "",
        "doc_to_target": "{{text}}",
        "metric_list": [{"metric": "bits_per_byte"}],
    },
    "own_writing": {
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{wanted}}",
        "generation_kwargs": {"until": ["\n"], "max_gen_toks": WRITTEN, "do_sample": False},
        "metric_list": [{"metric": "exact_match"}],
    },
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny decoder, which is a Hugging Face folder too."""
    made = tmp_path_factory.mktemp("model") / "m"
    save_model(made, tiny_model("decoder"), tiny_tokenizer(), info=ModelInfo())
    return made


@pytest.fixture
def tasks(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tasks over jsonl files; of the texts to write every second is what the model writes."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    ours = [written(folder, prompt) for prompt in PROMPTS]
    rows: dict[str, Sequence[dict[str, Any]]] = {
        "own_choices": QUESTIONS,
        "own_texts": [{"text": text} for text in TEXTS],
        "own_writing": [
            {"prompt": prompt, "wanted": text if number % 2 else f"{text}."}
            for number, (prompt, text) in enumerate(zip(PROMPTS, ours, strict=True))
        ],
    }
    for name, task in TASKS.items():
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows[name]), "utf-8")
        data = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(file)}}}
        # JSON is YAML too
        text = json.dumps({"task": name, "test_split": "test", **data, **task})
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    return tmp_path


def written(folder: Path, prompt: str) -> str:
    model = load(folder)
    return model.generate(prompt, max_tokens=WRITTEN, temperature=0, stop=("\n",)).text


def asked(name: str, tasks: Path, model: str, **arguments: str) -> dict[str, Any]:
    """What lm-eval gives for one task: its measures, and what the model answered to each request."""
    from lm_eval.tasks import TaskManager

    register()
    result = lm_eval.simple_evaluate(
        model=model,
        model_args=arguments,
        tasks=[name],
        task_manager=TaskManager(include_path=str(tasks), include_defaults=False),
        bootstrap_iters=0,
    )
    found = {key.removesuffix(",none"): value for key, value in result["results"][name].items()}
    return {**found, "answers": [each["filtered_resps"] for each in result["samples"][name]]}


def log_probability(folder: Path, context: str, continuation: str) -> float:
    """By our own facade, token by token."""
    model = load(folder)
    ids, before = model.encode(context + continuation), len(model.encode(context))
    logs = model.logits(ids[:-1]).double().log_softmax(-1)
    return float(sum(logs[place - 1, ids[place]] for place in range(before, len(ids))))


def test_a_likelihood_task_gives_our_own_numbers(folder: Path, tasks: Path) -> None:
    found = asked("own_choices", tasks, "zhixing", pretrained=str(folder))
    right = 0
    for row, answers in zip(QUESTIONS, found["answers"], strict=True):
        ours = [log_probability(folder, row["question"], f" {each}") for each in row["choices"]]
        assert [log for log, _ in answers] == pytest.approx(ours, abs=1e-5)
        right += ours.index(max(ours)) == row["answer"]
    assert found["acc"] == right / len(QUESTIONS)


def test_texts_cost_as_many_bits_as_in_our_own_evaluation(
    folder: Path, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked("own_texts", tasks, "zhixing", pretrained=str(folder))
    capsys.readouterr()
    assert main(["evaluate", str(folder), "--data", str(tasks / "own_texts.jsonl"), "--json"]) == 0
    ours = json.loads(capsys.readouterr().out)["scores"]["all"]["bits_per_byte"]["value"]
    assert found["bits_per_byte"] == pytest.approx(ours, rel=1e-9)


def test_a_generation_task_gives_our_own_texts(folder: Path, tasks: Path) -> None:
    found = asked("own_writing", tasks, "zhixing", pretrained=str(folder))
    assert [text for (text,) in found["answers"]] == [written(folder, each) for each in PROMPTS]
    assert found["exact_match"] == 0.5


def test_its_model_of_transformers_answers_the_same_for_the_same_folder(
    folder: Path, tasks: Path
) -> None:
    ours = asked("own_choices", tasks, "zhixing", pretrained=str(folder))
    theirs = asked(
        "own_choices", tasks, "hf", pretrained=str(folder), dtype="float32", device="cpu"
    )
    assert ours["acc"] == theirs["acc"]
    for one, other in zip(ours["answers"], theirs["answers"], strict=True):
        assert [log for log, _ in one] == pytest.approx([log for log, _ in other], abs=1e-4)
        assert [greedy for _, greedy in one] == [greedy for _, greedy in other]


def test_a_begin_token_that_is_missing_would_be_seen(
    folder: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = asked("own_choices", tasks, "zhixing", pretrained=str(folder))
    plain = tiny_tokenizer().encode_text
    monkeypatch.setattr(Answers, "tok_encode", lambda self, text, special=None: plain(text))
    wrong = asked("own_choices", tasks, "zhixing", pretrained=str(folder))
    assert abs(right["answers"][0][0][0] - wrong["answers"][0][0][0]) > 1e-3


def adapter(folder: Path) -> Any:
    from lm_eval.api.registry import get_model

    register()
    return get_model("zhixing")(str(folder))


def requests(*arguments: Any) -> list[Any]:
    return [SimpleNamespace(args=each) for each in arguments]


@pytest.mark.parametrize("name", sorted(set(CONFIGS) - {"decoder"}))
def test_every_language_model_is_asked_in_batches(name: str, tmp_path: Path) -> None:
    save_model(tmp_path / "m", tiny_model(name), tiny_tokenizer(), info=ModelInfo())
    pairs = [("The quick", " brown fox"), ("春眠", "不觉晓，处处闻啼鸟"), ("", "The dog")]
    found = adapter(tmp_path / "m").loglikelihood(requests(*pairs), disable_tqdm=True)
    for (context, continuation), (log, _) in zip(pairs, found, strict=True):
        ours = log_probability(tmp_path / "m", context, continuation)
        assert log == pytest.approx(ours, abs=1e-4)


def test_what_the_model_would_write_is_told_to_be_greedy(folder: Path) -> None:
    text = load(folder).generate("The", max_tokens=3, temperature=0).text
    other = "花花花"
    found = adapter(folder).loglikelihood(
        requests(("The", text), ("The", other), ("The", text + other)), disable_tqdm=True
    )
    ids = len(load(folder).encode(f"The{text}")) - len(load(folder).encode("The"))
    assert ids == 3, "the text must come back as the tokens it was written in"
    assert [is_greedy for _, is_greedy in found] == [True, False, False]


def test_batches_are_of_about_one_length_and_bounded() -> None:
    most = TOKENS_PER_BATCH
    assert [*_batches([most, most // 2, most // 2, 3])] == [[3, 1], [2], [0]]
    assert [*_batches([2 * most, 1])] == [[1], [0]]


def test_what_is_too_long_loses_its_first_tokens_and_is_counted(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("lm_eval").propagate = True
    long = "The fox jumps. " * 30
    ids = load(folder).encode(f"{long}x")[-MAX_TIME - 1 :]
    logs = load(folder).logits(ids[:-1]).double().log_softmax(-1)
    ((log, _),) = adapter(folder).loglikelihood(requests((long, "x")), disable_tqdm=True)
    wanted = load(folder).encode(f"{long}x")[len(load(folder).encode(long.rstrip())) :]
    places = range(len(ids) - len(wanted), len(ids))
    assert log == pytest.approx(float(sum(logs[p - 1, ids[p]] for p in places)), abs=1e-5)
    assert "1 contexts were longer" in caplog.text
    caplog.clear()
    adapter(folder).generate_until(requests((long, {"max_gen_toks": 4})), disable_tqdm=True)
    assert "1 contexts were longer" in caplog.text


def test_what_just_fits_loses_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("lm_eval").propagate = True
    asks = adapter(folder)
    asks._loglikelihood_tokens([(("a", "b"), [5], [6] * MAX_TIME)], disable_tqdm=True)
    asks.generate_until(requests(("The", {"max_gen_toks": 4})), disable_tqdm=True)
    assert "longer" not in caplog.text
    with pytest.raises(UsageError, match=f"has {MAX_TIME + 1} tokens"):
        asks._loglikelihood_tokens([(("a", "b"), [5], [6] * (MAX_TIME + 1))], disable_tqdm=True)


def test_sampling_follows_the_seed_of_lm_eval_and_differs_between_repeats(folder: Path) -> None:
    import torch

    settings = {"do_sample": True, "temperature": 1.5, "max_gen_toks": 12, "until": []}
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        twice = requests(("The", settings), ("The", settings))
        found.append(adapter(folder).generate_until(twice, disable_tqdm=True))
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]


def test_what_cannot_be_done_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    for option in ({"batch_size": 8}, {"max_batch_size": 4}, {"device": "cuda:1"}):
        with pytest.raises(UsageError, match="leave"):
            Answers(str(folder), **option)
    asks = adapter(folder)
    with pytest.raises(UsageError, match="num_beams"):
        asks.generate_until(requests(("The", {"num_beams": 3})), disable_tqdm=True)
    with pytest.raises(UsageError, match=f"max_gen_toks={MAX_TIME // 2}"):
        asks.generate_until(requests(("The", {"max_gen_toks": MAX_TIME})), disable_tqdm=True)
    with pytest.raises(UsageError, match="cannot be scored"):
        asks.loglikelihood(requests(("a", " fox dog" * MAX_TIME)), disable_tqdm=True)
    with pytest.raises(DataError, match="no token of its own"):
        asks.loglikelihood(requests(("The", "")), disable_tqdm=True)
    with pytest.raises(UnsupportedError, match="apply_chat_template"):
        asks.apply_chat_template([{"role": "user", "content": "hi"}])


def test_the_command_is_that_of_lm_eval(
    folder: Path, tasks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tasks / "out.json"
    words = ["--model", "zhixing", "--model_args", f"pretrained={folder}", "--tasks", "own_choices"]
    words += ["--include_path", str(tasks), "--output_path", str(out)]
    assert main(["evaluate", "lm-eval", *words]) == 0
    assert "own_choices" in capsys.readouterr().out
    (made,) = tasks.glob("out*.json")
    logs = json.loads(made.read_text("utf-8"))["results"]["own_choices"]
    assert math.isfinite(logs["acc,none"])
    assert main(["evaluate", "lm-eval", "run", "--no-such-option"]) == 3
