"""Rows shared out to threads give the gradient of the whole batch, the same every time."""

from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import CONFIGS
from zhixing.data.pack import Row
from zhixing.model.assembly import build_model
from zhixing.objective.causal import Causal
from zhixing.objective.loss import add_counts
from zhixing.train import side_by_side
from zhixing.train.config import TrainConfig
from zhixing.train.loop import accumulate
from zhixing.train.side_by_side import backward, threads_for

TIME, VOCAB = 12, 40


@pytest.fixture
def _three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def _rows(count: int) -> list[Row]:
    generator = torch.Generator().manual_seed(7)
    ids = torch.randint(VOCAB, (count, TIME + 1), generator=generator).numpy()
    places = torch.arange(TIME).numpy()
    return [
        Row(tokens=row[:-1], targets=row[1:], positions=places, documents=places // 5)
        for row in ids
    ]


def _model(name: str = "decoder") -> nn.Module:
    torch.manual_seed(1)
    config = CONFIGS[name].model_copy(update={"dropout": 0.0})
    return build_model(config, VOCAB).train()


def _gradients(model: nn.Module, rows: Sequence[Row]) -> tuple[dict[str, float], list[Tensor]]:
    model.zero_grad()
    counts = add_counts(map(Causal().counts, rows))
    config = TrainConfig(steps=1, precision="float32")
    losses = accumulate(model, Causal(), rows, counts, config)
    return losses, [weight.grad.clone() for weight in model.parameters() if weight.requires_grad]


@pytest.mark.usefixtures("_three_threads")
@pytest.mark.parametrize("name", ["decoder", "lstm"])
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_the_gradient_is_that_of_one_thread(name: str, rows: int) -> None:
    model = _model(name)
    losses, shared = _gradients(model, _rows(rows))
    torch.set_num_threads(1)
    alone, whole = _gradients(model, _rows(rows))
    assert losses == pytest.approx(alone, rel=1e-6)
    for got, want in zip(shared, whole, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("_three_threads")
def test_the_same_rows_give_the_same_bits() -> None:
    model = _model()
    first = _gradients(model, _rows(7))[1]
    for _ in range(5):
        again = _gradients(model, _rows(7))[1]
        assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


@pytest.mark.usefixtures("_three_threads")
def test_a_share_that_is_forgotten_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _model()
    whole = _gradients(model, _rows(7))[1]
    shares = side_by_side._shares
    monkeypatch.setattr(
        side_by_side, "_shares", lambda items, count: list(shares(items, count))[1:]
    )
    fewer = _gradients(model, _rows(7))[1]
    assert not torch.allclose(whole[0], fewer[0], rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("_three_threads")
def test_every_thread_computes_on_one_core_and_ours_keeps_all() -> None:
    weight = nn.Linear(1, 1, bias=False)

    def compute(items: Sequence[int]) -> tuple[Tensor, int]:
        torch.ones(200, 200) @ torch.ones(200, 200)
        return weight(torch.ones(1, 1)).sum() * len(items), torch.get_num_threads()

    assert backward(weight, compute, range(9), threads=3) == [1, 1, 1]
    assert weight.weight.grad.item() == 9.0
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("_three_threads")
def test_dropout_keeps_a_batch_together() -> None:
    torch.manual_seed(0)
    assert threads_for(_model(), Causal()) == 3
    assert threads_for(build_model(CONFIGS["decoder"], VOCAB), Causal()) == 1


@pytest.mark.usefixtures("_three_threads")
def test_an_error_in_a_thread_arrives() -> None:
    def compute(items: Sequence[int]) -> tuple[Tensor, None]:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        backward(nn.Linear(1, 1), compute, range(9), threads=3)
