import torch
from torch import Tensor

from zhixing.kernels.recurrence import Tape


def _through_time(times: int, used: int, *, by_tape: bool) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 5, generator=generator, requires_grad=True)
    bias = torch.randn(5, generator=generator, requires_grad=True)
    start = torch.randn(3, 5, generator=generator, requires_grad=True)
    tape = Tape(weight, bias, torch.float32)
    h, outputs = start, []
    for _ in range(times):
        product = tape.multiply(h) if by_tape else h @ weight.T + bias
        h = torch.tanh(product)
        outputs.append(h)
    torch.stack(outputs[:used]).square().sum().backward()
    return [x.grad for x in (weight, bias, start) if x.grad is not None]


def test_the_tape_gives_the_gradients_of_plain_autograd() -> None:
    for got, want in zip(
        _through_time(7, 7, by_tape=True), _through_time(7, 7, by_tape=False), strict=True
    ):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_outputs_that_nobody_used_leave_no_gradient() -> None:
    for got, want in zip(
        _through_time(7, 3, by_tape=True), _through_time(7, 3, by_tape=False), strict=True
    ):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
