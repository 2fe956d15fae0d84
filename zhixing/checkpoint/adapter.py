"""The folder of an adapter: what was learnt beside a model, in peft's format, and which model it belongs to.

    adapter_config.json  adapter_model.safetensors    as peft (Mangrulkar et al. 2022) writes and reads them
    base.json                                         where the model is, its hash, and what stands on top of it now
    tokenizer.json …  README.md  manifest.json        as in every model folder

peft knows a layer by transformers' name. Where a layer of ours is several of theirs (q, k and v), each gets the A that
they share and its rows of B. A head that was learnt is stored whole, as peft's `modules_to_save`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from zhixing.checkpoint.manifest import model_hash
from zhixing.checkpoint.model_files import is_shared, model_kind, read_model, rules_of
from zhixing.checkpoint.tensors import read_tensors, write_tensors
from zhixing.checkpoint.weights import Rule, check_names, check_shapes, translate
from zhixing.core.errors import CheckpointError, DataError
from zhixing.core.files import read_json, write_json
from zhixing.model.adapter import AdaptedLinear, adapters_of, add_adapters
from zhixing.model.adapter_config import AdapterConfig
from zhixing.model.assembly import Network, build_network, config_of
from zhixing.model.config import NetworkConfig

SETTINGS, TENSORS, BASE = "adapter_config.json", "adapter_model.safetensors", "base.json"
FILES = (SETTINGS, TENSORS, BASE)
_PREFIX = "base_model.model."
LEARNT_HEADS = ("heads.classify.", "heads.tag.", "heads.span.")
"""Heads that are learnt and stored with an adapter, by how the names of their weights begin; others are the base's."""
_TASKS = {
    "decoder": "CAUSAL_LM",
    "encoder-decoder": "SEQ_2_SEQ_LM",
}
"""Our kind -> peft's word for the class around the model; an encoder's heads need none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """The model folder that an adapter belongs to, by its path and the hash of what it computes."""

    folder: str
    hash: str


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds an adapter instead of a model."""
    return (folder / SETTINGS).is_file()


def write_adapter(folder: Path, model: Network, base: Base, specials: Mapping[str, int]) -> None:
    """Write the three files of an adapter; `specials` as in write_model."""
    layers = adapters_of(model)
    assert layers, "there is something to write"
    config = next(iter(layers.values())).config
    stored = {_PREFIX + name: tensor for name, tensor in _stored(model, specials).items()}
    write_tensors(folder / TENSORS, stored)
    write_json(folder / SETTINGS, _settings(model, base, config, specials))
    parts = {"model": config_of(model), "adapter": config}
    tables = {name: part.model_dump(mode="json") for name, part in parts.items()}
    write_json(folder / BASE, {**asdict(base), **tables})


def read_base(folder: Path) -> Base:
    """The model that the adapter in `folder` belongs to. Raises CheckpointError for an adapter made elsewhere."""
    table = _table(folder)
    return Base(folder=table["folder"], hash=table["hash"])


def read_adapter(folder: Path, specials: Mapping[str, int], base: Path | None = None) -> Network:
    """The base with its adapter, ready for inference (`eval`). `base`: where it is now, if it was moved.

    Raises CheckpointError when the base is not there, is not the one of the adapter, or the files do not fit it.
    """
    table = _table(folder)
    place = base or Path(table["folder"])
    _check_base(folder, place, table["hash"])
    try:
        config: NetworkConfig = TypeAdapter[Any](NetworkConfig).validate_python(table["model"])
        adapter = AdapterConfig.model_validate(table["adapter"])
    except ValidationError as error:
        raise CheckpointError(f"{folder / BASE}: {error.errors()[0]['msg']}") from error
    whole = read_model(place)
    with torch.random.fork_rng(devices=[]):  # random weights are made and overwritten
        model = build_network(config, whole.vocab)
        _take_body(model, whole)
        add_adapters(model, adapter)
    try:
        _load(model, _read_stored(folder), specials)
    except CheckpointError as error:
        raise CheckpointError(f"{folder / TENSORS}: {error}") from error
    return model.eval()


def _check_base(folder: Path, place: Path, expected: str) -> None:
    way_out = f"put it back, or write a whole model with: zhixing adapter merge {folder} OUT --base FOLDER"
    if not place.is_dir():
        raise CheckpointError(
            f"{folder} is an adapter of the model in {place}, and there is no such folder; {way_out}"
        )
    found = model_hash(place)
    if found != expected:
        raise CheckpointError(
            f"{folder} is an adapter of another model than the one in {place}: its SHA-256 is {found[:12]}… and that of "
            f"the model it was trained on {expected[:12]}…; {way_out}"
        )


def _take_body(model: Network, whole: Network) -> None:
    """Everything but the heads that are stored with the adapter."""
    wanted = [name for name in model.state_dict() if not name.startswith(LEARNT_HEADS)]
    found = whole.state_dict()
    left = [name for name in wanted if name not in found]
    if left:
        raise CheckpointError(f"the model of this adapter has no {', '.join(left[:3])}")
    model.load_state_dict({name: found[name] for name in wanted}, strict=False)


