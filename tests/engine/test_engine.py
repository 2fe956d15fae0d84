"""The engine generates what the plain uncached model would, for every kind of model."""

from collections.abc import Iterator

import pytest
import torch

from tests.tiny import CONFIGS, MAX_TIME, TEXTS, tiny_model, tiny_tokenizer
from zhixing.core.errors import UsageError
from zhixing.engine import engine as engine_module
from zhixing.engine.engine import Engine
from zhixing.engine.request import Finish, Request, SamplingParams, TokenEvent
from zhixing.engine.sampler import Sampler
from zhixing.model.protocol import LanguageModel, Output, State
from zhixing.tokenizer.encoding import Special

NEVER = 10_000_000
"""An end token that no model has: generation goes on to its limit."""


@pytest.fixture(params=CONFIGS)
def model(request: pytest.FixtureRequest) -> LanguageModel:
    return tiny_model(request.param)


def prompt(text: str = "the fox 春眠") -> tuple[int, ...]:
    return tiny_tokenizer().encode(text).ids


def ask(tokens: tuple[int, ...], *, id: str = "a", **settings: object) -> Request:
    return Request(id=id, tokens=tokens, params=SamplingParams(**settings))


def uncached(model: LanguageModel, request: Request) -> Iterator[tuple[int, float]]:
    """The whole text through the model again for every token."""
    sampler = Sampler(request.params, request.tokens)
    tokens = list(request.tokens)
    with torch.inference_mode():
        for _ in range(request.params.max_tokens):
            choice = sampler.choose(model(torch.tensor([tokens])).logits[0, -1])
            yield choice.token, choice.logprob
            tokens.append(choice.token)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_cached_generation_equals_uncached(model: LanguageModel, temperature: float) -> None:
    request = ask(prompt(), max_tokens=20, temperature=temperature, repetition_penalty=1.2)
    events = list(Engine(model, tiny_tokenizer(), ends=[NEVER]).run(request))
    tokens, logprobs = zip(*uncached(model, request), strict=True)
    assert tuple(event.token for event in events) == tokens
    assert [event.logprob for event in events] == pytest.approx(logprobs, abs=1e-5)


class Forgetful(LanguageModel):
    """A deliberate mistake: the state is ignored, so only the newest piece is read."""

    def __init__(self, model: LanguageModel) -> None:
        super().__init__()
        self.model, self.vocab, self.max_time = model, model.vocab, model.max_time

    def body(self, tokens, *, positions=None, documents=None, state=None) -> Output:
        return self.model.body(tokens)

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.model.head(hidden)

    def new_state(self, batch: int, capacity: int) -> State:
        return self.model.new_state(batch, capacity)


def test_a_forgotten_state_would_be_noticed(model: LanguageModel) -> None:
    request = ask(prompt(), max_tokens=20, temperature=1.0)
    events = list(Engine(Forgetful(model), tiny_tokenizer(), ends=[NEVER]).run(request))
    logprobs = [logprob for _, logprob in uncached(model, request)]
    assert [event.logprob for event in events] != pytest.approx(logprobs, abs=1e-5)


