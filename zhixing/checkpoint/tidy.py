"""The tensors of somebody else's folder, brought to the names that its family's map has.

Over the years the same weights were stored with and without a prefix, under older names, twice where two layers
share them, with tables that nothing reads, and with heads that the class named in config.json does not have.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from zhixing.checkpoint.family import Family
from zhixing.core.errors import CheckpointError


def tidied(
    family: Family, found: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """`found` under the expected names, as far as it can be told; what is left over is for the caller to refuse.

    Raises CheckpointError for a tensor that is stored twice and differs.
    """
    named = {
        full_name(family, name, expected): tensor
        for name, tensor in found.items()
        if name in expected or not name.endswith(family.buffers or ("\0",))
    }
    for twin, name in _twins(family, expected).items():
        _merge(named, twin, name)
    for name in family.zeros:
        if name in expected:
            named.setdefault(name, torch.zeros_like(expected[name]))
    heads = _names_of_heads(family) - set(expected)
    return {name: tensor for name, tensor in named.items() if name not in heads}


def without_constants(
    family: Family, found: Mapping[str, Tensor], buffers: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """`found` without tables that are computed here. Raises CheckpointError for one that is another."""
    for name, ours in family.constants.items():
        table = found.get(name)
        if table is not None and ours in buffers and not _is_near(table.float(), buffers[ours]):
            raise CheckpointError(f"{name} is not the table of sines and cosines of this family")
    constants = {name for name, ours in family.constants.items() if ours in buffers}
    return {name: tensor for name, tensor in found.items() if name not in constants}


def has(family: Family, found: Mapping[str, Tensor], name: str) -> bool:
    """Whether a folder has a tensor, under whichever of its names."""
    return any(full_name(family, other, {name: other}) == name for other in found)


def full_name(family: Family, name: str, expected: Mapping[str, object]) -> str:
    """The expected name of a tensor with an older one, or without the prefix of the family."""
    for old, new in family.aliases.items():
        if name.endswith(old):
            name = name.removesuffix(old) + new
    known = expected.keys() | family.twins.keys()
    return family.prefix + name if name not in known and family.prefix + name in known else name


def _twins(family: Family, expected: Mapping[str, Tensor]) -> dict[str, str]:
    """Second name -> name, among them the output layer where it is the embedding."""
    embed = next(rule.theirs[0] for rule in family.rules if rule.ours == "embed.weight")
    tied = {rule.theirs[0]: embed for rule in family.rules if rule.is_tied_head}
    return {twin: name for twin, name in {**family.twins, **tied}.items() if twin not in expected}


def _merge(named: dict[str, Tensor], twin: str, name: str) -> None:
    """Keep one of two copies, under its name."""
    if twin not in named:
        return
    other = named.pop(twin)
    if not torch.equal(named.setdefault(name, other), other):
        raise CheckpointError(
            f"{twin} differs from {name}, which is the same tensor in this model "
            "(tie_word_embeddings is true in config.json)"
        )


def _is_near(table: Tensor, ours: Tensor) -> bool:
    """Half precision rounds sines and cosines by 0.004 at most."""
    return table.shape == ours.shape and torch.allclose(table, ours, atol=4e-3)


def _names_of_heads(family: Family) -> set[str]:
    """Tensors of heads: a folder may hold those of a class that it is not, and transformers leaves them out too."""
    heads = {n for rule in family.rules if rule.ours.startswith("heads.") for n in rule.theirs}
    return heads if len(family.architectures) > 1 else set()
