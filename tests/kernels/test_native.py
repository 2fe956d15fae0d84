"""Every native operation against its plain torch definition, values and gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from zhixing.core.errors import DataError
from zhixing.kernels import native
from zhixing.kernels.attention import (
    LONGEST,
    ScoreRule,
    document_attention,
    document_attention_reference,
    document_starts,
    last_tokens,
    padded_attention,
    padded_attention_reference,
)
from zhixing.kernels.cross_entropy import softmax_cross_entropy, softmax_cross_entropy_reference
from zhixing.kernels.norm import rms_norm, rms_norm_reference
from zhixing.kernels.recurrence import lstm_cell, lstm_cell_reference
from zhixing.kernels.rotary import HeadShape, angles, rotary_heads, rotary_heads_reference
from zhixing.kernels.swiglu import swiglu, swiglu_reference

SHAPE = HeadShape(heads=4, kv_heads=2, head_dim=16, epsilon=1e-6)

pytestmark = pytest.mark.skipif(native.library() is None, reason=str(native.why_missing()))


def _random(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def _same(
    fast: Callable[..., Tensor], slow: Callable[..., Tensor], inputs: list[Tensor], tolerance: float
) -> None:
    results = []
    for function in (fast, slow):
        copies = [x.clone().requires_grad_() for x in inputs]
        y = function(*copies)
        y.backward(_random(*y.shape, seed=9).to(y.dtype))
        results.append([y, *(x.grad for x in copies)])
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got.float(), want.float(), rtol=tolerance, atol=tolerance)


def _joined(function: Callable[..., tuple[Tensor, ...]]) -> Callable[..., Tensor]:
    positions = torch.arange(40).view(2, 20)

    def apply(qkv: Tensor, q_weight: Tensor, k_weight: Tensor) -> Tensor:
        parts = function(qkv, q_weight, k_weight, angles(positions, 16, 1e4), SHAPE)
        return torch.cat([part.flatten() for part in parts])

    return apply


def test_rms_norm_equals_its_definition() -> None:
    _same(
        lambda x, w: rms_norm(x, w, 1e-6),
        lambda x, w: rms_norm_reference(x, w, 1e-6),
        [_random(60, 129), _random(129, seed=1)],
        1e-5,
    )


def test_rotary_heads_equal_their_definition() -> None:
    inputs = [_random(2, 20, 8 * 16), 1 + _random(16, seed=1), 1 + _random(16, seed=2)]
    _same(_joined(rotary_heads), _joined(rotary_heads_reference), inputs, 1e-5)


def test_a_rotation_the_wrong_way_round_would_be_noticed() -> None:
    qkv, weight = _random(2, 20, 8 * 16), torch.ones(16)
    cosine, sine = angles(torch.arange(40).view(2, 20), 16, 1e4)
    fast = rotary_heads(qkv, weight, weight, (cosine, sine), SHAPE)
    slow = rotary_heads_reference(qkv, weight, weight, (cosine, -sine), SHAPE)
    assert not torch.allclose(fast[0], slow[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_document_attention_equals_torch_under_a_mask(kv_heads: int) -> None:
    documents = torch.tensor([[0] * 5 + [1] * 14 + [2], [0] * 20])
    starts = document_starts(documents)
    inputs = [_random(2, heads, 20, 16, seed=heads) for heads in (4, kv_heads, kv_heads)]
    inputs[2] = inputs[2] * 2
    _same(
        lambda q, k, v: document_attention((q, k, v), starts),
        lambda q, k, v: document_attention_reference((q, k, v), starts),
        inputs,
        1e-5,
    )


def test_attention_that_looks_one_place_too_far_back_would_be_noticed() -> None:
    starts = document_starts(torch.tensor([[0] * 5 + [1] * 15]))
    q, k, v = (_random(1, 2, 20, 16, seed=seed) for seed in range(3))
    wrong = document_attention((q, k, v), (starts - 1).clamp(min=0))
    right = document_attention_reference((q, k, v), starts)
    assert not torch.allclose(wrong, right, rtol=1e-5, atol=1e-5)


RAGGED = torch.arange(20) < torch.tensor([[20], [13], [1]])
"""A row without padding, one with seven places of it, one of a single token."""


def _ragged(kv_heads: int = 4) -> list[Tensor]:
    return [_random(3, heads, 20, 16, seed=n) for n, heads in enumerate((4, kv_heads, kv_heads))]


@pytest.mark.parametrize("keep", [RAGGED, None], ids=["padded", "full"])
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
def test_padded_attention_equals_torch_under_a_mask(kv_heads: int, keep: Tensor | None) -> None:
    _same(
        lambda q, k, v: padded_attention((q, k, v), keep),
        lambda q, k, v: padded_attention_reference((q, k, v), keep),
        _ragged(kv_heads),
        1e-5,
    )


@pytest.mark.parametrize("keep", [RAGGED, None], ids=["padded", "full"])
@pytest.mark.parametrize("time", [1, 7, 31])
def test_attention_to_a_source_of_another_length_equals_torch(
    time: int, keep: Tensor | None
) -> None:
    parts = [_random(3, 4, time, 16, seed=5), *_ragged(2)[1:]]
    _same(
        lambda q, k, v: padded_attention((q, k, v), keep),
        lambda q, k, v: padded_attention_reference((q, k, v), keep),
        parts,
        1e-5,
    )


def test_attention_to_one_place_of_padding_would_be_noticed() -> None:
    q, k, v = _ragged()
    one_more = RAGGED | RAGGED.roll(1, dims=1)
    wrong, right = (
        padded_attention((q, k, v), one_more),
        padded_attention_reference((q, k, v), RAGGED),
    )
    assert torch.allclose(wrong[:1], right[:1], rtol=1e-5, atol=1e-5)
    for row in (1, 2):
        assert not torch.allclose(wrong[row], right[row], rtol=1e-5, atol=1e-5)


def test_what_stands_at_padding_is_finite_and_moves_no_token_nor_its_gradient() -> None:
    results = []
    for filling in (0.0, 1e4):
        parts = [
            torch.where(RAGGED[:, None, :, None], x, filling).requires_grad_() for x in _ragged()
        ]
        mixed = padded_attention(tuple(parts), RAGGED)
        assert torch.isfinite(mixed).all()
        tokens = mixed.transpose(1, 2)[RAGGED]
        tokens.backward(_random(*tokens.shape, seed=9))
        gradients = [part.grad.transpose(1, 2) for part in parts]
        assert not any(gradient[~RAGGED].any() for gradient in gradients)
        results.append([tokens, *gradients])
    assert all(torch.equal(one, other) for one, other in zip(*results, strict=True))


def test_a_row_of_padding_alone_is_finite() -> None:
    parts = [part.requires_grad_() for part in _ragged()]
    mixed = padded_attention(tuple(parts), RAGGED & (torch.arange(3) != 1)[:, None])
    mixed.sum().backward()
    assert all(torch.isfinite(x).all() for x in (mixed, *(part.grad for part in parts)))


def test_only_padding_at_the_ends_of_rows_has_a_last_token() -> None:
    found = last_tokens(RAGGED)
    assert found is not None
    assert found[:, 0].tolist() == [19, 12, 0]
    for hole in (0, 5):
        assert last_tokens(RAGGED & (torch.arange(20) != hole)) is None


@pytest.mark.parametrize(
    ("keep", "rule", "is_fast"),
    [
        (RAGGED, ScoreRule(), True),
        (None, ScoreRule(scale=16**-0.5), True),
        (RAGGED.flip(1), ScoreRule(), False),
        (RAGGED, ScoreRule(scale=1.0), False),
        (RAGGED, ScoreRule(bias=_random(3, 4, 20, 20)), False),
    ],
    ids=["plain", "its own scale", "padded in front", "another scale", "with a bias"],
)
def test_what_the_fused_softmax_cannot_do_is_left_to_torch(
    keep: Tensor | None, rule: ScoreRule, is_fast: bool
) -> None:
    q, k, v = (part.requires_grad_() for part in _ragged())
    mixed = padded_attention((q, k, v), keep, rule)
    assert ("RunAttention" in type(mixed.grad_fn).__name__) == is_fast
    expected = padded_attention_reference((q, k, v), keep, rule)
    torch.testing.assert_close(mixed, expected, rtol=1e-5, atol=1e-5)


def test_weights_of_long_rows_are_not_kept() -> None:
    q, k, v = (_random(1, 1, LONGEST + 1, 2, seed=n).requires_grad_() for n in range(3))
    assert "RunAttention" not in type(padded_attention((q, k, v), None).grad_fn).__name__


def test_padded_attention_in_bfloat16_is_the_rounded_float32_result() -> None:
    q, k, v = (part.bfloat16() for part in _ragged())
    expected = padded_attention_reference((q.float(), k.float(), v.float()), RAGGED)
    # Scores and shares are rounded on the way: a few units in the last place of values near one.
    torch.testing.assert_close(
        padded_attention((q, k, v), RAGGED).float(), expected, rtol=2**-6, atol=2**-6
    )


def test_swiglu_equals_its_definition_far_out_too() -> None:
    _same(swiglu, swiglu_reference, [_random(600, 2 * 65, scale=10.0)], 1e-5)


def test_softmax_cross_entropy_equals_its_definition() -> None:
    logits, targets = _random(300, 501, scale=8.0), torch.arange(300)
    want = softmax_cross_entropy_reference(logits, targets)
    got = softmax_cross_entropy(logits.clone(), targets)
    torch.testing.assert_close(got[0], want[0], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(got[1], want[1], rtol=1e-5, atol=1e-6)


def test_a_target_outside_the_vocabulary_is_not_looked_for_in_memory() -> None:
    for target in (50, -1):
        with pytest.raises(DataError, match="from 0 to 49"):
            softmax_cross_entropy(_random(1, 50), torch.tensor([target]))


def test_targets_and_starts_may_be_of_any_integer_type() -> None:
    logits, targets = _random(4, 50), torch.tensor([3, 0, 49, 7])
    want, _ = softmax_cross_entropy(logits.clone(), targets)
    assert torch.equal(softmax_cross_entropy(logits.clone(), targets.int())[0], want)
    q, k, v = (_random(1, 2, 20, 16, seed=seed) for seed in range(3))
    starts = document_starts(torch.tensor([[0] * 5 + [1] * 15]))
    assert torch.equal(
        document_attention((q, k, v), starts.int()), document_attention((q, k, v), starts)
    )


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_broken_logit_is_not_hidden(bad: float) -> None:
    logits = _random(4, 50)
    logits[2, 7] = bad
    losses, _ = softmax_cross_entropy(logits, torch.zeros(4, dtype=torch.int64))
    assert torch.isfinite(losses[:2]).all()
    assert not torch.isfinite(losses[2])


def test_bfloat16_equals_the_rounded_float32_result() -> None:
    gate_up = _random(64, 2 * 48).bfloat16()
    expected = swiglu_reference(gate_up.float()).bfloat16()
    # One unit in the last place of bfloat16 is 2^-7 of the value; exp's error may flip one rounding.
    torch.testing.assert_close(swiglu(gate_up), expected, rtol=2**-7, atol=0)
    x, weight = _random(64, 48), 1 + _random(48, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        got = rms_norm(x, weight, 1e-6)
    expected = rms_norm_reference(x, weight, 1e-6).bfloat16()
    torch.testing.assert_close(got, expected, rtol=2**-7, atol=0)


def test_weights_in_bfloat16_are_not_read_as_float32() -> None:
    weight = (1 + _random(16, seed=1)).bfloat16()
    qkv, turned = _random(2, 20, 8 * 16), angles(torch.arange(40).view(2, 20), 16, 1e4)
    got = rotary_heads(qkv, weight, weight, turned, SHAPE)
    want = rotary_heads_reference(qkv, weight.float(), weight.float(), turned, SHAPE)
    torch.testing.assert_close(got[0], want[0], rtol=2**-7, atol=2**-7)
    x = _random(60, 16)
    want = rms_norm_reference(x, weight.float(), 1e-6)
    torch.testing.assert_close(rms_norm(x, weight, 1e-6), want, rtol=2**-7, atol=2**-7)


def test_without_native_code_the_definition_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    gate_up = _random(8, 32)
    assert torch.equal(swiglu(gate_up), swiglu_reference(gate_up))


def test_sixty_four_bit_and_strided_tensors_take_the_definition() -> None:
    assert not native.usable(torch.zeros(4, dtype=torch.float64))
    assert not native.usable(torch.zeros(4, 6).T)


def test_the_lstm_cell_equals_its_definition() -> None:
    wx, uh = _random(6, 4 * 16, scale=3.0), _random(6, 4 * 16, seed=1, scale=3.0)
    for part in range(2):
        _same(
            lambda wx, uh, c, part=part: torch.cat(lstm_cell(wx, uh, c)[part:]),
            lambda wx, uh, c, part=part: torch.cat(lstm_cell_reference(wx, uh, c)[part:]),
            [wx, uh, _random(6, 16, seed=2)],
            1e-5,
        )