def test_reading_a_prompt_in_pieces_changes_nothing(
    model: LanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(prompt(), max_tokens=8, temperature=0)
    whole = list(Engine(model, tiny_tokenizer(), ends=[NEVER]).run(request))
    monkeypatch.setattr(engine_module, "PREFILL", 3)
    pieces = list(Engine(model, tiny_tokenizer(), ends=[NEVER]).run(request))
    assert [event.token for event in pieces] == [event.token for event in whole]
    assert [e.logprob for e in pieces] == pytest.approx([e.logprob for e in whole], abs=1e-5)


def test_requests_side_by_side_give_what_they_give_alone(model: LanguageModel) -> None:
    requests = [
        ask(prompt(), id="one", max_tokens=9, seed=1),
        ask(prompt("return a"), id="two", max_tokens=5, seed=1, temperature=0.5),
        ask(prompt(), id="three", max_tokens=9, seed=2),
    ]
    alone = {
        request.id: list(Engine(model, tiny_tokenizer(), ends=[NEVER]).run(request))
        for request in requests
    }
    engine = Engine(model, tiny_tokenizer(), ends=[NEVER])
    together: dict[str, list[TokenEvent]] = {request.id: [] for request in requests}
    engine.submit(requests[0])
    engine.submit(requests[1])
    for event in engine.step():
        together[event.request].append(event)
    engine.submit(requests[2])
    while events := engine.step():
        for event in events:
            together[event.request].append(event)
    assert together == alone
    assert [event.token for event in alone["one"]] != [event.token for event in alone["three"]]


def test_a_prompt_longer_than_the_context_is_refused_with_the_sizes() -> None:
    engine = Engine(tiny_model("decoder"), tiny_tokenizer())
    too_long = ask((1,) * (MAX_TIME + 3))
    with pytest.raises(UsageError, match=rf"{MAX_TIME + 3} tokens.*{MAX_TIME}.*by 3 tokens"):
        engine.submit(too_long)
    assert engine.step() == []


@pytest.mark.parametrize("spare", [0, 1, 5])
def test_a_full_context_ends_with_length(spare: int) -> None:
    engine = Engine(tiny_model("decoder"), tiny_tokenizer(), ends=[NEVER])
    tokens = (1,) * (MAX_TIME - spare)
    events = list(engine.run(ask(tokens, max_tokens=100)))
    # The token chosen after the last position is not read, so it fits too.
    assert len(events) == spare + 1
    assert [event.finish for event in events] == [None] * spare + [Finish.LENGTH]


def test_a_model_without_a_longest_time_goes_on() -> None:
    engine = Engine(tiny_model("lstm"), tiny_tokenizer(), ends=[NEVER])
    assert len(list(engine.run(ask((1,) * 600, max_tokens=3)))) == 3


class Place:
    """How far a recital is; one row."""

    def __init__(self) -> None:
        self.length = 0

    def select(self, rows: torch.Tensor) -> "Place":
        raise NotImplementedError


class Recites(LanguageModel):
    """Says given token ids, one after another, and then the end token; knows five ids more than the tokenizer."""

    max_time = None

    def __init__(self, tokens: list[int]) -> None:
        super().__init__()
        self.vocab = tiny_tokenizer().vocab + 5
        self._tokens = [*tokens, tiny_tokenizer().end]

    def new_state(self, batch: int, capacity: int) -> State:
        return Place()

    def body(self, tokens, *, positions=None, documents=None, state=None) -> Output:
        places = torch.arange(state.length, state.length + tokens.shape[1])
        state.length += tokens.shape[1]
        return Output(hidden=places[None, :, None].float(), state=state)

    def head(self, hidden: torch.Tensor) -> torch.Tensor:
        logits = torch.full((self.vocab,), -50.0)
        logits[self._tokens[int(hidden.item())]] = 50.0
        return logits


def recite(tokens: list[int], **settings: object) -> list[TokenEvent]:
    engine = Engine(Recites(tokens), tiny_tokenizer())
    return list(engine.run(ask((tiny_tokenizer().begin,), **settings)))


def text_of(events: list[TokenEvent]) -> str:
    return "".join(event.text for event in events)


@pytest.mark.parametrize("text", [*TEXTS, "🦊 naïve 龘 é"])
def test_streaming_never_shows_half_a_character(text: str) -> None:
    tokens = tiny_tokenizer().encode_text(text)
    events = recite(tokens)
    assert text_of(events) == text
    assert all("\ufffd" not in event.text for event in events)
    assert events[-1].finish is Finish.END
    assert [event.token for event in events] == [*tokens, tiny_tokenizer().end]


def test_a_character_of_several_tokens_is_shown_with_its_last() -> None:
    assert [event.text for event in recite(tiny_tokenizer().encode_text("🦊"))] == [
        "",
        "",
        "",
        "🦊",
        "",
    ]


def test_the_end_token_is_not_text_and_ends() -> None:
    (event,) = recite([])
    assert (event.text, event.finish) == ("", Finish.END)


@pytest.mark.parametrize("stop", ["不觉", "闻啼鸟。夜", "眠", "春"])
def test_a_stop_string_across_tokens_ends_the_text_before_it(stop: str) -> None:
    text = TEXTS[1]
    events = recite(tiny_tokenizer().encode_text(text), stop=(stop, "never this"))
    assert text_of(events) == text[: text.index(stop)]
    assert events[-1].finish is Finish.STOP
    assert all(event.finish is None for event in events[:-1])


def test_text_held_for_a_stop_string_that_never_comes_is_shown_at_the_end() -> None:
    tokens = tiny_tokenizer().encode_text("the dog")
    assert text_of(recite(tokens, stop=("dogs",))) == "the dog"
    assert text_of(recite(tokens, stop=("dogs",), max_tokens=len(tokens))) == "the dog"


def test_a_stop_string_completed_by_the_last_token_still_counts() -> None:
    tokens = tiny_tokenizer().encode_text("the dog")
    events = recite(tokens, stop=("dog",), max_tokens=len(tokens))
    assert (text_of(events), events[-1].finish) == ("the ", Finish.STOP)


def test_an_id_that_the_tokenizer_does_not_have_is_no_text() -> None:
    beyond = tiny_tokenizer().vocab + 2
    events = recite([*tiny_tokenizer().encode_text("ab"), beyond])
    assert text_of(events) == "ab"
    assert beyond in [event.token for event in events]


def test_a_cancelled_request_leaves_and_others_go_on() -> None:
    engine = Engine(tiny_model("lstm"), tiny_tokenizer(), ends=[NEVER])
    engine.submit(ask(prompt(), id="a", max_tokens=50))
    engine.submit(ask(prompt(), id="b", max_tokens=2))
    engine.step()
    engine.cancel("a")
    engine.cancel("never was")
    assert [event.request for event in engine.step()] == ["b"]
    assert engine.step() == []


def test_closing_a_run_cancels_it() -> None:
    engine = Engine(tiny_model("lstm"), tiny_tokenizer(), ends=[NEVER])
    run = engine.run(ask(prompt(), max_tokens=50))
    next(run)
    run.close()
    assert engine.step() == []
    assert len(list(engine.run(ask(prompt(), max_tokens=2)))) == 2


def test_requests_that_make_no_sense_are_refused() -> None:
    engine = Engine(tiny_model("lstm"), tiny_tokenizer())
    vocab = tiny_tokenizer().vocab
    faults = {
        "no tokens": ask(()),
        rf"id {vocab}; ids go from 0 to {vocab - 1}": ask((1, vocab)),
        "id -1": ask((-1,)),
        "top_logprobs": ask((1,), top_logprobs=vocab + 1),
    }
    for message, request in faults.items():
        with pytest.raises(UsageError, match=message):
            engine.submit(request)
    engine.submit(ask((1,)))
    with pytest.raises(UsageError, match="running already"):
        engine.submit(ask((1,)))


def test_top_logprobs_come_with_every_token() -> None:
    engine = Engine(tiny_model("decoder"), tiny_tokenizer(), ends=[NEVER])
    for event in engine.run(ask(prompt(), max_tokens=3, temperature=0, top_logprobs=4)):
        assert len(event.top) == 4
        assert event.top[event.token] == pytest.approx(event.logprob, abs=1e-6)
        assert list(event.top.values()) == sorted(event.top.values(), reverse=True)


def test_the_tiny_tokenizer_names_its_end() -> None:
    assert tiny_tokenizer().specials[Special.END] == tiny_tokenizer().end
