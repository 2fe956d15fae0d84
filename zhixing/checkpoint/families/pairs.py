"""Encoder-decoders: T5 v1.0 and v1.1 (Raffel et al. 2020), BART (Lewis et al. 2020), Marian (Junczys-Dowmunt et al. 2018).

Left out: halves with embeddings of their own, norms before the parts in BART, T5 without a shared embedding. How
long a T5 may read is not in its weights; n_positions says it, and is 512 where it does not stand.
"""

from collections.abc import Callable, Mapping
from typing import Any

from zhixing.checkpoint.families.parts import linear, norm, read_activation, write_activation
from zhixing.checkpoint.family import Family, Table
from zhixing.checkpoint.weights import Rule
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.model.config import EncoderDecoderConfig

_HALVES = ("encoder", "decoder")
_START = ("decoder_start_token_id", "forced_bos_token_id", "bad_words_ids")
_SEARCH = frozenset(
    {
        *("num_beams", "early_stopping", "length_penalty", "no_repeat_ngram_size", "max_length"),
        *("min_length", "forced_eos_token_id", "output_past", "prefix", "bad_words_ids"),
        *("decoder_start_token_id", "forced_bos_token_id", "num_hidden_layers"),
        *("classifier_dropout", "classif_dropout"),
    }
)
"""How transformers searches by default, which is the caller's choice here; and what `read` reads."""


def _both(field: str) -> tuple[str, str]:
    return f"encoder.{field}", f"decoder.{field}"


def _rows(config: EncoderDecoderConfig) -> Mapping[str, int]:
    half = config.encoder
    return {"inner": half.heads * half.head_dim, "hidden": half.hidden}


def _read_start(table: Table, origin: str) -> dict[str, Any]:
    """How a target begins, and what is never in it."""
    start = table.get("decoder_start_token_id")
    if start is None:
        raise CheckpointError(
            f"{origin} lacks decoder_start_token_id, and generation_config.json too"
        )
    words = table.get("bad_words_ids") or []
    if any(len(word) != 1 for word in words):
        raise UnsupportedError(
            f"{origin}: bad_words_ids = {words} is not supported, only single tokens are"
        )
    return {
        "start": start,
        "first": table.get("forced_bos_token_id"),
        "never": [word[0] for word in words],
    }


def _write_start(config: EncoderDecoderConfig) -> dict[str, Any]:
    return {
        "is_encoder_decoder": True,
        "decoder_start_token_id": config.start,
        **({} if config.first is None else {"forced_bos_token_id": config.first}),
        **({"bad_words_ids": [[token] for token in config.never]} if config.never else {}),
    }


def _shape(shape: str) -> dict[str, str]:
    return dict.fromkeys(_both("shape"), shape)


# --- T5 ---------------------------------------------------------------------------------------------------------


def _t5_projections(ours: str, theirs: str, parts: str) -> Rule:
    names = tuple(f"{theirs}.{part}.weight" for part in parts)
    return Rule(ours=f"{ours}.weight", theirs=names, rows=("inner",) * len(parts))


def _t5_half(half: str) -> tuple[Rule, ...]:
    """One half; the feed-forward part is the second of an encoder's block and the third of a decoder's."""
    block, theirs = f"{half}.blocks.{{layer}}", f"{half}.block.{{layer}}.layer"
    last = 1 if half == "encoder" else 2
    attention, dense = f"{theirs}.0.SelfAttention", f"{theirs}.{last}.DenseReluDense"
    table = f"{half}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
    return (
        Rule(ours=f"{half}.relative.table.weight", theirs=(table,)),
        Rule(ours=f"{block}.attention_norm.weight", theirs=(f"{theirs}.0.layer_norm.weight",)),
        _t5_projections(f"{block}.attention.qkv", attention, "qkv"),
        _t5_projections(f"{block}.attention.out", attention, "o"),
        Rule(ours=f"{block}.source_norm.weight", theirs=(f"{theirs}.1.layer_norm.weight",)),
        _t5_projections(f"{block}.source_attention.q", f"{theirs}.1.EncDecAttention", "q"),
        _t5_projections(f"{block}.source_attention.kv", f"{theirs}.1.EncDecAttention", "kv"),
        _t5_projections(f"{block}.source_attention.out", f"{theirs}.1.EncDecAttention", "o"),
        Rule(
            ours=f"{block}.feed_forward_norm.weight", theirs=(f"{theirs}.{last}.layer_norm.weight",)
        ),
        Rule(ours=f"{block}.feed_forward.up.weight", theirs=(f"{dense}.wi.weight",)),
        Rule(
            ours=f"{block}.feed_forward.gate_up.weight",
            theirs=(f"{dense}.wi_0.weight", f"{dense}.wi_1.weight"),
            rows=("hidden", "hidden"),
        ),
        Rule(ours=f"{block}.feed_forward.down.weight", theirs=(f"{dense}.wo.weight",)),
        Rule(ours=f"{half}.norm.weight", theirs=(f"{half}.final_layer_norm.weight",)),
    )


