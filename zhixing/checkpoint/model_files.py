"""A model as config.json and safetensors, without its tokenizer: Qwen3's form for the decoder, our own for the rest.

Transformers has no class for an RNN or an n-gram, so their config.json says model_type "zhixing-lstm" and so on,
and carries our configuration under the key `zhixing`; their tensors keep our names.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from zhixing.checkpoint import qwen3
from zhixing.checkpoint.tensors import INDEX, WEIGHTS, read_weights, write_tensors
from zhixing.checkpoint.weights import Rule, check_shapes, expand, identity, translate
from zhixing.core.errors import CheckpointError, DataError, UnsupportedError
from zhixing.core.files import read_json, write_json
from zhixing.model.assembly import build_model
from zhixing.model.config import DecoderConfig, ModelConfig
from zhixing.model.protocol import LanguageModel

CONFIG = "config.json"
PREFIX = "zhixing-"
_OURS = frozenset(
    {"model_type", "architectures", "vocab_size", "zhixing", *qwen3.SPECIALS, "dtype"}
)


def model_kind(model: LanguageModel) -> str:
    """The kind that a model's configuration names: decoder, lstm, ngram and so on."""
    return str(_config(model).kind)


def write_model(folder: Path, model: LanguageModel, specials: Mapping[str, int]) -> None:
    """Write config.json and model.safetensors. `specials` are the keys bos_token_id, eos_token_id, pad_token_id."""
    config = _config(model)
    tensors = model.state_dict()
    rules, rows = _map(config, tensors)
    write_tensors(folder / WEIGHTS, _to_file(tensors, rules, rows))
    write_json(folder / CONFIG, _table(config, model.vocab) | {"dtype": _dtype(model), **specials})


def read_model(folder: Path) -> LanguageModel:
    """The model of a folder, in float32 and ready for inference (`eval`).

    Raises CheckpointError for weights that do not fit config.json, UnsupportedError for what we cannot compute.
    """
    table = read_config(folder)
    config, vocab = _parse(table, f"{folder / CONFIG}")
    with torch.random.fork_rng(devices=[]):  # random weights are made and overwritten
        model = build_model(config, vocab)
    expected = model.state_dict()
    rules, rows = _map(config, expected)
    found = _untie(read_weights(folder), config, rules, folder)
    check_shapes(found, _to_file(expected, rules, rows), _weights_name(folder))
    loaded = translate(found, rules, rows=rows, direction="import")
    if _is_tied(config):
        loaded["unembed.weight"] = loaded["embed.weight"]
    model.load_state_dict(loaded)
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


def _parse(table: Mapping[str, Any], origin: str) -> tuple[ModelConfig, int]:
    if "auto_map" in table:
        raise UnsupportedError(
            f"{origin}: auto_map asks to run Python code that lies in the folder; only built-in models are opened"
        )
    kind = table.get("model_type")
    vocab = table.get("vocab_size")
    if kind == qwen3.MODEL_TYPE:
        config: ModelConfig = qwen3.from_hugging_face(table, origin)
    elif isinstance(kind, str) and kind.startswith(PREFIX):
        config = _parse_ours(table, origin)
    else:
        raise UnsupportedError(
            f"{origin}: model_type = {kind!r} cannot be opened; supported are {qwen3.MODEL_TYPE} and our own "
            f"{PREFIX}rnn, {PREFIX}gru, {PREFIX}lstm, {PREFIX}ngram, {PREFIX}mixture"
        )
    if not isinstance(vocab, int) or vocab < 1:
        raise CheckpointError(f"{origin}: vocab_size = {vocab!r} must be a positive number")
    return config, vocab


def _parse_ours(table: Mapping[str, Any], origin: str) -> ModelConfig:
    unknown = sorted(set(table) - _OURS)
    if unknown:
        raise UnsupportedError(f"{origin}: unknown settings {', '.join(unknown)}")
    try:
        config: ModelConfig = TypeAdapter(ModelConfig).validate_python(table.get("zhixing"))
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(("zhixing", *(str(part) for part in fault["loc"])))
        raise UnsupportedError(f"{origin}: {key} = {fault['input']!r}: {fault['msg']}") from error
    if table["model_type"] != PREFIX + config.kind:
        raise CheckpointError(
            f"{origin}: model_type = {table['model_type']!r} but zhixing.kind = {config.kind!r}"
        )
    return config


def _table(config: ModelConfig, vocab: int) -> dict[str, Any]:
    if isinstance(config, DecoderConfig):
        return qwen3.to_hugging_face(config, vocab)
    return {
        "model_type": PREFIX + config.kind,
        "architectures": ["Zhixing" + config.kind.capitalize()],
        "vocab_size": vocab,
        "zhixing": config.model_dump(mode="json"),
    }


def _map(config: ModelConfig, tensors: Mapping[str, Tensor]) -> tuple[list[Rule], dict[str, int]]:
    if isinstance(config, DecoderConfig):
        rules = expand(qwen3.RULES, layers=config.layers, tied=config.tied)
        return rules, qwen3.rows(config)
    names = [name for name in tensors if not (_is_tied(config) and name == "unembed.weight")]
    return identity(names), {}


def _to_file(
    tensors: Mapping[str, Tensor], rules: list[Rule], rows: Mapping[str, int]
) -> dict[str, Tensor]:
    ours = {rule.ours: tensors[rule.ours] for rule in rules}
    return translate(ours, rules, rows=rows, direction="export")


def _untie(
    found: dict[str, Tensor], config: ModelConfig, rules: list[Rule], folder: Path
) -> dict[str, Tensor]:
    """Some writers store a tied output layer twice; the second copy must be the same and is left out."""
    if not isinstance(config, DecoderConfig) or not config.tied or "lm_head.weight" not in found:
        return found
    embed = found.get("model.embed_tokens.weight")
    if embed is not None and not torch.equal(embed, found["lm_head.weight"]):
        raise CheckpointError(
            f"{folder / CONFIG}: tie_word_embeddings is true, but lm_head.weight differs from the embedding"
        )
    return {name: tensor for name, tensor in found.items() if name != "lm_head.weight"}


def _config(model: LanguageModel) -> ModelConfig:
    return cast(ModelConfig, model.config)


def _is_tied(config: ModelConfig) -> bool:
    return bool(getattr(config, "tied", False))


def _dtype(model: LanguageModel) -> str:
    floats = [p.dtype for p in model.parameters() if p.is_floating_point()]
    return str(floats[0] if floats else torch.float32).removeprefix("torch.")


def _weights_name(folder: Path) -> str:
    return str(folder / (INDEX if (folder / INDEX).is_file() else WEIGHTS))
