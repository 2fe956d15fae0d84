"""A model as config.json and safetensors, without its tokenizer: a Hugging Face family's form, or our own.

Transformers has no class for an RNN or an n-gram, nor for a Transformer with settings of its own, so their
config.json says model_type "zhixing-lstm" and so on, and carries our configuration under the key `zhixing`; their
tensors keep our names. A mixture keeps its two models in the folders `neural` and `ngram`, each a model folder that
opens by itself, and only its gate in its own tensors.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from zhixing.checkpoint.families import FAMILIES
from zhixing.checkpoint.family import SPECIALS, Family, belongs, from_table, to_table
from zhixing.checkpoint.tensors import WEIGHTS, read_weights, write_tensors
from zhixing.checkpoint.tidy import has, tidied, without_constants
from zhixing.checkpoint.weights import Rule, check_names, check_shapes, expand, identity, translate
from zhixing.core.config import key_of
from zhixing.core.errors import CheckpointError, DataError, UnsupportedError
from zhixing.core.files import read_json, write_json
from zhixing.model.assembly import Network, build_network, config_of
from zhixing.model.config import EncoderDecoderConfig, MixtureConfig, NetworkConfig, NGramConfig
from zhixing.model.decoder import Decoder
from zhixing.model.mixture import Mixture
from zhixing.model.ngram import NGram
from zhixing.model.recurrent import Recurrent

CONFIG = "config.json"
GENERATION = "generation_config.json"
PREFIX = "zhixing-"
_OURS = frozenset({"model_type", "architectures", "vocab_size", "zhixing", *SPECIALS, "dtype"})


def model_kind(model: Network) -> str:
    """The kind that a model's configuration names: decoder, lstm, ngram and so on."""
    return config_of(model).kind


def is_shared(model: Network, specials: Mapping[str, int]) -> bool:
    """Whether transformers opens the folder too."""
    return family_of(config_of(model), specials) is not None


def write_model(folder: Path, model: Network, specials: Mapping[str, int]) -> dict[str, Any]:
    """Write config.json and model.safetensors. `specials` are the keys bos_token_id, eos_token_id, pad_token_id.

    Returns what generation_config.json has to repeat.
    """
    config = config_of(model)
    family = family_of(config, specials)
    write_tensors(folder / WEIGHTS, tensors_of(model, specials))
    table = _table(family, config, model.vocab) | {"dtype": _dtype(model), **specials}
    write_json(folder / CONFIG, table)
    repeated = () if family is None else family.from_generation
    return {key: table[key] for key in repeated if key in table}


def tensors_of(model: Network, specials: Mapping[str, int] | None = None) -> dict[str, Tensor]:
    """The tensors of a model as its folder names them."""
    config, tensors = config_of(model), _own_tensors(model)
    rules, rows = _map(family_of(config, specials or {}), config, tensors)
    return _to_file(tensors, rules, rows)


def rules_of(model: Network, specials: Mapping[str, int]) -> tuple[list[Rule], Mapping[str, int]]:
    """The map of a model's weights to its folder's, and the sizes that it names."""
    config = config_of(model)
    return _map(family_of(config, specials), config, _own_tensors(model))