_T5_RULES = (
    Rule(ours="embed.weight", theirs=("shared.weight",)),
    *(rule for half in _HALVES for rule in _t5_half(half)),
    Rule(ours="unembed.weight", theirs=("lm_head.weight",), is_tied_head=True),
)
_T5_SAME: Mapping[str, str | tuple[str, ...]] = {
    "d_model": _both("width"),
    "d_kv": _both("head_dim"),
    "d_ff": _both("hidden"),
    "num_layers": "encoder.layers",
    "num_decoder_layers": "decoder.layers",
    "num_heads": (*_both("heads"), *_both("kv_heads")),
    "relative_attention_num_buckets": _both("relative_buckets"),
    "relative_attention_max_distance": _both("relative_distance"),
    "layer_norm_epsilon": _both("norm_epsilon"),
    "dropout_rate": _both("dropout"),
    "n_positions": _both("max_time"),
}


def _t5_defaults(table: Table) -> Table:
    return {
        "num_decoder_layers": table.get("num_layers"),
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128,
        "feed_forward_proj": "relu",
        "n_positions": 512,
        "decoder_start_token_id": table.get("pad_token_id"),
    }


def _t5_reader(*, gated: bool) -> Callable[[Table, str], dict[str, Any]]:
    def read(table: Table, origin: str) -> dict[str, Any]:
        kind, _, name = table["feed_forward_proj"].rpartition("-")
        if kind != ("gated" if gated else ""):
            raise UnsupportedError(
                f"{origin}: feed_forward_proj = {table['feed_forward_proj']!r} is not supported"
            )
        function = "gelu_new" if (kind, name) == ("gated", "gelu") else name
        scaled = table.get("scale_decoder_outputs", table.get("tie_word_embeddings", True))
        return {
            **_shape("t5-v1.1" if gated else "t5"),
            **dict.fromkeys(_both("gated"), gated),
            **dict.fromkeys(
                _both("activation"), read_activation("feed_forward_proj", function, origin)
            ),
            **_read_start(table, origin),
            "scaled_output": scaled,
        }

    return read


def _write_t5(config: EncoderDecoderConfig) -> dict[str, Any]:
    function = write_activation(config.encoder.activation)
    name = "gelu" if config.encoder.gated and function == "gelu_new" else function
    return {
        **_write_start(config),
        "feed_forward_proj": f"gated-{name}" if config.encoder.gated else name,
        "dense_act_fn": function,
        "is_gated_act": config.encoder.gated,
        "scale_decoder_outputs": config.scaled_output,
        # Older readers take this for whether the output is scaled, newer ones look at the tensors.
        "tie_word_embeddings": config.scaled_output,
    }


def _t5(shape: str, *, gated: bool) -> Family:
    return Family(
        model_type="t5",
        shape=shape,
        config=EncoderDecoderConfig,
        architectures={"T5ForConditionalGeneration": ()},
        same=_T5_SAME,
        defaults=_t5_defaults,
        tolerated={"is_encoder_decoder": (True,)},
        no_effect=_SEARCH
        | {"feed_forward_proj", "dense_act_fn", "is_gated_act", "scale_decoder_outputs"}
        | {"tie_word_embeddings", "initializer_factor"},
        read=_t5_reader(gated=gated),
        write=_write_t5,
        rules=_T5_RULES,
        rows=_rows,
        twins=dict.fromkeys((f"{half}.embed_tokens.weight" for half in _HALVES), "shared.weight"),
        buffers=("EncDecAttention.relative_attention_bias.weight",),
        untied_by="lm_head.weight",
        from_generation=_START,
    )


T5 = _t5("t5", gated=False)
T5_V1_1 = _t5("t5-v1.1", gated=True)


# --- BART and Marian --------------------------------------------------------------------------------------------


def _bart_half(half: str) -> tuple[Rule, ...]:
    block, theirs = f"{half}.blocks.{{layer}}", f"model.{half}.layers.{{layer}}"
    table, rows = f"model.{half}.embed_positions.weight", ("inner", "inner", "inner")
    own, source = f"{theirs}.self_attn", f"{theirs}.encoder_attn"
    return (
        Rule(ours=f"{half}.inputs.places.table.weight", theirs=(table,)),
        *norm(f"{half}.inputs.norm", f"model.{half}.layernorm_embedding"),
        *linear(f"{block}.attention.qkv", *(f"{own}.{part}_proj" for part in "qkv"), rows=rows),
        *linear(f"{block}.attention.out", f"{own}.out_proj"),
        *norm(f"{block}.attention_norm", f"{own}_layer_norm"),
        *linear(f"{block}.source_attention.q", f"{source}.q_proj"),
        *linear(
            f"{block}.source_attention.kv", f"{source}.k_proj", f"{source}.v_proj", rows=rows[1:]
        ),
        *linear(f"{block}.source_attention.out", f"{source}.out_proj"),
        *norm(f"{block}.source_norm", f"{source}_layer_norm"),
        *linear(f"{block}.feed_forward.up", f"{theirs}.fc1"),
        *linear(f"{block}.feed_forward.down", f"{theirs}.fc2"),
        *norm(f"{block}.feed_forward_norm", f"{theirs}.final_layer_norm"),
    )


