"""Moving weights between our names and another library's: the map is data, one function applies it both ways.

    ours    blocks.0.attention.qkv.weight        [ query rows | key rows | value rows ]
    theirs  …q_proj.weight, …k_proj.weight, …v_proj.weight

A rule says that the tensors on one side, stacked along their rows, are the tensors on the other side, stacked.
`{layer}` stands for every block and `{expert}` for every expert, whose tensors follow one another in the stack. A
rule whose tensor the model does not have is left out: a head that it lacks, an output layer that is the embedding.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    transposed: bool = False
    """Theirs has rows and columns the other way round."""
    is_row: bool = False
    """Theirs is a matrix of one row, ours a vector."""


def expand(rules: Iterable[Rule], *, layers: int, experts: int, tied: bool) -> list[Rule]:
    """One rule per tensor of a model of so many layers, and experts in each."""
    return [concrete for rule in rules for concrete in _per_layer(rule, layers, experts, tied)]


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
    check_names(tensors, [name for _, source, _ in pairs for name in source])
    moved: dict[str, Tensor] = {}
    for rule, source, target in pairs:
        turn = _turn(rule, direction)
        if direction == "import":
            moved[rule.ours] = _stack([turn(tensors[name]) for name in source])
        else:
            parts = _parts(tensors[rule.ours], [rows[name] for name in rule.rows], target)
            moved |= zip(target, map(turn, parts), strict=True)
    return moved


def check_names(found: Mapping[str, Tensor], expected: Sequence[str]) -> None:
    """Raise CheckpointError naming the tensors that are missing, and those that are too many."""
    missing = [name for name in expected if name not in found]
    extra = sorted(set(found) - set(expected))
    faults = [
        f"{len(names)} tensors are {word}: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
        for names, word in ((missing, "missing"), (extra, "not part of this model"))
        if names
    ]
    if faults:
        raise CheckpointError("; ".join(faults))


def check_shapes(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError unless tensors of the same names have the expected shapes and kinds of number."""
    for name, tensor in found.items():
        want = expected[name]
        if tensor.shape != want.shape:
            raise CheckpointError(
                f"{name} has the shape {tuple(tensor.shape)}; config.json asks for {tuple(want.shape)}"
            )
        if tensor.dtype != want.dtype and not (
            tensor.is_floating_point() and want.is_floating_point()
        ):
            raise CheckpointError(
                f"{name} holds {tensor.dtype}; {want.dtype} is needed (quantised weights cannot be read)"
            )


def _per_layer(rule: Rule, layers: int, experts: int, tied: bool) -> Iterator[Rule]:
    if rule.is_tied_head and tied:
        return
    if "{layer}" not in rule.ours:
        yield rule
        return
    for layer in range(layers):
        names = [name.replace("{layer}", str(layer)) for name in rule.theirs]
        copies = range(experts) if any("{expert}" in name for name in names) else range(1)
        yield replace(
            rule,
            ours=rule.ours.format(layer=layer),
            theirs=tuple(name.replace("{expert}", str(e)) for e in copies for name in names),
            rows=rule.rows * len(copies),
        )


def _stack(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts) if len(parts) > 1 else parts[0]


def _turn(rule: Rule, direction: Direction) -> Callable[[Tensor], Tensor]:
    if rule.transposed:
        return lambda tensor: tensor.T.contiguous()
    if rule.is_row:
        return lambda tensor: tensor.unsqueeze(0) if direction == "export" else tensor.squeeze(0)
    return lambda tensor: tensor


def _parts(stacked: Tensor, sizes: list[int], target: Sequence[str]) -> Sequence[Tensor]:
    return torch.split(stacked, sizes) if len(target) > 1 else (stacked,)


def _sides(rule: Rule, direction: Direction) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if direction == "export":
        return (rule.ours,), rule.theirs
    return rule.theirs, (rule.ours,)
