"""Adapters: a trained linear layer that stays as it is, and a little beside it that learns.

    LoRA   y = W x + (α / r) B A x + b             A: r × inputs, random; B: outputs × r, zero    Hu et al. 2021, eq. 3
    DoRA   y = m ⊙ (W + (α / r) B A) x / ‖W + (α / r) B A‖ + b                                   Liu et al. 2024, eq. 5

B is zero at first, and m the length of each row of W: a model with new adapters gives the numbers it gave without.
The length in the denominator counts as a constant for the gradient (Liu et al. 2024, §4.3). In a layer that stacks
several maps (q, k and v) they share A. Left out: adapters of embeddings and of experts, ranks that differ by layer.
"""

import copy
import math
import re
from collections.abc import Iterator
from typing import TypeVar, final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zhixing.core.errors import ConfigError
from zhixing.model.adapter_config import AdapterConfig

_IN_BLOCK = re.compile(r"^(?:.*\.)?blocks\.\d+\.(.+)$")
ADAPTER_PARTS = ("adapter_a", "adapter_b", "magnitude")
"""The weights of an adapter."""
AnyModule = TypeVar("AnyModule", bound=nn.Module)


@final
class AdaptedLinear(nn.Linear):
    """A linear layer with its own weight and bias, and an adapter beside them."""

    def __init__(self, layer: nn.Linear, config: AdapterConfig) -> None:
        nn.Module.__init__(self)  # weight and bias are those of `layer`; nothing is made anew
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.weight, self.bias = layer.weight, layer.bias
        self.config, self.scale = config, config.alpha / config.rank
        self.dropout = nn.Dropout(config.dropout)
        self.adapter_a = nn.Parameter(layer.weight.new_empty(config.rank, layer.in_features))
        self.adapter_b = nn.Parameter(layer.weight.new_zeros(layer.out_features, config.rank))
        nn.init.kaiming_uniform_(
            self.adapter_a, a=math.sqrt(5)
        )  # as the authors' code; the paper: normal
        if config.kind == "dora":
            self.magnitude = nn.Parameter(_lengths(layer.weight.detach()))
        self._adapt = {"lora": self._plus, "dora": self._scaled}[config.kind]

    def forward(self, input: Float[Tensor, "*places inputs"]) -> Float[Tensor, "*places outputs"]:
        """The layer, and what the adapter adds."""
        product = F.linear(F.linear(self.dropout(input), self.adapter_a), self.adapter_b)
        return self._adapt(input, self.scale * product)

    def _plus(self, x: Tensor, added: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias) + added

    def _scaled(self, x: Tensor, added: Tensor) -> Tensor:
        scaled = (F.linear(x, self.weight) + added) * self._factors()
        whole = scaled if self.bias is None else scaled + self.bias
        return whole.to(added.dtype)  # the factors are float32 whatever the products are taken in

    def merged_weight(self) -> Float[Tensor, "outputs inputs"]:
        """One matrix that does the same; products are taken in float64, so that one rounding is left."""
        low = self.adapter_b.double() @ self.adapter_a.double()
        weight = self.weight.double() + self.scale * low
        if self.config.kind == "dora":
            weight = weight * (self.magnitude.double() / _lengths(weight)).unsqueeze(1)
        return weight.detach().to(self.weight.dtype)

    def _factors(self) -> Float[Tensor, " outputs"]:
        with torch.no_grad(), torch.autocast(self.weight.device.type, enabled=False):
            lengths = _lengths(self.weight + self.scale * (self.adapter_b @ self.adapter_a))
        return self.magnitude / lengths


def add_adapters(model: nn.Module, config: AdapterConfig) -> tuple[str, ...]:
    """Put an adapter beside every layer of `model` that is called as one of the targets; return the layers' names.

    Raises ConfigError for a target that there is not, and a rank that a layer is too narrow for.
    """
    layers = dict(_linear_layers(model))
    places = {name: _name_in_block(name) for name in layers}
    known = tuple(dict.fromkeys(places.values()))
    unknown = [target for target in config.targets if target not in known]
    if unknown:
        raise ConfigError(
            f"finetune.adapter.targets: there is no linear layer {', '.join(unknown)} in the blocks of this model; "
            f"choose from {', '.join(known) or 'none: only models of Transformer blocks have them'}"
        )
    chosen = tuple(name for name, place in places.items() if place in config.targets)
    for name in chosen:
        _check_rank(name, layers[name], config)
        parent, _, last = name.rpartition(".")
        setattr(model.get_submodule(parent), last, AdaptedLinear(layers[name], config))
    return chosen


def adapters_of(model: nn.Module) -> dict[str, AdaptedLinear]:
    """The layers with an adapter, by name."""
    return {n: layer for n, layer in model.named_modules() if isinstance(layer, AdaptedLinear)}


def merged(model: AnyModule) -> AnyModule:
    """A copy of `model` without adapters that computes the same: each is added to its layer's weight."""
    whole = copy.deepcopy(model)
    for name, layer in adapters_of(whole).items():
        plain = nn.Linear(
            layer.in_features, layer.out_features, bias=layer.bias is not None, device="meta"
        )
        plain.weight = nn.Parameter(layer.merged_weight())
        if layer.bias is not None:
            plain.bias = layer.bias
        parent, _, last = name.rpartition(".")
        setattr(whole.get_submodule(parent), last, plain)
    return whole


def _linear_layers(model: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    for name, layer in model.named_modules():
        if type(layer) is nn.Linear and _IN_BLOCK.match(name):
            yield name, layer


def _name_in_block(name: str) -> str:
    found = _IN_BLOCK.match(name)
    assert found, "layers of blocks only"
    return found[1]


def _check_rank(name: str, layer: nn.Linear, config: AdapterConfig) -> None:
    most = min(layer.in_features, layer.out_features)
    if config.rank > most:
        raise ConfigError(
            f"finetune.adapter.rank = {config.rank} is more than the {most} of {name} ({layer.in_features} inputs, "
            f"{layer.out_features} outputs), which a full matrix has; write 1 to {most}"
        )


def _lengths(weight: Float[Tensor, "outputs inputs"]) -> Float[Tensor, " outputs"]:
    return torch.linalg.vector_norm(weight, dim=1)