def read_model(folder: Path, *, allow_pickle: bool = False) -> Network:
    """The model of a folder, in float32 and ready for inference (`eval`).

    Raises CheckpointError for weights that do not fit config.json, UnsupportedError for what we cannot compute.
    """
    table = read_config(folder)
    check_is_supported(table, f"{folder / CONFIG}")
    found = read_weights(folder, allow_pickle=allow_pickle)
    family, config, vocab = _parse(table, folder, found)
    model = _assemble(config, vocab, folder)
    try:
        _load(model, family, found)
    except CheckpointError as error:
        raise CheckpointError(f"{folder}: {error}") from error
    return model.eval()


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a folder as a table. Raises CheckpointError."""
    try:
        table = read_json(folder / CONFIG)
    except DataError as error:
        raise CheckpointError(str(error)) from error
    if not isinstance(table, dict):
        raise CheckpointError(f"{folder / CONFIG} must be a table of settings, not {type(table)}")
    return table


def components(model: Network) -> dict[str, Network]:
    """The models that a model is mixed of, by the name of their folder; most have none."""
    return {"neural": model.neural, "ngram": model.ngram} if isinstance(model, Mixture) else {}


def _assemble(config: NetworkConfig, vocab: int, folder: Path) -> Network:
    """A model whose own tensors are still to be loaded."""
    if not isinstance(config, MixtureConfig):
        with torch.random.fork_rng(devices=[]):  # random weights are made and overwritten
            return build_network(config, vocab)
    neural, ngram = read_model(folder / "neural"), read_model(folder / "ngram")
    for part, expected in ((neural, config.neural), (ngram, config.ngram)):
        if config_of(part) != expected or part.vocab != vocab:
            raise CheckpointError(
                f"{folder}: the {expected.kind} inside is not the one this mixture was fitted with"
            )
    with torch.random.fork_rng(devices=[]):
        return Mixture(config, cast(Decoder | Recurrent, neural), cast(NGram, ngram))


def _own_tensors(model: Network) -> dict[str, Tensor]:
    """The tensors that are not a component's."""
    names = components(model)
    return {k: v for k, v in model.state_dict().items() if k.split(".")[0] not in names}


def _load(model: Network, family: Family | None, found: dict[str, Tensor]) -> None:
    config, ours = config_of(model), _own_tensors(model)
    rules, rows = _map(family, config, ours)
    expected = _to_file(ours, rules, rows)
    if family is not None:
        found = without_constants(family, found, dict(model.named_buffers()))
        found = tidied(family, found, expected)
    check_names(found, list(expected))
    if not isinstance(config, NGramConfig):  # the sizes of its tables depend on the text counted
        check_shapes(found, expected)
    loaded = translate(found, rules, rows=rows, direction="import")
    # Names are checked above; missing are those of components, loaded before, and second names of one tensor.
    model.load_state_dict(loaded, strict=False)
    filled = {ours[name].data_ptr() for name in loaded}
    left = [name for name, w in ours.items() if name not in loaded and w.data_ptr() not in filled]
    assert not left, f"no rule fills {left}"


def head_fields(config: NetworkConfig, kind: str) -> Mapping[str, Any]:
    """The fields that a new head of this kind has in the family whose shape a model has."""
    shape = getattr(config, "shape", "")
    family = next((family for family in FAMILIES if family.shape == shape), None)
    return {} if family is None else family.head_fields.get(kind, {})


def check_is_supported(table: Mapping[str, Any], origin: str) -> None:
    """Raise UnsupportedError unless a config.json is of a model type that we know, and runs no code."""
    if "auto_map" in table:
        raise UnsupportedError(
            f"{origin}: auto_map asks to run Python code that lies in the folder; only built-in models are opened"
        )
    kind, names = table.get("model_type"), {family.model_type for family in FAMILIES}
    if kind not in names and not f"{kind}".startswith(PREFIX):
        raise UnsupportedError(
            f"{origin}: model_type = {kind!r} cannot be opened; supported are {', '.join(sorted(names))} and our own "
            f"{PREFIX}… folders"
        )


def _parse(
    table: Mapping[str, Any], folder: Path, found: Mapping[str, Tensor]
) -> tuple[Family | None, NetworkConfig, int]:
    origin = f"{folder / CONFIG}"
    families = [family for family in FAMILIES if family.model_type == table["model_type"]]
    vocab = table.get("vocab_size")
    if not isinstance(vocab, int) or vocab < 1:
        raise CheckpointError(f"{origin}: vocab_size = {vocab!r} must be a positive number")
    if not families:
        return None, _parse_ours(table, origin), vocab
    extra = _generation(folder, families[0])
    full = {**extra, **{key: value for key, value in table.items() if value is not None}}
    return *_first_that_reads(families, full, origin, found), vocab


