"""Conversations from a shell: learnt, preferred, held line by line, answered in a file, measured beside baselines."""

import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import zhixing
from tests.cli.measured import measured
from tests.corpus.test_conversations import said
from tests.tiny import decoder_config, tiny_model, tiny_tokenizer
from tests.trained import write_rows
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.cli import main
from zhixing.corpus.conversations import write_conversations, write_preferences
from zhixing.model.assembly import build_network
from zhixing.tokenizer.chat import TURN_END, encode_chat
from zhixing.train.finetune import take_over

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain decoder, conversations, preferences, and what the tiny recipes make of them."""
    folder = tmp_path_factory.mktemp("chat")
    torch.manual_seed(1)
    wide = decoder_config().model_copy(update={"max_time": 128})
    plain = build_network(wide, tiny_tokenizer().vocab)
    with torch.no_grad():
        for weight in plain.parameters():
            weight += torch.randn_like(weight) * 0.3
    save_model(folder / "plain", plain, tiny_tokenizer(), info=ModelInfo())
    chats = [said(f"q{n}", f"a{n % 3}") for n in range(60)]
    chats += [said(f"问{n}", f"答{n % 3}", language="zh") for n in range(60)]
    chats += [said(f"x{n}", "y", f"z{n}", f"w{n % 3}") for n in range(40)]
    write_conversations(chats, folder / "chats")
    write_preferences(chats, folder / "preferences")
    assert learn(folder, "chat-tiny", "plain", "chats") == 0
    assert learn(folder, "chat-dpo-tiny", "chat-tiny", "preferences") == 0
    return folder


def learn(place: Path, recipe: str, origin: str, examples: str, *more: str, out: str = "") -> int:
    settings = [f"finetune.folder={place / origin}", "data.time=48", "train.batch_tokens=192"]
    settings += [
        f"objective.examples.{part}={place / examples / part}.jsonl"
        for part in ("train", "validation")
    ]
    chosen = [part for setting in (*settings, *more) for part in ("--set", setting)]
    folder = str(place / (out or recipe))
    return main(["train", recipe, "--out", folder, "--log", "none", *chosen])


def talk(place: Path, typed: str, monkeypatch, *more: str) -> int:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
    return main(["chat", str(place / "chat-tiny"), "--max-tokens", "6", *more])


def test_a_chat_model_is_the_plain_one_with_two_more_tokens(place: Path) -> None:
    before, after = (load_network(place / name) for name in ("plain", "chat-tiny"))
    assert after.model.vocab == before.model.vocab + 2
    assert after.ends == (after.tokenizer.end,)
    assert after.tokenizer.files.role_text("eos_token") == TURN_END
    assert after.tokenizer.encode_text("北京 Paris") == before.tokenizer.encode_text("北京 Paris")


def test_rows_of_new_tokens_begin_as_the_mean_of_all_others() -> None:
    origin = tiny_model("decoder")
    torch.manual_seed(3)
    grown = build_network(origin.config, origin.vocab + 2)
    take_over(grown, origin)
    rows = grown.embed.weight
    torch.testing.assert_close(rows[:-2], origin.embed.weight)
    torch.testing.assert_close(rows[-1], origin.embed.weight.mean(dim=0))


def test_lines_are_answered_with_all_that_was_said_in_sight(place, monkeypatch, capsys) -> None:
    assert talk(place, "Hello\n狐狸\n", monkeypatch, "--log", "none") == 0
    shown = capsys.readouterr().out
    model = zhixing.load(place / "chat-tiny")
    first = model.chat(HELLO, max_tokens=6, seed=42).text
    before = [*HELLO, {"role": "assistant", "content": first}, {"role": "user", "content": "狐狸"}]
    second = model.chat(before, max_tokens=6, seed=43).text
    assert shown == f"{first}\n{second}\n"
    assert second != model.chat(before[2:], max_tokens=6, seed=43).text


def test_an_answer_is_what_the_template_asks_for(place: Path) -> None:
    model = zhixing.load(place / "chat-tiny")
    text = encode_chat(model.tokenizer, HELLO, add_generation_prompt=True)
    made = model.chat(HELLO, max_tokens=1, temperature=0.0)
    assert made.ids == (int(model.logits(text.ids)[-1, : model.tokenizer.vocab].argmax()),)


def test_a_blank_line_begins_anew_and_json_tells_all(place, monkeypatch, capsys) -> None:
    typed = "Hello\n\n\nHello\nfox\n"
    assert talk(place, typed, monkeypatch, "--json", "--system", "Be kind.", "--seed", "7") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    roles = [[each["role"] for each in one] for one in found["conversations"]]
    assert roles == [
        ["system", "user", "assistant"],
        ["system", "user", "assistant", "user", "assistant"],
    ]
    answers = [e for one in found["conversations"] for e in one if e["role"] == "assistant"]
    assert [each["seed"] for each in answers] == [7, 8, 9]
    assert found["tokens"] == sum(len(each["ids"]) for each in answers)
    model = zhixing.load(place / "chat-tiny")
    head = [{"role": "system", "content": "Be kind."}]
    assert answers[0]["content"] == model.chat([*head, *HELLO], max_tokens=6, seed=7).text
    assert "tokens/s" in captured.err


def test_what_has_no_room_any_more_is_out_of_sight_and_told(place, monkeypatch, capsys) -> None:
    assert talk(place, "one\n" * 9, monkeypatch, "--log", "plain") == 0
    told = capsys.readouterr().err
    assert "out of the model's sight: the first" in told


def test_an_answer_ends_with_the_end_token_and_not_before(place: Path) -> None:
    """The end token is made certain: nothing else is written."""
    loaded = load_network(place / "chat-tiny")
    with torch.no_grad():
        loaded.model.embed.weight[loaded.tokenizer.end] *= 0
        for block in loaded.model.parameters():
            if block.shape == loaded.model.embed.weight.shape:
                block[: loaded.tokenizer.end] *= 0
    model = zhixing.load(place / "chat-tiny")
    for seed in range(12):
        made = model.chat(HELLO, max_tokens=40, temperature=1.5, seed=seed)
        assert (made.finish == "end") == (made.ids[-1] == model.tokenizer.end)
        assert model.tokenizer.end not in made.ids[:-1]
        assert TURN_END not in made.text


def test_wrong_use_is_told(place: Path, monkeypatch, capsys) -> None:
    assert main(["chat", str(place / "plain")]) == 1
    assert "cannot chat; chat needs" in capsys.readouterr().err
    assert talk(place, "a\n", monkeypatch, "--top-logprobs", "2") == 3
    assert "only be shown with --json" in capsys.readouterr().err
    assert talk(place, "a\n", monkeypatch, "--temperature", "-1") == 3
    assert "temperature" in capsys.readouterr().err
    assert talk(place, "word " * 60 + "\n", monkeypatch) == 3
    assert "tokens and this model reads at most" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n")))
    assert main(["chat", str(place / "chat-tiny")]) == 1
    assert "line 1 of standard input" in capsys.readouterr().err


def test_ctrl_c_leaves_cleanly(place: Path) -> None:
    command = [sys.executable, "-m", "zhixing", "chat", str(place / "chat-tiny"), "--max-tokens", "3"]  # fmt: skip
    run = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert run.stdin is not None
    run.stdin.write("Hello\n")
    run.stdin.flush()
    assert run.stdout is not None
    run.stdout.readline()
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in errors
    assert errors.rstrip().endswith("zhixing: interrupted")


def test_rows_of_messages_are_answered_and_answers_anew(place: Path, tmp_path: Path) -> None:
    answer = {"role": "assistant", "content": "?"}
    write_rows(tmp_path / "in.jsonl", [{"messages": HELLO}, {"messages": [*HELLO, answer]}])
    command = ["apply", str(place / "chat-tiny"), str(tmp_path / "in.jsonl"), "--task", "chat"]
    command += ["--max-tokens", "5", "--out", str(tmp_path / "out.jsonl"), "--log", "none"]
    assert main(command) == 0
    one, two = map(json.loads, (tmp_path / "out.jsonl").read_text("utf-8").splitlines())
    made = zhixing.load(place / "chat-tiny").chat(HELLO, max_tokens=5)
    assert one == two == {"text": made.text, "finish": made.finish}


def test_rows_that_are_no_conversation_are_told_by_line(place, tmp_path, capsys) -> None:
    for row, told in (
        ({"messages": "Hello"}, "not a list of messages"),
        ({"messages": []}, "a conversation is a list of messages"),
        ({"messages": ["Hello"]}, "message 1 of the conversation has no role"),
        ({"messages": [{"role": "user"}]}, "message 1 of the conversation has no content that"),
        ({"messages": [{"role": "user", "content": 5}]}, "has no content that is text"),
        ({"text": "Hello"}, "there is no field 'messages'"),
        (
            {"messages": [{"role": "用户", "content": "你好"}]},
            "there is no role '用户'; there are assis",
        ),
        (
            {"conversations": [{"from": "gpt", "value": "好"}]},
            "the keys of sharegpt; write messages",
        ),
    ):
        write_rows(tmp_path / "in.jsonl", [row])
        command = ["apply", str(place / "chat-tiny"), str(tmp_path / "in.jsonl"), "--task", "chat"]
        assert main([*command, "--log", "none"]) == 1
        captured = capsys.readouterr().err
        assert told in captured
        assert "in.jsonl:1:" in captured


def test_new_tokens_are_refused_where_they_would_not_be_learnt(place: Path, capsys) -> None:
    for setting in ("finetune.adapter.rank=2", "finetune.freeze=1", "finetune.learn=head"):
        more = ("train.steps=1", setting)
        assert learn(place, "chat-tiny", "plain", "chats", *more, out="refused") != 0
        assert "gets two new tokens" in capsys.readouterr().err


def test_conversations_are_measured_beside_counts_and_memory(place: Path, capsys) -> None:
    found = measured(capsys, place / "chats", "--model", place / "chat-tiny")
    systems = {each["name"].rsplit("/", 1)[-1]: each for each in found["systems"]}
    nearest, ngram, model = (
        systems[name] for name in ("answer to the nearest question", "n-gram", "chat-tiny")
    )
    assert "bits_per_byte" not in nearest["scores"]
    assert "exact_stop" not in nearest["scores"]
    wanted = {"bits_per_byte", "chrf", "exact_stop", "bits_per_byte_zh", "bits_per_byte_later"}
    wanted |= {"bits_per_byte_behind"}
    assert wanted <= set(ngram["scores"])
    assert ngram["scores"]["exact_stop"]["value"] == 1.0
    assert ngram["scores"]["bits_per_byte"]["value"] < model["scores"]["bits_per_byte"]["value"]
    compared = {each["name"]: each for each in model["against_best_baseline"]}
    assert compared["bits_per_byte"]["baseline"] == "n-gram"
    best = found["systems"][0]["name"]
    assert compared["chrf"]["baseline"] == best
    counts = [int(word) for word in found["told"][0].split() if word.isdigit()]
    assert counts[-1] > 0  # answers that are not the first
    for score in model["scores"].values():  # a conversation is drawn with all its answers
        assert score["count"] == len((place / "chats/test.jsonl").read_text().splitlines())
        assert score["signature"].endswith("|drawn:conversations")


def test_bits_of_answers_are_those_of_the_logits(place: Path) -> None:
    from zhixing.evaluate.baselines.chat_parts import Asked, bits_of

    model = zhixing.load(place / "chat-tiny")
    asked = Asked(messages=tuple(HELLO), answer="fox")
    (bits,) = bits_of(model.network, model.tokenizer, [asked])
    whole = encode_chat(model.tokenizer, [*HELLO, {"role": "assistant", "content": "fox"}])
    nats = torch.log_softmax(model.logits(whole.ids).double(), dim=-1)
    expected = -sum(
        float(nats[place - 1, token])
        for place, (token, learnt) in enumerate(zip(whole.ids, whole.learnt, strict=True))
        if learnt
    )
    assert bits == pytest.approx(expected / torch.log(torch.tensor(2.0)).item(), rel=1e-5)


def test_an_exchange_of_another_conversation_is_put_before_each(place: Path) -> None:
    from zhixing.evaluate.baselines.dialogue import open_chats

    contest = open_chats(place / "chats")
    plain, behind = contest.test.asked, contest._behind()
    assert [each.answer for each in behind] == [each.answer for each in plain]
    for one, other in zip(plain, behind, strict=True):
        assert other.messages[2:] == one.messages
        assert other.messages[0] != one.messages[0]
        is_chinese = other.messages[0]["content"].startswith("问")
        assert is_chinese == one.messages[0]["content"].startswith("问")


def test_preferences_are_measured_before_and_after(place: Path, capsys) -> None:
    found = measured(
        capsys,
        place / "preferences",
        "--model",
        place / "chat-tiny",
        "--model",
        place / "chat-dpo-tiny",
    )
    names = [each["name"].rsplit("/", 1)[-1] for each in found["systems"]]
    assert set(names[:3]) == {
        "the shorter answer", "n-gram", "like the answer to the nearest question"
    }  # fmt: skip
    assert names[3:] == ["chat-tiny", "chat-dpo-tiny"]
    for each in found["systems"]:
        assert 0 <= each["scores"]["preferred"]["value"] <= 1


def test_dpo_raises_what_it_is_measured_by(place: Path, capsys) -> None:
    pairs = [
        {"prompt": f"q{n}", "chosen": "yes it is", "rejected": "no it is not"} for n in range(24)
    ]
    (place / "choices").mkdir()
    for part in ("train", "validation", "test"):
        write_rows(place / f"choices/{part}.jsonl", pairs)
    more = ("train.steps=30", "train.lr=0.01", "train.select=last")
    assert learn(place, "chat-dpo-tiny", "chat-tiny", "choices", *more, out="decided") == 0
    capsys.readouterr()
    found = measured(capsys, place / "choices", "--model", place / "decided")
    shorter = next(each for each in found["systems"] if each["name"] == "the shorter answer")
    assert shorter["scores"]["preferred"]["value"] == 1.0
    assert found["systems"][-1]["scores"]["preferred_per_byte"]["value"] == 1.0


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"messages": [{"role": "user", "content": "a"}]}, ":1 is no conversation"),
        ({"prompt": "a", "chosen": "b", "rejected": "b"}, ":1 is no pair"),
        ({"prompt": "a", "chosen": "b", "rejected": 3}, ":1 is no pair"),
    ],
)
def test_examples_that_cannot_be_measured_are_told(tmp_path: Path, capsys, row, told: str) -> None:
    for part in ("train", "validation", "test"):
        write_rows(tmp_path / f"{part}.jsonl", [row])
    assert main(["evaluate", "baselines", str(tmp_path), "--log", "none"]) == 1
    assert told in capsys.readouterr().err
