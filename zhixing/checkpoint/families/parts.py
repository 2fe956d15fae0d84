"""What the maps of several families have in common."""

from collections.abc import Mapping

from zhixing.checkpoint.weights import Rule
from zhixing.core.errors import UnsupportedError

ACTIVATIONS: Mapping[str, str] = {
    "gelu": "gelu",
    "gelu_new": "gelu_tanh",
    "relu": "relu",
    "silu": "silu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "swish": "silu",
}
"""transformers' name of a function -> ours; of several names for one the first is written."""


def linear(
    ours: str, *theirs: str, rows: tuple[str, ...] = (), transposed: bool = False
) -> tuple[Rule, Rule]:
    """A linear layer with a bias, which may be several of theirs, stacked."""
    return (
        Rule(
            ours=f"{ours}.weight",
            theirs=tuple(f"{name}.weight" for name in theirs),
            rows=rows,
            transposed=transposed,
        ),
        Rule(ours=f"{ours}.bias", theirs=tuple(f"{name}.bias" for name in theirs), rows=rows),
    )


def norm(ours: str, theirs: str) -> tuple[Rule, Rule]:
    """A LayerNorm."""
    return linear(ours, theirs)


def read_activation(key: str, name: str, origin: str) -> str:
    """Our name of a function. Raises UnsupportedError for one that we do not have."""
    if name not in ACTIVATIONS:
        raise UnsupportedError(
            f"{origin}: {key} = {name!r} is not supported, only {', '.join(ACTIVATIONS)}"
        )
    return ACTIVATIONS[name]


def write_activation(name: str) -> str:
    """Their name of a function; one that they lack is returned as it is, and refused when read back."""
    return next((theirs for theirs, ours in ACTIVATIONS.items() if ours == name), name)
