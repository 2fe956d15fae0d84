"""Our decoder as Qwen3ForCausalLM (Yang et al. 2025) and back: the configuration, and the map of the weights.

The two compute the same function, so transformers, vLLM and llama.cpp run our folders as they are. Of a foreign
config.json every key is accounted for: it sets a field of ours, must have the one value we compute with, or has
no effect on the output; any other key is refused by its name. Left out: rope scaling, sliding windows, biases.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from zhixing.checkpoint.weights import Rule
from zhixing.core.config import key_of
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.model.config import DecoderConfig

MODEL_TYPE = "qwen3"
SPECIALS = ("bos_token_id", "eos_token_id", "pad_token_id")
"""Keys of a config.json that name special tokens."""
_LAYER, _BLOCK = "model.layers.{layer}", "stack.blocks.{layer}"

RULES = (
    Rule(ours="embed.weight", theirs=("model.embed_tokens.weight",)),
    Rule(
        ours=f"{_BLOCK}.attention_norm.weight",
        theirs=(f"{_LAYER}.input_layernorm.weight",),
    ),
    Rule(
        ours=f"{_BLOCK}.attention.qkv.weight",
        theirs=tuple(f"{_LAYER}.self_attn.{part}_proj.weight" for part in "qkv"),
        rows=("query", "key_value", "key_value"),
    ),
    Rule(ours=f"{_BLOCK}.attention.q_norm.weight", theirs=(f"{_LAYER}.self_attn.q_norm.weight",)),
    Rule(ours=f"{_BLOCK}.attention.k_norm.weight", theirs=(f"{_LAYER}.self_attn.k_norm.weight",)),
    Rule(ours=f"{_BLOCK}.attention.out.weight", theirs=(f"{_LAYER}.self_attn.o_proj.weight",)),
    Rule(
        ours=f"{_BLOCK}.feed_forward_norm.weight",
        theirs=(f"{_LAYER}.post_attention_layernorm.weight",),
    ),
    Rule(
        ours=f"{_BLOCK}.feed_forward.gate_up.weight",
        theirs=(f"{_LAYER}.mlp.gate_proj.weight", f"{_LAYER}.mlp.up_proj.weight"),
        rows=("hidden", "hidden"),
    ),
    Rule(ours=f"{_BLOCK}.feed_forward.down.weight", theirs=(f"{_LAYER}.mlp.down_proj.weight",)),
    Rule(ours="stack.norm.weight", theirs=("model.norm.weight",)),
    Rule(ours="unembed.weight", theirs=("lm_head.weight",), is_tied_head=True),
)

_SIZES = {
    "hidden_size": "width",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "num_key_value_heads": "kv_heads",
    "head_dim": "head_dim",
    "intermediate_size": "hidden",
    "max_position_embeddings": "max_time",
    "rms_norm_eps": "norm_epsilon",
    "tie_word_embeddings": "tied",
}
"""Their key -> our field; the two mean the same."""

_FIXED: dict[str, tuple[Any, ...]] = {
    "architectures": (["Qwen3ForCausalLM"],),
    "hidden_act": ("silu",),
    "attention_bias": (False,),
    "attention_dropout": (0, 0.0),
    "use_sliding_window": (False,),
    "rope_scaling": (None,),
    "tf_legacy_loss": (False,),
    "is_encoder_decoder": (False,),
    "add_cross_attention": (False,),
    "pruned_heads": ({}, None),
}
"""Their key -> the values under which their model is ours."""

_NO_EFFECT = frozenset(SPECIALS) | {
    # read elsewhere
    *(
        "model_type",
        "vocab_size",
        "rope_theta",
        "rope_parameters",
        "layer_types",
        "zhixing_dropout",
    ),
    # only mean something with use_sliding_window
    *("sliding_window", "max_window_layers"),
    # about training, saving and calling
    *("initializer_range", "use_cache", "dtype", "torch_dtype", "transformers_version"),
    *("_name_or_path", "output_attentions", "output_hidden_states", "return_dict"),
    *("chunk_size_feed_forward", "id2label", "label2id", "problem_type"),
}
"""Keys read elsewhere in this file, and keys that do not change the output of the model."""


def to_hugging_face(config: DecoderConfig, vocab: int) -> dict[str, Any]:
    """The config.json of a model, without its special tokens."""
    sizes = {theirs: getattr(config, ours) for theirs, ours in _SIZES.items()}
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": MODEL_TYPE,
        "vocab_size": vocab,
        **sizes,
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "layer_types": ["full_attention"] * config.layers,
        "max_window_layers": config.layers,
        "sliding_window": None,
        "use_sliding_window": False,
        # Older readers (vLLM, llama.cpp) look for rope_theta, newer transformers for rope_parameters.
        "rope_theta": config.rope_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_base},
        "use_cache": True,
        # Only training reads it; transformers keeps unknown keys and does nothing with them.
        "zhixing_dropout": config.dropout,
    }


def from_hugging_face(table: Mapping[str, Any], origin: str) -> DecoderConfig:
    """Our configuration of a Qwen3 config.json. Raises UnsupportedError naming the key we cannot honour."""
    _check_fixed(table, origin)
    _check_layers(table, origin)
    missing = [key for key in ("vocab_size", *_SIZES) if key not in table]
    if missing:
        raise CheckpointError(f"{origin} lacks {', '.join(missing)}")
    fields = {ours: table[theirs] for theirs, ours in _SIZES.items()}
    fields["rope_base"] = _rope_base(table, origin)
    fields["dropout"] = table.get("zhixing_dropout", 0.0)
    try:
        return DecoderConfig.model_validate(fields)
    except ValidationError as error:
        lines = [_describe(key_of(fault), fault["msg"]) for fault in error.errors()]
        raise UnsupportedError(f"{origin}: {'; '.join(lines)}") from error


def rows(config: DecoderConfig) -> dict[str, int]:
    """The sizes that `RULES` name."""
    return {
        "query": config.heads * config.head_dim,
        "key_value": config.kv_heads * config.head_dim,
        "hidden": config.hidden,
    }


def _describe(ours: str, message: str) -> str:
    """A fault of one of our fields, under the name it has in their file."""
    theirs = {field: key for key, field in _SIZES.items()}
    return f"{theirs.get(ours, ours)}: {message}" if ours else message.removeprefix("Value error, ")


def _check_fixed(table: Mapping[str, Any], origin: str) -> None:
    for key, value in table.items():
        if key in _FIXED and value not in _FIXED[key]:
            allowed = " or ".join(repr(option) for option in _FIXED[key])
            raise UnsupportedError(
                f"{origin}: {key} = {value!r} is not supported, only {allowed}; "
                "this model would compute something else here than where it was made"
            )
        if key not in _FIXED and key not in _SIZES and key not in _NO_EFFECT:
            raise UnsupportedError(
                f"{origin}: the setting {key} = {value!r} is not known to Zhixing, and guessing that it has no "
                "effect could change the model's output; remove it if you are sure that it has none"
            )


def _check_layers(table: Mapping[str, Any], origin: str) -> None:
    kinds = set(table.get("layer_types") or ["full_attention"])
    if kinds != {"full_attention"}:
        raise UnsupportedError(
            f"{origin}: layer_types has {', '.join(sorted(map(str, kinds)))}; only full_attention is supported"
        )


def _rope_base(table: Mapping[str, Any], origin: str) -> float:
    rope = table.get("rope_parameters") or {}
    if not isinstance(rope, Mapping):
        raise CheckpointError(f"{origin}: rope_parameters = {rope!r} must be a table")
    unknown = {key: value for key, value in rope.items() if key not in ("rope_type", "rope_theta")}
    if unknown or rope.get("rope_type", "default") != "default":
        raise UnsupportedError(
            f"{origin}: rope_parameters = {rope!r} is not supported: positions can only be rotated plainly "
            "(rope_type default, without scaling)"
        )
    bases = [source["rope_theta"] for source in (rope, table) if "rope_theta" in source]
    if not bases:
        raise CheckpointError(f"{origin} lacks rope_theta")
    if len(set(bases)) > 1:
        raise CheckpointError(
            f"{origin}: rope_theta is given twice and differs: {bases[0]}, {bases[1]}"
        )
    return float(bases[0])
