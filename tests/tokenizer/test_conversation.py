"""A conversation that does not fit loses its oldest exchanges, never what the system said or the last question."""

import pytest

from tests.tokenizer.test_chat import MESSAGES, TEMPLATES, tokenizer
from zhixing.core.errors import DataError
from zhixing.tokenizer.chat import encode_chat
from zhixing.tokenizer.conversation import answered, check_asked, fit


def test_what_fits_is_whole_and_one_token_less_costs_an_exchange() -> None:
    opened = tokenizer()
    size = len(encode_chat(opened, MESSAGES).ids)
    whole = fit(opened, MESSAGES, room=size)
    assert (whole.left_out, whole.messages) == (0, tuple(MESSAGES))
    cut = fit(opened, MESSAGES, room=size - 1)
    assert (cut.left_out, cut.messages) == (1, (MESSAGES[0], *MESSAGES[3:]))
    assert cut.encoding == encode_chat(opened, [MESSAGES[0], *MESSAGES[3:]])


def test_the_last_exchange_stays_even_when_it_is_too_long() -> None:
    cut = fit(tokenizer(), MESSAGES[:4], room=1, asks=True)
    assert cut.messages == (MESSAGES[0], MESSAGES[3])
    assert cut.encoding.text.endswith("<|im_start|>assistant\n")


@pytest.mark.parametrize("name", TEMPLATES)
def test_an_answer_is_exactly_what_is_learnt_behind_its_question(name: str) -> None:
    opened = tokenizer(TEMPLATES[name])
    found = answered(opened, MESSAGES[:4], str(MESSAGES[4]["content"]))
    whole = encode_chat(opened, MESSAGES)
    assert whole.ids[: len(found.prompt) + len(found.answer)] == (*found.prompt, *found.answer)
    assert opened.decode(found.answer).strip().endswith("The Universe was created.")
    last = len(found.prompt)
    assert sum(whole.learnt[last:]) == len(found.answer)


def test_there_is_nothing_to_answer_behind_an_answer() -> None:
    check_asked(MESSAGES[:4])
    with pytest.raises(DataError, match="end it with one of the user"):
        check_asked(MESSAGES)
