"""Decoders with rotary positions, RMSNorm and SwiGLU: Llama, Mistral, Qwen2, Qwen3 and Qwen3 with experts.

transformers, vLLM and llama.cpp run these folders as they are. Left out: scaled rotary positions, biases that the
family does not have by default, experts in some of the layers only.
"""

from collections.abc import Callable, Mapping
from typing import Any

from zhixing.checkpoint.family import Family, Table
from zhixing.checkpoint.weights import Rule
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.model.config import DecoderConfig

_LAYER, _BLOCK = "model.layers.{layer}", "stack.blocks.{layer}"
_SPLIT = ("query", "key_value", "key_value")


def _projections(kind: str) -> tuple[str, ...]:
    return tuple(f"{_LAYER}.self_attn.{part}_proj.{kind}" for part in "qkv")


_ATTENTION = (
    Rule(ours="embed.weight", theirs=("model.embed_tokens.weight",)),
    Rule(
        ours=f"{_BLOCK}.attention_norm.weight",
        theirs=(f"{_LAYER}.input_layernorm.weight",),
    ),
    Rule(ours=f"{_BLOCK}.attention.qkv.weight", theirs=_projections("weight"), rows=_SPLIT),
    Rule(ours=f"{_BLOCK}.attention.out.weight", theirs=(f"{_LAYER}.self_attn.o_proj.weight",)),
    Rule(
        ours=f"{_BLOCK}.feed_forward_norm.weight",
        theirs=(f"{_LAYER}.post_attention_layernorm.weight",),
    ),
    Rule(ours="stack.norm.weight", theirs=("model.norm.weight",)),
    Rule(ours="unembed.weight", theirs=("lm_head.weight",), is_tied_head=True),
)
_BIASES = (Rule(ours=f"{_BLOCK}.attention.qkv.bias", theirs=_projections("bias"), rows=_SPLIT),)
_QUERY_KEY_NORMS = tuple(
    Rule(
        ours=f"{_BLOCK}.attention.{part}_norm.weight",
        theirs=(f"{_LAYER}.self_attn.{part}_norm.weight",),
    )
    for part in "qk"
)
_SWIGLU = (
    Rule(
        ours=f"{_BLOCK}.feed_forward.gate_up.weight",
        theirs=(f"{_LAYER}.mlp.gate_proj.weight", f"{_LAYER}.mlp.up_proj.weight"),
        rows=("hidden", "hidden"),
    ),
    Rule(ours=f"{_BLOCK}.feed_forward.down.weight", theirs=(f"{_LAYER}.mlp.down_proj.weight",)),
)
_EXPERTS = (
    Rule(ours=f"{_BLOCK}.feed_forward.router.weight", theirs=(f"{_LAYER}.mlp.gate.weight",)),
    Rule(
        ours=f"{_BLOCK}.feed_forward.gate_up",
        theirs=tuple(
            f"{_LAYER}.mlp.experts.{{expert}}.{part}_proj.weight" for part in ("gate", "up")
        ),
        rows=("hidden", "hidden"),
    ),
    Rule(
        ours=f"{_BLOCK}.feed_forward.down",
        theirs=(f"{_LAYER}.mlp.experts.{{expert}}.down_proj.weight",),
        rows=("width",),
    ),
)

_SAME = {
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
_FIXED: dict[str, tuple[Any, ...]] = {"hidden_act": ("silu",), "attention_dropout": (0.0,)}
_TOLERATED: dict[str, tuple[Any, ...]] = {
    "rope_scaling": (None,),
    "is_encoder_decoder": (False,),
    "add_cross_attention": (False,),
    "pretraining_tp": (1, 0),
}
_READ = frozenset({"rope_theta", "rope_parameters"})
_WINDOWS = frozenset({"sliding_window", "use_sliding_window", "max_window_layers", "layer_types"})


def _rows(config: DecoderConfig) -> Mapping[str, int]:
    return {
        "query": config.heads * config.head_dim,
        "key_value": config.kv_heads * config.head_dim,
        "hidden": config.hidden,
        "width": config.width,
    }


def _write(config: DecoderConfig) -> dict[str, Any]:
    return {
        # Older readers (vLLM, llama.cpp) look for rope_theta, newer transformers for rope_parameters.
        "rope_theta": config.rope_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_base},
        # Only training reads it; transformers keeps unknown keys and does nothing with them.
        "zhixing_dropout": config.dropout,
    }


def _read(table: Table, origin: str) -> dict[str, Any]:
    return {
        "rope_base": _rope_base(table, origin),
        "dropout": table.get("zhixing_dropout", 0.0),
    }


def _write_layers(config: DecoderConfig) -> dict[str, Any]:
    """Qwen's way to say which layers have a window."""
    has_window = config.window is not None
    full = config.full_layers if has_window else config.layers
    kinds = ["full_attention"] * full + ["sliding_attention"] * (config.layers - full)
    return _write(config) | {
        "layer_types": kinds[: config.layers],
        "max_window_layers": full,
        "sliding_window": config.window,
        "use_sliding_window": has_window,
    }