def _stored(model: Network, specials: Mapping[str, int]) -> dict[str, Tensor]:
    """The learnt heads and the adapters of a model, under transformers' names."""
    layers, ours = adapters_of(model), model.state_dict()
    rules, rows = rules_of(model, specials)
    heads = _head_rules(rules)
    learnt = {rule.ours: ours[rule.ours] for rule in heads}
    stored = translate(learnt, heads, rows=rows, direction="export")
    for rule in _adapted_rules(layers, rules):
        stored |= _split(layers[_layer(rule.ours)], rule, [rows[name] for name in rule.rows])
    return stored


def _load(model: Network, found: Mapping[str, Tensor], specials: Mapping[str, int]) -> None:
    """The way back. Raises CheckpointError for tensors that are not those that `_stored` would give."""
    expected = _stored(model, specials)
    check_names(found, list(expected))
    check_shapes(found, expected)
    layers = adapters_of(model)
    rules, rows = rules_of(model, specials)
    heads = _head_rules(rules)
    learnt = {name: found[name] for rule in heads for name in rule.theirs}
    loaded = translate(learnt, heads, rows=rows, direction="import")
    for rule in _adapted_rules(layers, rules):
        loaded |= _joined(_layer(rule.ours), layers[_layer(rule.ours)], rule, found)
    model.load_state_dict(loaded, strict=False)  # the names were checked above


def _split(layer: AdaptedLinear, rule: Rule, sizes: list[int]) -> dict[str, Tensor]:
    """The adapter of a layer of ours as one for each layer of theirs."""
    sizes = sizes if len(rule.theirs) > 1 else [layer.out_features]
    made: dict[str, Tensor] = {}
    rows = torch.split(layer.adapter_b, sizes)
    lengths = torch.split(layer.magnitude, sizes) if layer.config.kind == "dora" else ()
    for number, name in enumerate(map(_layer, rule.theirs)):
        made[f"{name}.lora_A.weight"] = layer.adapter_a.detach().clone()  # a file has no views
        made[f"{name}.lora_B.weight"] = rows[number]
        if lengths:
            made[f"{name}.lora_magnitude_vector"] = lengths[number]
    return made


def _joined(
    name: str, layer: AdaptedLinear, rule: Rule, found: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """The way back. Raises CheckpointError where the parts of a layer have an A each."""
    theirs = [_layer(each) for each in rule.theirs]
    first, *others = (found[f"{each}.lora_A.weight"] for each in theirs)
    if not all(torch.equal(first, other) for other in others):
        raise CheckpointError(
            f"{', '.join(theirs)} have each a lora_A of their own; here they share one. Merge the adapter with peft "
            "(merge_and_unload) and import the whole model"
        )
    made = {
        f"{name}.adapter_a": first,
        f"{name}.adapter_b": torch.cat([found[f"{each}.lora_B.weight"] for each in theirs]),
    }
    if layer.config.kind == "dora":
        lengths = [found[f"{each}.lora_magnitude_vector"] for each in theirs]
        made[f"{name}.magnitude"] = torch.cat(lengths)
    return made


def _settings(
    model: Network, base: Base, config: AdapterConfig, specials: Mapping[str, int]
) -> dict[str, Any]:
    """The adapter_config.json that peft reads."""
    rules, _ = rules_of(model, specials)
    adapted = list(_adapted_rules(adapters_of(model), rules))
    heads = [_layer(name) for rule in _head_rules(rules) for name in rule.theirs]
    return {
        "peft_type": "LORA",
        "task_type": _TASKS.get(model_kind(model)) if is_shared(model, specials) else None,
        "base_model_name_or_path": base.folder,
        "r": config.rank,
        "lora_alpha": config.alpha,
        "lora_dropout": config.dropout,
        "use_dora": config.kind == "dora",
        "target_modules": [_layer(name) for rule in adapted for name in rule.theirs],
        "modules_to_save": [*dict.fromkeys(heads)] or None,
        "fan_in_fan_out": any(rule.transposed for rule in adapted),
        "bias": "none",
        "inference_mode": True,
    }


def _adapted_rules(layers: Mapping[str, AdaptedLinear], rules: list[Rule]) -> Iterator[Rule]:
    return (rule for rule in rules if rule.ours.endswith(".weight") and _layer(rule.ours) in layers)


def _head_rules(rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule.ours.startswith(LEARNT_HEADS)]


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _read_stored(folder: Path) -> dict[str, Tensor]:
    found = read_tensors(folder / TENSORS)
    return {name.removeprefix(_PREFIX): tensor for name, tensor in found.items()}


def _table(folder: Path) -> dict[str, Any]:
    if not (folder / BASE).is_file():
        raise CheckpointError(
            f"{folder} is an adapter made elsewhere (it has no {BASE}); merge it with peft (merge_and_unload) and open "
            "the whole model"
        )
    try:
        table = read_json(folder / BASE)
    except DataError as error:
        raise CheckpointError(str(error)) from error
    if not isinstance(table, dict) or table.keys() < {"folder", "hash", "model", "adapter"}:
        raise CheckpointError(f"{folder / BASE} must have the keys folder, hash, model, adapter")
    return table
