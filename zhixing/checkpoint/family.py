"""A family of Hugging Face folders as data: its configuration and its weights, translated both ways.

Of a foreign config.json every key is accounted for: it means the same as a field of ours (`same`), it must have a
value under which their model is ours (`fixed`), it is translated by a function (`read`, `write`), or it has no
effect on the output (`no_effect`). Any other key is refused by its name: guessing would change the model silently.

A configuration of ours belongs to a family exactly when writing it and reading it back gives the same again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from zhixing.checkpoint.labels import label_fields, label_keys
from zhixing.checkpoint.weights import Rule
from zhixing.core.config import Config, key_of
from zhixing.core.errors import CheckpointError, UnsupportedError

Table = Mapping[str, Any]
HasTensor = Callable[[str], bool]
"""Whether the weights that go with a config.json have a tensor of this name."""

SPECIALS = ("bos_token_id", "eos_token_id", "pad_token_id")
"""Keys of a config.json that name special tokens."""

COMMON = frozenset(
    {
        *SPECIALS,
        *("model_type", "architectures", "vocab_size", "zhixing_dropout"),
        *("initializer_range", "use_cache", "dtype", "torch_dtype", "transformers_version"),
        *("_name_or_path", "output_attentions", "output_hidden_states", "return_dict"),
        *("chunk_size_feed_forward", "problem_type", "tf_legacy_loss", "gradient_checkpointing"),
        *(
            "id2label",
            "label2id",
            "num_labels",
            "_num_labels",
            "task_specific_params",
            "finetuning_task",
        ),
    }
)
"""Keys of every family that are read elsewhere, or are about training, saving and calling."""

COMMON_FIXED: Mapping[str, tuple[Any, ...]] = {
    "pruned_heads": ({}, None),
    "is_decoder": (False,),
    "torchscript": (False,),
}
"""Keys that must have one of these values where they appear; they are not written."""


def _no_keys(source: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """One model_type of transformers, or the part of it that is one shape of ours."""

    model_type: str
    shape: str
    """The shape of ours that it is (model/shapes.py)."""
    config: type[Config]
    """The class of our configuration."""
    architectures: Mapping[str, tuple[str, ...]]
    """Their class -> the kinds of heads that it has on top, in the order of HeadKind."""
    optional_heads: Mapping[str, str] = field(default_factory=dict)
    """Kind of head that a class may lack -> the tensor that tells."""
    head_fields: Mapping[str, Table] = field(default_factory=dict)
    """Kind of head -> the fields that it has in this family."""
    same: Mapping[str, str | tuple[str, ...]]
    """Their key -> our field, or fields, with dots; they mean the same."""
    defaults: Callable[[Table], Table] = _no_keys
    """config.json -> values of keys that it may leave out."""
    fixed: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Their key -> the values under which their model is ours; the first is written."""
    tolerated: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """The same for keys that are not written."""
    no_effect: frozenset[str] = frozenset()
    """Keys that `read` reads, and keys that do not change the output of the model."""
    read: Callable[[Table, str], dict[str, Any]]
    """(config.json, where it is) -> fields of ours that are more than a renamed key."""
    write: Callable[[Any], dict[str, Any]] = _no_keys
    """Our configuration -> their keys for those fields."""
    rules: tuple[Rule, ...]
    """The map of the weights."""
    rows: Callable[[Any], Mapping[str, int]]
    """Our configuration -> the sizes that the rules name."""
    prefix: str = ""
    """What some folders leave out before the names of weights that are not a head's."""
    buffers: tuple[str, ...] = ()
    """Ends of names of tensors that older folders hold and nothing reads."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """End of a name in older folders -> what it is now."""
    twins: Mapping[str, str] = field(default_factory=dict)
    """Another name of a tensor that some folders store twice -> its name in the rules."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Tensor that a folder may hold though it is computed -> our buffer, which it must equal."""
    untied_by: str = ""
    """The tensor with which the output layer is not the embedding, where no setting says it."""
    zeros: tuple[str, ...] = ()
    """Tensors that a folder may leave out: then they are zeros."""
    from_generation: tuple[str, ...] = ()
    """Keys that may stand in generation_config.json instead of config.json."""


def to_table(family: Family, config: Any, vocab: int) -> dict[str, Any]:
    """The config.json of a model, without its special tokens."""
    return {
        "architectures": [architecture(family, config)],
        "model_type": family.model_type,
        "vocab_size": vocab,
        **{theirs: _value(config, _paths(ours)[0]) for theirs, ours in family.same.items()},
        **{key: values[0] for key, values in family.fixed.items()},
        **label_keys(getattr(config, "heads_on_top", ())),
        "initializer_range": 0.02,
        "use_cache": True,
        **family.write(config),
    }


