"""A trained model as the beginning of another: its weights taken over, and those chosen that go on learning.

    the same in both models        copied
    a head of the same form        copied; one with other labels is new, as is one that there was not
    the pooling layer of a head    copied from the next-sentence or pooling head of an encoder (Devlin et al. 2018, §3.2)
    a recurrent encoder            copied from a two-way language model, into every other recurrent reader of its sizes

Frozen lower layers and a learning rate that falls with the depth keep what was learnt first: Howard & Ruder 2018,
§3.2; here, as Clark et al. 2020, Appendix A, the rate of a layer is `decay` times that of the layer above it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zhixing.checkpoint.adapter import LEARNT_HEADS
from zhixing.core.errors import ConfigError
from zhixing.model.adapter import ADAPTER_PARTS, add_adapters
from zhixing.model.assembly import Network, config_of
from zhixing.model.config import (
    DecoderConfig,
    EncoderConfig,
    HeadConfig,
    NetworkConfig,
    RecurrentConfig,
)
from zhixing.model.sequence_config import (
    EnsembleConfig,
    RecurrentClassifierConfig,
    RecurrentEncoderConfig,
    RecurrentReaderConfig,
    TaggerConfig,
)
from zhixing.model.two_way import TwoWay
from zhixing.train.finetune_config import FinetuneConfig

POOLS: Mapping[str, str] = {
    "classify": "heads.classify.pool",
    "next-sentence": "heads.next-sentence.pool",
    "pool": "heads.pool",
}
"""Kind of head -> the layer with which it makes one vector of a text."""
TOPS = ("heads.", "unembed.", "output.", "chain.")
"""How the names of weights begin that stand on top of a model."""
_LAYER = re.compile(r"^(?:stack\.blocks|layers|norms)\.(\d+)\.")
_DEEP = ("encoder", "decoder", "rnn", "gru", "lstm")
_SEGMENTS = "stack.inputs.segments.weight"
_BELOW = ("embed.", "stack.inputs.", "stack.relative.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """The layers of a new model that are copies, those that are new, and those of the old one that were left out."""

    copied: tuple[str, ...]
    new: tuple[str, ...]
    left_out: tuple[str, ...]

    def told(self) -> str:
        """In one sentence."""
        return (
            f"{len(self.copied)} layers taken over; new: {', '.join(self.new) or 'none'}; "
            f"left out: {', '.join(self.left_out) or 'none'}"
        )


@torch.no_grad()
def take_over(model: Network, origin: Network) -> Taken:
    """Copy into `model` every weight of `origin` that means the same there.

    They are of one configuration but for heads, or `origin` is a two-way model whose encoder `model` has (`encoders_of`).
    `model` may know more tokens, whose rows begin as the mean of all others (Hewitt 2021): none is likely or unlikely at first.
    """
    ours, theirs = model.state_dict(), origin.state_dict()
    found = {name: _source(name, model, origin) for name in ours}
    for name, source in found.items():
        if source is not None:
            _copy(ours[name], theirs[source], like_last=name == _SEGMENTS)
    copied = {source for source in found.values() if source}
    return Taken(
        copied=_layers(name for name, source in found.items() if source),
        new=_layers(name for name, source in found.items() if not source),
        left_out=_layers(theirs.keys() - copied),
    )


def _copy(mine: Tensor, theirs: Tensor, *, like_last: bool) -> None:
    """Numbers of one weight; rows that only `mine` has begin as the last of the others, or as their mean."""
    if mine.shape == theirs.shape:
        mine.copy_(theirs)
        return
    mine[: len(theirs)].copy_(theirs)
    mine[len(theirs) :] = theirs[-1] if like_last else theirs.mean(dim=0)


def encoders_of(config: NetworkConfig) -> dict[str, RecurrentEncoderConfig]:
    """The recurrent encoders of what reads texts, or of an ensemble, by what the names of their weights begin with."""
    if isinstance(config, EnsembleConfig):
        return {
            f"members.{number}.": member.encoder
            for number, member in enumerate(config.members)
            if isinstance(member, RecurrentClassifierConfig)
        }
    if isinstance(config, RecurrentClassifierConfig | RecurrentReaderConfig | TaggerConfig):
        return {"": config.encoder}
    return {}


def can_begin(encoder: RecurrentEncoderConfig, trained: RecurrentEncoderConfig) -> bool:
    """Whether the weights of a trained encoder fit: all is equal but the dropout."""
    return encoder.model_copy(update={"dropout": trained.dropout}) == trained


def choose(model: Network, config: FinetuneConfig) -> dict[str, float]:
    """Freeze the weights that shall not move; the learning rate of the others, by name, as a share of that of [train].

    Adapters, where they are asked for, are put into `model`. Raises ConfigError for a choice that it does not have.
    """
    if config.adapter is not None:
        added = add_adapters(model, config.adapter)
        parts = tuple(f"{name}.{part}" for name in added for part in ADAPTER_PARTS)
        names = [name for name, _ in model.named_parameters()]
        return _only(model, [name for name in names if name.startswith((*parts, *LEARNT_HEADS))])
    if config.learn == "head":
        return _only(model, _tops(model))
    if not config.freeze and config.decay == 1.0:
        return {}
    layers = _num_layers(model, config)
    depths = {name: depth_of(name, layers) for name, _ in model.named_parameters()}
    learnt = {name for name, depth in depths.items() if not config.freeze or depth > config.freeze}
    rates = _only(model, learnt)
    return {name: config.decay ** (layers + 1 - depths[name]) for name in rates}


def depth_of(name: str, layers: int) -> int:
    """How high a weight stands in a model of so many layers: 0 what reads the tokens, layers + 1 what is on top."""
    found = _LAYER.match(name)
    if found:
        return min(int(found[1]) + 1, layers + 1)
    return 0 if name.startswith(_BELOW) else layers + 1


def _only(model: nn.Module, names: Iterable[str]) -> dict[str, float]:
    """Freeze all weights but those of these names, whose rate is 1."""
    chosen = set(names)
    for name, weight in model.named_parameters():
        weight.requires_grad_(name in chosen)
    return dict.fromkeys(sorted(chosen), 1.0)


def _tops(model: Network) -> list[str]:
    found = [name for name, _ in model.named_parameters() if name.startswith(TOPS)]
    if not found:
        raise ConfigError(
            'finetune.learn = "head": this model has nothing on top that is its own (its output layer is its embedding, '
            'or the objective reads its vectors as they are); set learn = "all"'
        )
    return found


def _num_layers(model: Network, config: FinetuneConfig) -> int:
    sizes = config_of(model)
    name, value = ("freeze", config.freeze) if config.freeze else ("decay", config.decay)
    if not isinstance(sizes, EncoderConfig | DecoderConfig | RecurrentConfig):
        raise ConfigError(
            f"finetune.{name} = {value} needs a model of layers on top of each other ({', '.join(_DEEP)}), not one of "
            f"the kind {sizes.kind!r}; leave it out"
        )
    if config.freeze > sizes.layers:
        raise ConfigError(
            f"finetune.freeze = {config.freeze}, but this model has {sizes.layers} layers; write 0 to {sizes.layers}"
        )
    return sizes.layers


def _source(name: str, model: Network, origin: Network) -> str | None:
    """The weight of `origin` that a weight of `model` begins as; None for one that begins anew."""
    if isinstance(origin, TwoWay) and not isinstance(model, TwoWay):
        return _source_in_encoder(name, model, origin)
    if not name.startswith("heads."):
        return None if name == _SEGMENTS and name not in origin.state_dict() else name
    heads, others = _heads(model), _heads(origin)
    kind = name.split(".")[1]
    if heads[kind] == others.get(kind):
        return name
    pool = POOLS.get(kind)
    if pool is None or not name.startswith(f"{pool}.dense."):
        return None
    for other, where in POOLS.items():
        if other in others and _pools_alike(heads[kind], others[other]):
            return name.replace(pool, where, 1)
    return None


def _source_in_encoder(name: str, model: Network, origin: TwoWay) -> str | None:
    for begin, encoder in encoders_of(config_of(model)).items():
        if name.startswith(f"{begin}encoder.") and can_begin(encoder, origin.config.encoder):
            return name.removeprefix(begin)
    return None


def _heads(model: Network) -> dict[str, HeadConfig]:
    config = model.config
    tops = config.heads_on_top if isinstance(config, EncoderConfig) else ()
    return {head.kind: head for head in tops}


def _pools_alike(one: HeadConfig, other: HeadConfig) -> bool:
    return (one.activation, one.pooling) == (other.activation, other.pooling)


def _layers(names: Iterable[str]) -> tuple[str, ...]:
    """The layers that weights of these names belong to, in order."""
    return tuple(sorted({name.rpartition(".")[0] or name for name in names}))
