"""Conversations: only answers are learnt, whatever the row is called; nothing is lost without a word."""

import pytest
import torch

from tests.objective.tiny import chat_tokenizer
from tests.tiny import tiny_model
from zhixing.core.errors import UnsupportedError
from zhixing.core.targets import IGNORED
from zhixing.objective.chat import Chat
from zhixing.objective.preference import Preference
from zhixing.tokenizer.chat import encode_chat

ASKED = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "The dog."}]
LONGER = [
    *ASKED,
    {"role": "user", "content": "And the fox?"},
    {"role": "assistant", "content": "春"},
]


def objective(time: int = 80) -> Chat:
    return Chat(chat_tokenizer(), time=time)


def learnt(made) -> str:
    targets = made.example["targets"]
    return chat_tokenizer().decode([int(each) for each in targets if each != IGNORED])


@pytest.mark.parametrize(
    "row",
    [
        {"messages": ASKED},
        {"conversations": [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "The dog."}]},
        {"instruction": "Who?", "input": "", "output": "The dog."},
        {"src": "Who?", "tgt": "The dog."},
    ],
)  # fmt: skip
def test_rows_of_published_forms_and_pairs_are_the_same_example(row) -> None:
    made = objective().example(row)
    tokenizer = chat_tokenizer()
    assert made.example["tokens"].tolist() == list(encode_chat(tokenizer, ASKED).ids[:-1])
    assert learnt(made) == "The dog."
    targets = [each for each in made.example["targets"] if each != IGNORED]
    assert targets[-1] == tokenizer.end


@pytest.mark.parametrize("answer", [1, "B"])
def test_choices_stand_below_their_question_and_the_answer_is_one_of_them(answer) -> None:
    row = {"question": "Which? 哪个？", "choices": ["the dog", "狐狸"], "answer": answer}
    made = objective().example(row)
    asked = chat_tokenizer().decode(made.example["tokens"].tolist())
    assert "Which? 哪个？\n\nA. the dog\nB. 狐狸" in asked
    assert learnt(made) == "B. 狐狸"


def test_every_answer_of_a_conversation_is_learnt() -> None:
    assert learnt(objective().example({"messages": LONGER})) == "The dog.春"


def test_the_target_is_the_token_that_follows() -> None:
    example = objective().example({"messages": LONGER}).example
    ids = encode_chat(chat_tokenizer(), LONGER).ids
    for place, target in enumerate(example["targets"]):
        assert target in (IGNORED, ids[place + 1])


def test_what_is_too_long_loses_its_oldest_exchange_or_is_left_out() -> None:
    size = len(encode_chat(chat_tokenizer(), LONGER).ids)
    assert not objective(size - 1).example({"messages": LONGER}).truncated
    cut = objective(size - 2).example({"messages": LONGER})
    assert cut.truncated
    assert learnt(cut) == "春"
    assert objective(4).example({"messages": LONGER}).dropped == "answer_too_long"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": []}, "no_question_and_answer"),
        ({"messages": ASKED[1:]}, "no_question_and_answer"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "unknown_speaker"),
        ({"messages": [{"role": "user", "content": " "}]}, "empty_message"),
        ({"instruction": "x", "output": ""}, "empty_message"),
        ({"src": "x", "tgt": " "}, "empty_message"),
        ({"text": "x"}, "missing_key"),
        ({"question": "x", "choices": ["a"], "answer": 0}, "no_list_of_choices"),
        ({"question": "x", "choices": ["a", "b"], "answer": 2}, "answer_is_no_choice"),
        ({"question": "x", "choices": ["a", "b"], "answer": "C"}, "answer_is_no_choice"),
        ({"question": "x", "choices": ["a", "b"], "answer": True}, "answer_is_no_choice"),
        ({"question": "x", "choices": ["a", " "], "answer": 0}, "empty_text"),
    ],
)
def test_rows_that_cannot_be_used_say_why(row, reason: str) -> None:
    assert objective().example(row).dropped == reason


def test_a_tokenizer_without_a_template_is_refused() -> None:
    from tests.objective.tiny import tokenizer

    with pytest.raises(UnsupportedError, match="no chat template"):
        Chat(tokenizer(), time=40).example({"messages": ASKED})


def preference(time: int = 80) -> Preference:
    model = tiny_model("decoder", vocab=chat_tokenizer().vocab)
    return Preference(chat_tokenizer(), time=time, beta=0.1, model=model)


def test_a_model_with_a_template_is_asked_as_in_a_chat() -> None:
    row = {"prompt": "Who?", "chosen": "The dog.", "rejected": "no"}
    made = preference().example(row)
    as_messages = preference().example({**row, "prompt": ASKED[:1]})
    tokenizer = chat_tokenizer()
    asked = encode_chat(tokenizer, ASKED[:1], add_generation_prompt=True)
    for each in (made, as_messages):
        assert each.example["prompt"].tolist() == list(asked.ids)
        assert each.example["chosen"][-1] == each.example["rejected"][-1] == tokenizer.end
        assert tokenizer.decode(each.example["chosen"].tolist()) == "The dog."


def test_both_answers_stand_behind_the_same_messages() -> None:
    row = {"prompt": LONGER[:3], "chosen": "春", "rejected": "The fox does not sleep at all"}
    size = len(encode_chat(chat_tokenizer(), LONGER).ids)
    made = preference(size - 1).example(row)  # the shorter answer alone would leave room for all
    assert made.truncated
    asked = encode_chat(chat_tokenizer(), LONGER[2:3], add_generation_prompt=True)
    assert made.example["prompt"].tolist() == list(asked.ids)
    assert preference(20).example(row).dropped == "answer_too_long"


def test_messages_need_a_template() -> None:
    from tests.objective.tiny import tokenizer

    plain = Preference(
        tokenizer(), time=40, beta=0.1, model=tiny_model("decoder", vocab=tokenizer().vocab)
    )
    row = {"prompt": ASKED[:1], "chosen": "a", "rejected": "b"}
    assert plain.example(row).dropped == "messages_without_chat_template"


def test_equal_answers_prefer_nothing() -> None:
    row = {"prompt": "Who?", "chosen": "a", "rejected": "a"}
    assert preference().example(row).dropped == "no_preference"


@torch.no_grad()
def test_a_question_costs_nothing_and_an_answer_does() -> None:
    made = objective()
    longer = [ASKED[0], {"role": "assistant", "content": "The dog sleeps."}]
    items = [made.example({"messages": each}).example for each in (ASKED, longer)]
    model = tiny_model("decoder", vocab=chat_tokenizer().vocab)
    one, two = (float(made.losses(model, made.collate([item]))["loss"].total) for item in items)
    assert 0 < one < two
