"""The sampler against a slow plain reading of its own documentation, and its promises."""

import math
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zhixing.core.errors import UsageError, ZhixingError
from zhixing.engine.request import Sampling, SamplingParams, sampling_params
from zhixing.engine.sampler import Sampler, kept


def reference(logits: list[float], prompt: list[int], params: SamplingParams) -> dict[int, float]:
    """The distribution the documentation describes, in plain Python, one token at a time."""
    scores = list(logits)
    for token in set(prompt):
        positive = scores[token] > 0
        factor = 1 / params.repetition_penalty if positive else params.repetition_penalty
        scores[token] *= factor
    order = sorted(range(len(scores)), key=lambda token: (-scores[token], token))
    if params.temperature == 0:
        return {order[0]: 1.0}
    left = order[: params.top_k or len(order)]
    best = scores[order[0]]
    weights = {token: math.exp((scores[token] - best) / params.temperature) for token in left}
    total = sum(weights.values())
    nucleus, reached = [], 0.0
    for token in left:
        if params.top_p < 1 and reached >= params.top_p:
            break
        nucleus.append(token)
        reached += weights[token] / total
    left = [token for token in nucleus if weights[token] >= params.min_p * weights[order[0]]]
    total = sum(weights[token] for token in left)
    return {token: weights[token] / total for token in left}


def ours(logits: list[float], prompt: list[int], params: SamplingParams) -> dict[int, float]:
    sampler = Sampler(params, prompt)
    penalised = sampler._penalise(torch.tensor(logits))
    if params.temperature == 0:
        return {sampler.choose(torch.tensor(logits)).token: 1.0}
    ids, probabilities = kept(penalised.double() / params.temperature, params)
    shares = (probabilities / probabilities.sum()).tolist()
    return dict(zip(ids.tolist(), shares, strict=True))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    vocab=st.sampled_from([1, 2, 17, 300, 700]),
    temperature=st.sampled_from([0.0, 0.3, 1.0, 3.0]),
    top_k=st.sampled_from([None, 1, 5, 1000]),
    top_p=st.sampled_from([1.0, 0.9, 0.4, 1e-9]),
    min_p=st.sampled_from([0.0, 0.05, 1.0]),
    penalty=st.sampled_from([1.0, 1.3, 0.5]),
)
def test_the_distribution_is_the_documented_one(
    seed: int,
    vocab: int,
    temperature: float,
    top_k: int | None,
    top_p: float,
    min_p: float,
    penalty: float,
) -> None:
    generator = random.Random(seed)
    # Rounded to float32: the reference must see the same numbers.
    logits = torch.tensor([generator.gauss(0, 3) for _ in range(vocab)]).tolist()
    prompt = [generator.randrange(vocab) for _ in range(4)]
    params = SamplingParams(
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=penalty,
    )
    assert ours(logits, prompt, params) == pytest.approx(
        reference(logits, prompt, params), rel=1e-5, abs=1e-12
    )


def test_ties_go_to_the_smaller_id() -> None:
    logits = torch.zeros(600)
    ids, _ = kept(logits.double(), SamplingParams(top_k=3))
    assert ids.tolist() == [0, 1, 2]
    assert Sampler(SamplingParams(temperature=0), []).choose(logits).token == 0


def test_draws_follow_the_distribution() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    sampler = Sampler(SamplingParams(seed=7), [])
    count = 4000
    drawn = torch.zeros(4)
    for _ in range(count):
        drawn[sampler.choose(logits).token] += 1
    expected = torch.softmax(logits, 0)
    deviation = (drawn / count - expected) / torch.sqrt(expected * (1 - expected) / count)
    assert deviation.abs().max() < 4


def test_a_seed_gives_the_same_draws_whatever_runs_beside_it() -> None:
    logits = torch.randn(50, generator=torch.Generator().manual_seed(1))
    alone = Sampler(SamplingParams(seed=3), [])
    expected = [alone.choose(logits).token for _ in range(20)]
    beside, other = Sampler(SamplingParams(seed=3), []), Sampler(SamplingParams(seed=4), [])
    mixed = []
    for _ in range(20):
        torch.rand(3)  # the global stream moves
        other.choose(logits)
        mixed.append(beside.choose(logits).token)
    assert mixed == expected
    assert [other.choose(logits).token for _ in range(20)] != expected


def test_sampling_leaves_the_global_random_stream_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    Sampler(SamplingParams(), []).choose(torch.randn(9, generator=torch.Generator()))
    assert torch.equal(torch.rand(1), expected)


def test_logprobs_are_of_the_untouched_distribution() -> None:
    logits = torch.tensor([3.0, 1.0, 0.5, -2.0])
    params = SamplingParams(temperature=0.1, top_k=1, repetition_penalty=5.0, top_logprobs=2)
    choice = Sampler(params, [0]).choose(logits)
    expected = torch.log_softmax(logits, 0).tolist()
    assert choice.token == 1
    assert choice.logprob == pytest.approx(expected[1], abs=1e-6)
    assert choice.top == pytest.approx({0: expected[0], 1: expected[1]}, abs=1e-6)
    assert list(choice.top) == [0, 1]


def test_the_penalty_reaches_tokens_that_were_generated() -> None:
    logits = torch.tensor([2.0, 1.5, 1.0])
    sampler = Sampler(SamplingParams(temperature=0, repetition_penalty=2.0), [])
    assert [sampler.choose(logits).token for _ in range(3)] == [0, 1, 0]


def test_a_forbidden_token_is_never_drawn() -> None:
    logits = torch.tensor([-math.inf, 0.0, -math.inf, 0.0, -math.inf])
    for params in (SamplingParams(), SamplingParams(top_p=0.999), SamplingParams(top_k=4)):
        sampler = Sampler(params, [])
        assert {sampler.choose(logits).token for _ in range(60)} == {1, 3}


def test_a_tiny_temperature_is_nearly_greedy_and_does_not_overflow() -> None:
    logits = torch.tensor([50.0, 49.0, -80.0])
    sampler = Sampler(SamplingParams(temperature=1e-6), [])
    assert sampler.choose(logits).token == 0


def test_broken_logits_are_an_error() -> None:
    with pytest.raises(ZhixingError, match="not a number"):
        Sampler(SamplingParams(), []).choose(torch.tensor([0.0, math.nan]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_tokens", 0),
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("temperature", "1"),
        ("temperature", math.inf),
        ("top_k", 0),
        ("top_p", 0.0),
        ("top_p", 1.01),
        ("min_p", -0.1),
        ("min_p", 1.1),
        ("repetition_penalty", 0.0),
        ("stop", ("",)),
        ("seed", -1),
        ("top_logprobs", -1),
        ("frequency_penalty", 1.0),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        sampling_params({name: value})


def test_a_wrong_setting_is_shown_as_given() -> None:
    with pytest.raises(UsageError, match=r"^stop\.1 = '': "):
        sampling_params({"stop": ("a", "")})
    with pytest.raises(UsageError, match=r"no setting .temprature.; there are .*temperature"):
        sampling_params({"temprature": 1})


def test_keyword_settings_are_the_fields_of_the_params() -> None:
    assert set(Sampling.__annotations__) == set(SamplingParams.model_fields)
    assert sampling_params({"stop": "ab"}).stop == ("ab",)
