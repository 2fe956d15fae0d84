"""Moving weights between our names and another library's: the map is data, one function applies it both ways.

    ours    blocks.0.attention.qkv.weight        [ query rows | key rows | value rows ]
    theirs  …q_proj.weight, …k_proj.weight, …v_proj.weight

A rule says that the tensors on one side, stacked along their rows, are the tensors on the other side, stacked.
`{layer}` stands for every block. A rule for a head that shares the embedding's matrix is left out when tied.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from zhixing.core.errors import CheckpointError

Direction = Literal["export", "import"]
"""From ours to theirs, or back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """`ours`, one tensor, is `theirs` stacked; `rows` names the size of each of theirs when there are several."""

    ours: str
    theirs: tuple[str, ...]
    rows: tuple[str, ...] = ()
    is_tied_head: bool = False
    """Another name for the embedding when the model is tied: then not in the file."""


def expand(rules: Iterable[Rule], *, layers: int, tied: bool) -> list[Rule]:
    """One rule per tensor of a model of so many layers."""
    return [concrete for rule in rules for concrete in _per_layer(rule, layers, tied)]


def identity(names: Iterable[str]) -> list[Rule]:
    """The map that changes nothing, for models that no other library knows."""
    return [Rule(ours=name, theirs=(name,)) for name in names]


def translate(
    tensors: Mapping[str, Tensor],
    rules: Sequence[Rule],
    *,
    rows: Mapping[str, int],
    direction: Direction,
) -> dict[str, Tensor]:
    """Rename, stack and split. `rows` gives the sizes that the rules name.

    Raises CheckpointError naming every tensor that is missing or not known.
    """
    pairs = [(rule, *_sides(rule, direction)) for rule in rules]
    _check_names(tensors, [name for _, source, _ in pairs for name in source])
    moved: dict[str, Tensor] = {}
    for rule, source, target in pairs:
        stacked = tensors[source[0]]
        if len(source) > 1:
            stacked = torch.cat([tensors[name] for name in source])
        moved |= zip(
            target, _parts(stacked, [rows[name] for name in rule.rows], target), strict=True
        )
    return moved


def check_shapes(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], origin: str) -> None:
    """Raise CheckpointError unless names, shapes and kinds of number are as expected."""
    try:
        _check_names(found, list(expected))
    except CheckpointError as error:
        raise CheckpointError(f"{origin}: {error}") from error
    for name, tensor in found.items():
        want = expected[name]
        if tensor.shape != want.shape:
            raise CheckpointError(
                f"{origin}: {name} has the shape {tuple(tensor.shape)}; config.json asks for {tuple(want.shape)}"
            )
        if tensor.dtype != want.dtype and not (
            tensor.is_floating_point() and want.is_floating_point()
        ):
            raise CheckpointError(
                f"{origin}: {name} holds {tensor.dtype}; {want.dtype} is needed (quantised weights cannot be read)"
            )


def _per_layer(rule: Rule, layers: int, tied: bool) -> Iterator[Rule]:
    if rule.is_tied_head and tied:
        return
    if "{layer}" not in rule.ours:
        yield rule
        return
    for layer in range(layers):
        theirs = tuple(name.format(layer=layer) for name in rule.theirs)
        yield Rule(ours=rule.ours.format(layer=layer), theirs=theirs, rows=rule.rows)


def _parts(stacked: Tensor, sizes: list[int], target: Sequence[str]) -> Sequence[Tensor]:
    return torch.split(stacked, sizes) if len(target) > 1 else (stacked,)


def _sides(rule: Rule, direction: Direction) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if direction == "export":
        return (rule.ours,), rule.theirs
    return rule.theirs, (rule.ours,)


def _check_names(found: Mapping[str, Tensor], expected: Sequence[str]) -> None:
    missing = [name for name in expected if name not in found]
    extra = sorted(set(found) - set(expected))
    faults = [
        f"{len(names)} tensors are {word}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
        for names, word in ((missing, "missing"), (extra, "not part of this model"))
        if names
    ]
    if faults:
        raise CheckpointError("; ".join(faults))