_BART_RULES = (
    Rule(ours="embed.weight", theirs=("model.shared.weight",)),
    *(rule for half in _HALVES for rule in _bart_half(half)),
    Rule(ours="unembed.weight", theirs=("lm_head.weight",), is_tied_head=True),
    Rule(ours="unembed.bias", theirs=("final_logits_bias",), is_row=True),
)
_BART_SAME: Mapping[str, str | tuple[str, ...]] = {
    "d_model": _both("width"),
    **{
        f"{half}_{theirs}": f"{half}.{ours}"
        for half in _HALVES
        for theirs, ours in (("layers", "layers"), ("ffn_dim", "hidden"))
    },
    **{f"{half}_attention_heads": (f"{half}.heads", f"{half}.kv_heads") for half in _HALVES},
    "max_position_embeddings": _both("max_time"),
    "scale_embedding": _both("scaled_embedding"),
    "dropout": _both("dropout"),
}


def _bart_defaults(table: Table) -> Table:
    return {"scale_embedding": False, "dropout": 0.1, "activation_function": "gelu"}


def _bart_reader(shape: str) -> Callable[[Table, str], dict[str, Any]]:
    def read(table: Table, origin: str) -> dict[str, Any]:
        vocabs = table["vocab_size"], table.get("decoder_vocab_size", table["vocab_size"])
        if len(set(vocabs)) > 1:
            raise UnsupportedError(
                f"{origin}: decoder_vocab_size = {vocabs[1]} differs from vocab_size = {vocabs[0]}; "
                "only one vocabulary for both halves is supported"
            )
        activation = read_activation("activation_function", table["activation_function"], origin)
        sizes = {
            f"{half}.head_dim": table["d_model"] // max(table[f"{half}_attention_heads"], 1)
            for half in _HALVES
        }
        return {
            **_shape(shape),
            **sizes,
            **dict.fromkeys(_both("activation"), activation),
            **_read_start(table, origin),
            "output_bias": True,
        }

    return read


def _write_bart(config: EncoderDecoderConfig) -> dict[str, Any]:
    rates = dict.fromkeys(("attention_dropout", "activation_dropout"), 0.0)
    layers = {f"{half}_layerdrop": 0.0 for half in _HALVES}
    function = write_activation(config.encoder.activation)
    return {**_write_start(config), **rates, **layers, "activation_function": function}


def _bart(name: str, *, embedding_norm: bool, extra: Mapping[str, Any]) -> Family:
    """BART and Marian, which differ in positions and in the norm of the embeddings."""
    settings: dict[str, Any] = {
        "model_type": name.lower(),
        "shape": name.lower(),
        "config": EncoderDecoderConfig,
        "same": _BART_SAME,
        "defaults": _bart_defaults,
        "tolerated": {
            "is_encoder_decoder": (True,),
            "tie_word_embeddings": (True,),
            "normalize_before": (False,),
            "normalize_embedding": (embedding_norm,),
            "add_final_layer_norm": (False,),
            "add_bias_logits": (False,),
            "static_position_embeddings": (not embedding_norm,),
        },
        "no_effect": _SEARCH
        | {"attention_dropout", "activation_dropout", "encoder_layerdrop", "decoder_layerdrop"}
        | {"activation_function", "init_std", "decoder_vocab_size"}
        | {"extra_pos_embeddings", "force_bos_token_to_be_generated"},
        "read": _bart_reader(name.lower()),
        "write": _write_bart,
        "rules": _BART_RULES,
        "rows": _rows,
        "prefix": "model.",
        "twins": dict.fromkeys(
            (f"model.{half}.embed_tokens.weight" for half in _HALVES), "model.shared.weight"
        ),
        "zeros": ("final_logits_bias",),
        "from_generation": _START,
    }
    return Family(**(settings | dict(extra)))


BART = _bart(
    "Bart",
    embedding_norm=True,
    extra={"architectures": {"BartForConditionalGeneration": ()}},
)
MARIAN = _bart(
    "Marian",
    embedding_norm=False,
    extra={
        "architectures": {"MarianMTModel": ()},
        "fixed": {"share_encoder_decoder_embeddings": (True,)},
        "constants": {
            f"model.{half}.embed_positions.weight": f"{half}.inputs.places.table"
            for half in _HALVES
        },
    },
)
