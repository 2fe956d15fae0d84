"""Which weights are moved by which rule, and how the rule's memory is saved by weight name.

    matrices inside the model           Muon (Jordan et al. 2024; Liu et al. 2025) or AdamW, with weight decay
    embeddings, output layer            AdamW (Loshchilov & Hutter 2019) without decay
    norms, biases, all that is 1-D      AdamW without decay

Muon replaces a matrix's gradient by the nearest orthogonal matrix, which makes sense for maps between hidden
vectors and not for tables of token vectors. Weights may have learning rates of their own (train/finetune.py, train.rates).
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from zhixing.core.errors import CheckpointError, ConfigError
from zhixing.model.protocol import LanguageModel
from zhixing.train.config import TrainConfig
from zhixing.train.muon import Muon


@dataclass(frozen=True, kw_only=True, slots=True)
class Groups:
    """Every trainable weight of a model exactly once, by name."""

    matrices: Mapping[str, nn.Parameter]
    tables: Mapping[str, nn.Parameter]
    others: Mapping[str, nn.Parameter]

    def of(self, names: Container[str]) -> Self:
        """Those of these names."""
        matrices, tables, others = (
            {name: weight for name, weight in group.items() if name in names}
            for group in (self.matrices, self.tables, self.others)
        )
        return type(self)(matrices=matrices, tables=tables, others=others)


class Optimizer:
    """One or two torch optimizers that step together, at learning rates relative to their highest."""

    def __init__(self, parts: list[torch.optim.Optimizer], names: Mapping[Tensor, str]) -> None:
        self.parts = parts
        self.names = names
        self._highest = [[float(group["lr"]) for group in part.param_groups] for part in parts]

    def set_rate(self, share: float) -> None:
        """Set every learning rate to `share` (0 to 1) of its highest."""
        for part, highest in zip(self.parts, self._highest, strict=True):
            for group, lr in zip(part.param_groups, highest, strict=True):
                group["lr"] = lr * share

    def step(self) -> None:
        """Move the weights along their gradients, then forget the gradients."""
        for part in self.parts:
            part.step()
            part.zero_grad(set_to_none=True)

    def tensors(self) -> dict[str, Tensor]:
        """All that the rules remember, as `weight name/what`; learning rates follow from the schedule."""
        return {
            f"{self.names[weight]}/{key}": value
            for part in self.parts
            for weight, memory in part.state.items()
            for key, value in memory.items()
        }

    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Put back what `tensors()` gave; CheckpointError when a weight is missing or unknown."""
        owner = {
            name: (part, weight) for part in self.parts for name, weight in self._weights_of(part)
        }
        for key, value in tensors.items():
            name, _, what = key.rpartition("/")
            if name not in owner:
                raise CheckpointError(f"the saved optimizer remembers an unknown weight {name!r}")
            part, weight = owner[name]
            part.state[weight][what] = value.clone().to(weight.device)
        missing = sorted(name for name, (part, weight) in owner.items() if weight not in part.state)
        if tensors and missing:
            raise CheckpointError(f"the saved optimizer does not know the weights {missing[:3]}")

    def _weights_of(self, part: torch.optim.Optimizer) -> Iterator[tuple[str, nn.Parameter]]:
        for group in part.param_groups:
            for weight in group["params"]:
                yield self.names[weight], weight


def build_optimizer(
    model: nn.Module, config: TrainConfig, rates: Mapping[str, float] | None = None
) -> Optimizer:
    """The optimizer that `config` describes for the weights of `model`.

    rates: the learning rate of a weight by name, as a share of that of `config`; of the others it is 1. `config.rates`
    multiplies it.
    """
    names: dict[Tensor, str] = {weight: name for name, weight in model.named_parameters()}
    groups, shares = split(model), _shares([*names.values()], config, rates or {})
    trained = [*groups.matrices, *groups.tables, *groups.others]
    parts: list[torch.optim.Optimizer] = []
    for share in sorted({shares.get(name, 1.0) for name in trained}):
        chosen = {name for name in trained if shares.get(name, 1.0) == share}
        parts += _parts(model, groups.of(chosen), _at(config, share))
    return Optimizer(parts, names)