def from_table(family: Family, table: Table, origin: str, has_tensor: HasTensor) -> Any:
    """Our configuration of a config.json. Raises UnsupportedError naming the key we cannot honour."""
    _check_keys(family, table, origin)
    full = {**family.defaults(table), **{k: v for k, v in table.items() if v is not None}}
    missing = [key for key in ("vocab_size", *family.same) if key not in full]
    if missing:
        raise CheckpointError(f"{origin} lacks {', '.join(missing)}")
    flat = {path: full[theirs] for theirs, ours in family.same.items() for path in _paths(ours)}
    flat |= family.read(full, origin)
    if "shape" in family.config.model_fields:
        flat["shape"] = family.shape
    if family.untied_by:
        flat["tied"] = not has_tensor(family.untied_by)
    if "heads_on_top" in family.config.model_fields:
        flat["heads_on_top"] = _heads(family, full, origin, has_tensor)
    try:
        return family.config.model_validate(_nested(flat))
    except ValidationError as error:
        lines = [_describe(family, key_of(fault), fault["msg"]) for fault in error.errors()]
        raise UnsupportedError(f"{origin}: {'; '.join(lines)}") from error


def belongs(family: Family, config: Config, specials: Mapping[str, int]) -> bool:
    """Whether a configuration can be written as this family without a loss, with these special tokens."""
    if type(config) is not family.config or _architecture(family, config) is None:
        return False
    kinds = kinds_of(config)
    tells = {tensor for kind, tensor in family.optional_heads.items() if kind in kinds}
    if not getattr(config, "tied", True):
        tells.add(family.untied_by)
    try:
        table = to_table(family, config, 1)
        back = from_table(family, table, "here", lambda name: name in tells)
    except (UnsupportedError, CheckpointError):
        return False
    return bool(back == config) and all(table.get(key, v) == v for key, v in specials.items())


def architecture(family: Family, config: Any) -> str:
    """Their class for a configuration, by the heads on top of it."""
    found = _architecture(family, config)
    assert found is not None, f"{family.model_type} has no class with these heads"
    return found


def kinds_of(config: Any) -> tuple[str, ...]:
    """The kinds of heads on top of a model."""
    return tuple(head.kind for head in getattr(config, "heads_on_top", ()))


def _heads(
    family: Family, table: Table, origin: str, has_tensor: HasTensor
) -> list[dict[str, Any]]:
    tells = family.optional_heads
    kinds = _kinds(family, table, origin)
    return [
        {"kind": kind, **family.head_fields.get(kind, {}), **label_fields(kind, table, origin)}
        for kind in kinds
        if kind not in tells or has_tensor(tells[kind])
    ]


def _kinds(family: Family, table: Table, origin: str) -> tuple[str, ...]:
    (name, *_) = table.get("architectures") or [next(iter(family.architectures))]
    if name not in family.architectures:
        raise UnsupportedError(
            f"{origin}: architectures = {name!r} is not supported, only {', '.join(family.architectures)}"
        )
    return family.architectures[name]


def _architecture(family: Family, config: Any) -> str | None:
    kinds = kinds_of(config)
    for name, heads in family.architectures.items():
        if kinds in (heads, tuple(kind for kind in heads if kind not in family.optional_heads)):
            return name
    return None


def _check_keys(family: Family, table: Table, origin: str) -> None:
    fixed = {**COMMON_FIXED, **family.tolerated, **family.fixed}
    for key, value in table.items():
        if key in fixed and value not in fixed[key]:
            allowed = " or ".join(repr(option) for option in fixed[key])
            raise UnsupportedError(
                f"{origin}: {key} = {value!r} is not supported, only {allowed}; "
                "this model would compute something else here than where it was made"
            )
        if key not in fixed and key not in family.same and key not in family.no_effect | COMMON:
            raise UnsupportedError(
                f"{origin}: the setting {key} = {value!r} is not known to Zhixing, and guessing that it has no "
                "effect could change the model's output; remove it if you are sure that it has none"
            )
    _kinds(family, table, origin)


def _describe(family: Family, ours: str, message: str) -> str:
    """A fault of one of our fields, under the name it has in their file."""
    theirs = {path: key for key, names in family.same.items() for path in _paths(names)}
    return f"{theirs.get(ours, ours)}: {message}" if ours else message.removeprefix("Value error, ")


def _paths(ours: str | tuple[str, ...]) -> tuple[str, ...]:
    return (ours,) if isinstance(ours, str) else ours


def _value(config: Any, path: str) -> Any:
    for name in path.split("."):
        config = getattr(config, name)
    return config


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Fields with a dot in a table of their own."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        table, _, name = path.rpartition(".")
        (nested.setdefault(table, {}) if table else nested)[name] = value
    return nested