def _read_layers(table: Table, origin: str) -> dict[str, Any]:
    """The window, and how many layers stand before it; any other mixture of layers is refused."""
    layers = table["num_hidden_layers"]
    fields = _read(table, origin)
    if not table.get("use_sliding_window", False):
        kinds = table.get("layer_types") or ["full_attention"]
        if set(kinds) != {"full_attention"}:
            raise UnsupportedError(
                f"{origin}: layer_types = {kinds} has windows, but use_sliding_window is not true"
            )
        return fields
    if table.get("sliding_window") is None:
        raise UnsupportedError(f"{origin}: use_sliding_window is true without a sliding_window")
    full = min(table.get("max_window_layers", 0), layers)
    wanted = ["full_attention"] * full + ["sliding_attention"] * (layers - full)
    if table.get("layer_types", wanted) != wanted:
        raise UnsupportedError(
            f"{origin}: layer_types = {table['layer_types']} is not supported; only windows after the first "
            f"max_window_layers = {full} layers are"
        )
    if full == layers:
        return fields
    return fields | {"window": table["sliding_window"], "full_layers": full}


def _write_window(config: DecoderConfig) -> dict[str, Any]:
    """Mistral: all layers have the window."""
    return _write(config) | {"sliding_window": config.window}


def _read_window(table: Table, origin: str) -> dict[str, Any]:
    return _read(table, origin) | {"window": table.get("sliding_window")}


def _write_experts(config: DecoderConfig) -> dict[str, Any]:
    return _write_layers(config) | {
        # Only layers without experts would read it, and there are none.
        "intermediate_size": config.hidden,
        "num_experts": config.experts,
        "num_local_experts": config.experts,
    }


def _read_experts(table: Table, origin: str) -> dict[str, Any]:
    counts = {table[key] for key in ("num_experts", "num_local_experts") if key in table}
    if len(counts) != 1:
        raise CheckpointError(f"{origin}: num_experts is missing or given twice: {sorted(counts)}")
    return _read_layers(table, origin) | {"experts": counts.pop()}


def _family(
    model_type: str,
    rules: tuple[Rule, ...],
    *,
    name: str,
    read: Callable[[Table, str], dict[str, Any]],
    write: Callable[[Any], dict[str, Any]],
    extra: Mapping[str, Any],
) -> Family:
    """What the five have in common; `extra` are the fields of Family in which this one differs."""
    settings: dict[str, Any] = {
        "model_type": model_type,
        "shape": model_type.replace("_", "-"),
        "config": DecoderConfig,
        "architectures": {f"{name}ForCausalLM": ()},
        "same": _SAME,
        "fixed": _FIXED,
        "tolerated": _TOLERATED,
        "no_effect": _READ,
        "rules": _ATTENTION + rules,
        "rows": _rows,
        "read": read,
        "write": write,
        "prefix": "model.",
        "buffers": ("rotary_emb.inv_freq",),
    }
    return Family(**(settings | dict(extra)))


def _defaults(table: Table) -> Table:
    """What transformers takes when a config.json says nothing: one key head per query head, no head_dim of its own."""
    heads = table.get("num_attention_heads") or 1
    return {
        "num_key_value_heads": heads,
        "head_dim": table.get("hidden_size", 0) // heads,
        "tie_word_embeddings": False,
    }


def _llama_defaults(table: Table) -> Table:
    """The first Llamas did not say how fast their positions turn."""
    says = "rope_theta" in table or "rope_parameters" in table
    return {**_defaults(table), **({} if says else {"rope_theta": 10_000.0})}


LLAMA = _family(
    "llama",
    _SWIGLU,
    name="Llama",
    read=_read,
    write=_write,
    extra={
        "fixed": {**_FIXED, "attention_bias": (False,), "mlp_bias": (False,)},
        "defaults": _llama_defaults,
    },
)
MISTRAL = _family(
    "mistral",
    _SWIGLU,
    name="Mistral",
    read=_read_window,
    write=_write_window,
    extra={"no_effect": _READ | {"sliding_window"}, "defaults": _defaults},
)
QWEN2 = _family(
    "qwen2",
    _SWIGLU + _BIASES,
    name="Qwen2",
    read=_read_layers,
    write=_write_layers,
    extra={"no_effect": _READ | _WINDOWS, "defaults": _defaults},
)
QWEN3 = _family(
    "qwen3",
    _SWIGLU + _QUERY_KEY_NORMS,
    name="Qwen3",
    read=_read_layers,
    write=_write_layers,
    extra={"fixed": {**_FIXED, "attention_bias": (False,)}, "no_effect": _READ | _WINDOWS},
)
QWEN3_MOE = _family(
    "qwen3_moe",
    _EXPERTS + _QUERY_KEY_NORMS,
    name="Qwen3Moe",
    read=_read_experts,
    write=_write_experts,
    extra={
        "same": {
            **{key: ours for key, ours in _SAME.items() if key != "intermediate_size"},
            "moe_intermediate_size": "hidden",
            "num_experts_per_tok": "experts_per_token",
            "norm_topk_prob": "renormalised",
        },
        "fixed": {
            **_FIXED,
            "attention_bias": (False,),
            "decoder_sparse_step": (1,),
            "mlp_only_layers": ([], None),
            "output_router_logits": (False,),
        },
        "no_effect": _READ
        | _WINDOWS
        | {"num_experts", "num_local_experts", "router_aux_loss_coef", "intermediate_size"},
    },
)


def _rope_base(table: Table, origin: str) -> float:
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