def _generation(folder: Path, family: Family) -> dict[str, Any]:
    """Settings of generation that are part of the model here."""
    if not family.from_generation or not (folder / GENERATION).is_file():
        return {}
    try:
        table = read_json(folder / GENERATION)
    except DataError as error:
        raise CheckpointError(str(error)) from error
    return {key: table[key] for key in family.from_generation if key in table}


def _first_that_reads(
    families: list[Family], table: Mapping[str, Any], origin: str, found: Mapping[str, Tensor]
) -> tuple[Family, NetworkConfig]:
    """The first family that reads a config.json without refusing it; else what the last one says against it."""
    *others, last = families
    for family in others:
        try:
            return family, from_table(family, table, origin, partial(has, family, found))
        except UnsupportedError:
            continue
    return last, from_table(last, table, origin, partial(has, last, found))


def _parse_ours(table: Mapping[str, Any], origin: str) -> NetworkConfig:
    unknown = sorted(set(table) - _OURS)
    if unknown:
        raise UnsupportedError(f"{origin}: unknown settings {', '.join(unknown)}")
    try:
        config = TypeAdapter[NetworkConfig](NetworkConfig).validate_python(table.get("zhixing"))
    except ValidationError as error:
        lines = [f"zhixing.{key_of(fault)}: {fault['msg']}" for fault in error.errors()]
        raise UnsupportedError(f"{origin}: {'; '.join(lines)}") from error
    if table["model_type"] != PREFIX + config.kind:
        raise CheckpointError(
            f"{origin}: model_type = {table['model_type']!r} but zhixing.kind = {config.kind!r}"
        )
    return config


def family_of(config: NetworkConfig, specials: Mapping[str, int]) -> Family | None:
    """The family that a configuration can be written as; None: our own form is needed."""
    return next((family for family in FAMILIES if belongs(family, config, specials)), None)


def _table(family: Family | None, config: NetworkConfig, vocab: int) -> dict[str, Any]:
    if family is not None:
        return to_table(family, config, vocab)
    return {
        "model_type": PREFIX + config.kind,
        "architectures": ["Zhixing" + config.kind.capitalize()],
        "vocab_size": vocab,
        "zhixing": config.model_dump(mode="json"),
    }


def _map(
    family: Family | None, config: NetworkConfig, tensors: Mapping[str, Tensor]
) -> tuple[list[Rule], Mapping[str, int]]:
    if family is None:
        return identity(_once(tensors)), {}
    layers = max(getattr(half, "layers", 0) for half in _halves(config))
    experts = getattr(config, "experts", 0)
    rules = expand(family.rules, layers=layers, experts=experts, tied=_is_tied(config))
    return [rule for rule in rules if rule.ours in tensors], family.rows(config)


def _once(tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """The names of tensors, of those that share their numbers (tied weights) only the first."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.numel() == 0 or tensor.data_ptr() not in seen:
            yield name
        seen.add(tensor.data_ptr())


def _halves(config: NetworkConfig) -> tuple[Any, ...]:
    return (
        (config.encoder, config.decoder) if isinstance(config, EncoderDecoderConfig) else (config,)
    )


def _to_file(
    tensors: Mapping[str, Tensor], rules: list[Rule], rows: Mapping[str, int]
) -> dict[str, Tensor]:
    ours = {rule.ours: tensors[rule.ours] for rule in rules}
    return translate(ours, rules, rows=rows, direction="export")


def _is_tied(config: NetworkConfig) -> bool:
    """Whether the output layer is the embedding; that of an encoder's masked head always is."""
    return bool(getattr(config, "tied", config.kind == "encoder"))


def _dtype(model: Network) -> str:
    floats = [p.dtype for p in model.parameters() if p.is_floating_point()]
    return str(floats[0] if floats else torch.float32).removeprefix("torch.")
