"""The native recurrence against its definition: values, gradients, documents, threads, number types."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from zhixing.kernels import native
from zhixing.kernels.through_time import (
    CELLS,
    Kind,
    Recurrence,
    through_time,
    through_time_reference,
)

pytestmark = pytest.mark.skipif(native.library() is None, reason=str(native.why_missing()))

BATCH, TIME = 7, 13


@pytest.fixture(autouse=True, params=[1, 3])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def _problem(kind: Kind, width: int) -> tuple[Recurrence, Tensor, Tensor, tuple[Tensor, ...]]:
    generator = torch.Generator().manual_seed(width)
    _, gates, parts = CELLS[kind]

    def random(*shape: int, scale: float = 1.0) -> Tensor:
        return (torch.randn(*shape, generator=generator) * scale).requires_grad_()

    recurrence = Recurrence(
        kind=kind,
        weight=random(gates * width, width, scale=width**-0.5),
        bias=random(gates * width),
    )
    begins = torch.rand(BATCH, TIME, generator=generator) < 0.2
    begins[0] = False
    wx = random(BATCH, TIME, gates * width)
    return recurrence, wx, begins, tuple(random(BATCH, width) for _ in range(parts))


def _results(
    function: object,
    recurrence: Recurrence,
    wx: Tensor,
    begins: Tensor | None,
    state: tuple[Tensor, ...],
) -> list[Tensor]:
    """Values, then gradients, of a sum that weighs every output differently."""
    inputs = [wx, recurrence.weight, recurrence.bias, *state]
    for x in inputs:
        x.grad = None
    out, last = function(recurrence, wx, begins, state)
    values = [out, *last]
    generator = torch.Generator().manual_seed(9)
    total = sum((y.float() * torch.randn(y.shape, generator=generator)).sum() for y in values)
    total.backward()
    return [y.detach() for y in values] + [x.grad for x in inputs]


@pytest.mark.parametrize("width", [5, 80])
@pytest.mark.parametrize("kind", CELLS)
def test_values_and_gradients_equal_the_definition(kind: Kind, width: int) -> None:
    recurrence, wx, begins, state = _problem(kind, width)
    for documents in (begins, None):
        got = _results(through_time, recurrence, wx, documents, state)
        want = _results(through_time_reference, recurrence, wx, documents, state)
        for ours, theirs in zip(got, want, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_a_document_that_begins_one_place_late_would_be_noticed(kind: Kind) -> None:
    recurrence, wx, begins, state = _problem(kind, 5)
    got = through_time(recurrence, wx, begins.roll(1, dims=1), state)[0]
    want = through_time_reference(recurrence, wx, begins, state)[0]
    assert not torch.allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", CELLS)
def test_bfloat16_inputs_are_summed_in_float32(kind: Kind) -> None:
    recurrence, wide, begins, state = _problem(kind, 48)
    wx = wide.detach().bfloat16().requires_grad_()
    got = _results(through_time, recurrence, wx, begins, state)
    rounded = wx.detach().float().requires_grad_()
    want = _results(through_time_reference, recurrence, rounded, begins, state)
    for ours, theirs in zip(got[: 1 + len(state)], want, strict=False):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    for ours, theirs in zip(got[1 + len(state) :], want[1 + len(state) :], strict=True):
        # Gradients of W x leave as bfloat16 (one unit in the last place is 2^-7) and the sum over time is of those.
        difference = (ours.float() - theirs).norm()
        assert difference < 2**-7 * theirs.norm()


def test_the_definition_in_bfloat16_differs_by_rounding_alone() -> None:
    recurrence, wide, begins, state = _problem("lstm", 48)
    wx = wide.detach().bfloat16()
    got, _ = through_time(recurrence, wx, begins, state)
    want, _ = through_time_reference(recurrence, wx, begins, state)
    assert (got - want).norm() < 2**-6 * want.norm()


def test_outputs_that_nobody_used_leave_no_gradient() -> None:
    recurrence, wx, _, state = _problem("lstm", 5)
    out, _ = through_time(recurrence, wx, None, state)
    out[:, :4].sum().backward()
    assert wx.grad is not None
    assert not wx.grad[:, 4:].any()
    assert wx.grad[:, :4].any()