def _shares(
    names: Sequence[str], config: TrainConfig, rates: Mapping[str, float]
) -> dict[str, float]:
    """Learning rates of all weights by name. Raises ConfigError for a beginning that no name has."""
    found = {name: rates.get(name, 1.0) for name in names}
    for begin, share in config.rates.items():
        meant = [name for name in names if name.startswith(begin)]
        if not meant:
            some = ", ".join(names[:3])
            raise ConfigError(
                f"train.rates: no weight of the model has a name that begins with {begin!r}; they are called {some}, …"
            )
        found |= {name: found[name] * share for name in meant}
    return found


def _at(config: TrainConfig, share: float) -> TrainConfig:
    """The same settings with learning rates that are `share` of those."""
    if share == 1.0:
        return config
    return config.model_copy(
        update={"lr": config.lr * share, "matrix_lr": config.matrix_lr * share}
    )


def _parts(model: nn.Module, groups: Groups, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """The rules for weights of one learning rate."""
    matrices, decay = list(groups.matrices.values()), config.weight_decay
    fixed = [*groups.tables.values(), *groups.others.values()]
    if config.optimizer == "muon" and matrices:
        rest = [adamw([{"params": fixed, "weight_decay": 0.0}], config)] if fixed else []
        return [muon(matrices, _stacks(model), config), *rest]
    rule = sgd if config.optimizer == "sgd" else adamw
    both: list[dict[str, object]] = [
        {"params": matrices, "weight_decay": decay},
        {"params": fixed, "weight_decay": 0.0},
    ]
    return [rule([group for group in both if group["params"]], config)]


def split(model: nn.Module) -> Groups:
    """Sort the weights of `model`; an AssertionError if one is left out or comes twice."""
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    table_ids = _embedding_ids(model) | _head_ids(model, list(weights.values()))
    tables = {name: w for name, w in weights.items() if w.ndim == 2 and id(w) in table_ids}
    matrices = {name: w for name, w in weights.items() if w.ndim == 2 and id(w) not in table_ids}
    others = {name: w for name, w in weights.items() if w.ndim != 2}
    counted = sum(len(group) for group in (tables, matrices, others))
    assert counted == len({id(weight) for weight in weights.values()}) == len(weights)
    return Groups(matrices=matrices, tables=tables, others=others)


def muon(
    matrices: list[nn.Parameter],
    stacks: Mapping[nn.Parameter, tuple[int, ...]],
    config: TrainConfig,
) -> torch.optim.Optimizer:
    """Muon with Nesterov momentum; the update of an (a, b) matrix is scaled by sqrt(max(1, a/b))."""
    return Muon(
        matrices,
        lr=config.matrix_lr,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
        stacks=stacks,
    )


def adamw(groups: list[dict[str, object]], config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW in one fused pass over each weight."""
    return torch.optim.AdamW(groups, lr=config.lr, betas=config.betas, fused=True)


def sgd(groups: list[dict[str, object]], config: TrainConfig) -> torch.optim.Optimizer:
    """Stochastic gradient descent with momentum (Polyak 1964); its decay is part of the gradient, as torch has it."""
    return torch.optim.SGD(groups, lr=config.lr, momentum=config.momentum, fused=True)


def _stacks(model: nn.Module) -> dict[nn.Parameter, tuple[int, ...]]:
    """Rows of each map in the weights that stack several, as their modules declare in `stacked`."""
    return {
        module.get_parameter(name): rows
        for module in model.modules()
        for name, rows in getattr(module, "stacked", {}).items()
    }


def _embedding_ids(model: nn.Module) -> set[int]:
    return {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}


def _head_ids(model: nn.Module, weights: list[nn.Parameter]) -> set[int]:
    """The weights that the head reads, found by asking: those its output has a gradient for.

    A model that predicts no next token calls its layers of logits `output` or `unembed`.
    """
    if not isinstance(model, LanguageModel):
        logits = (m for name, m in model.named_modules() if name.endswith(("output", "unembed")))
        return {id(module.weight) for module in logits if hasattr(module, "weight")}
    was_training = model.training
    model.eval()
    token = torch.zeros(1, 1, dtype=torch.int64, device=weights[0].device)
    with torch.no_grad():
        hidden = model.body(token).hidden
    total = model.head(hidden).sum()
    model.train(was_training)
    if not total.requires_grad:  # a frozen output layer
        return set()
    gradients = torch.autograd.grad(total, weights, allow_unused=True)
    return {id(w) for w, gradient in zip(weights, gradients, strict=True) if gradient is not None}
