import pytest
import torch
from torch import nn

from tests.train.tiny import TINY, tiny_inputs
from zhixing.core.errors import CheckpointError, ConfigError
from zhixing.model.assembly import build_model
from zhixing.model.config import DecoderConfig
from zhixing.train.optimizer import build_optimizer, split


@pytest.mark.parametrize("kind", ["decoder", "lstm"])
@pytest.mark.parametrize("tied", [True, False])
def test_every_weight_is_in_exactly_one_group(kind: str, tied: bool) -> None:
    model = build_model(tiny_inputs(kind).model.config.model_copy(update={"tied": tied}), 64)
    groups = split(model)
    names = [*groups.matrices, *groups.tables, *groups.others]
    assert sorted(names) == sorted(name for name, _ in model.named_parameters())
    tables = {"embed.weight"} if tied else {"embed.weight", "unembed.weight"}
    assert set(groups.tables) == tables
    assert all(weight.ndim == 1 for weight in groups.others.values())


def test_a_vocabulary_as_large_as_the_width_does_not_confuse_tables_and_matrices() -> None:
    config = DecoderConfig(width=16, layers=1, heads=1, kv_heads=1, head_dim=16, hidden=16)
    groups = split(build_model(config, vocab=16))
    assert set(groups.tables) == {"embed.weight"}
    assert len(groups.matrices) == 4


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_only_matrices_decay(kind: str) -> None:
    """With no gradient at all, decay is the only thing that moves a weight."""
    inputs = tiny_inputs()
    config = TINY.model_copy(update={"optimizer": kind, "weight_decay": 0.5, "lr": 0.02})
    optimizer = build_optimizer(inputs.model, config)
    before = {name: w.detach().clone() for name, w in inputs.model.named_parameters()}
    for weight in inputs.model.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    matrices = split(inputs.model).matrices
    for name, weight in inputs.model.named_parameters():
        expected = before[name] * (1 - 0.5 * 0.02) if name in matrices else before[name]
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-6, atol=0)


def test_muon_moves_matrices_by_an_almost_orthogonal_update() -> None:
    inputs = tiny_inputs()
    config = TINY.model_copy(update={"weight_decay": 0.0, "momentum": 0.0, "matrix_lr": 1.0})
    weight = split(inputs.model).matrices["stack.blocks.0.feed_forward.down.weight"]  # (16, 32)
    before = weight.detach().clone()
    for other in inputs.model.parameters():
        other.grad = torch.randn_like(other)
    build_optimizer(inputs.model, config).step()
    sizes = torch.linalg.svdvals(before - weight.detach())
    assert sizes.min() > 0.5
    assert sizes.max() < 1.5


def test_rates_are_relative_to_the_highest_of_each_group() -> None:
    optimizer = build_optimizer(tiny_inputs().model, TINY)
    optimizer.set_rate(0.5)
    optimizer.set_rate(0.25)
    found = [group["lr"] for part in optimizer.parts for group in part.param_groups]
    assert found == [0.25 * TINY.matrix_lr, 0.25 * TINY.lr]


def _take_steps(model: nn.Module, optimizer: object, steps: int) -> None:
    for step in range(steps):
        for index, weight in enumerate(model.parameters()):
            torch.manual_seed(100 * step + index)
            weight.grad = torch.randn_like(weight)
        optimizer.step()  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_a_restored_optimizer_continues_bit_for_bit(kind: str) -> None:
    config = TINY.model_copy(update={"optimizer": kind})
    one, other = tiny_inputs().model, tiny_inputs().model
    first = build_optimizer(one, config)
    _take_steps(one, first, 3)
    memory = {name: tensor.clone() for name, tensor in first.tensors().items()}
    other.load_state_dict(one.state_dict())
    second = build_optimizer(other, config)
    second.load_tensors(memory)
    _take_steps(one, first, 2)
    _take_steps(other, second, 2)
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name]), name


def test_a_saved_optimizer_of_another_model_is_refused() -> None:
    decoder, lstm = tiny_inputs("decoder").model, tiny_inputs("lstm").model
    optimizer = build_optimizer(decoder, TINY)
    _take_steps(decoder, optimizer, 1)
    tensors = optimizer.tensors()
    with pytest.raises(CheckpointError, match="unknown weight"):
        build_optimizer(lstm, TINY).load_tensors(tensors)
    part = {key: value for key, value in tensors.items() if not key.startswith("embed")}
    with pytest.raises(CheckpointError, match=r"does not know.*embed\.weight"):
        build_optimizer(tiny_inputs("decoder").model, TINY).load_tensors(part)


def test_weights_move_at_the_rates_that_their_names_begin_with() -> None:
    inputs = tiny_inputs()
    config = TINY.model_copy(
        update={"optimizer": "adamw", "lr": 0.01, "rates": {"embed": 3.0, "stack.blocks.0": 0.5}}
    )
    made = build_optimizer(inputs.model, config, {"embed.weight": 0.1})
    found = {
        made.names[weight]: group["lr"]
        for part in made.parts
        for group in part.param_groups
        for weight in group["params"]
    }
    assert found.keys() == {name for name, _ in inputs.model.named_parameters()}
    for name, rate in found.items():
        share = 0.3 if name == "embed.weight" else 0.5 if name.startswith("stack.blocks.0") else 1.0
        assert rate == pytest.approx(0.01 * share), name


def test_rates_of_no_weight_are_refused() -> None:
    config = TINY.model_copy(update={"rates": {"members.0.": 2.0}})
    with pytest.raises(ConfigError, match=r"train\.rates: no weight .* begins with 'members\.0\.'"):
        build_optimizer(tiny_inputs().model, config)
