"""GPT-2 (Radford et al. 2019), whose linear layers are stored with rows and columns the other way round."""

from collections.abc import Mapping
from typing import Any

from zhixing.checkpoint.families.parts import linear, norm
from zhixing.checkpoint.family import Family, Table
from zhixing.checkpoint.weights import Rule
from zhixing.model.config import DecoderConfig

_LAYER, _BLOCK = "transformer.h.{layer}", "stack.blocks.{layer}"


def _turned(ours: str, theirs: str) -> tuple[Rule, Rule]:
    return linear(ours, theirs, transposed=True)


_RULES = (
    Rule(ours="embed.weight", theirs=("transformer.wte.weight",)),
    Rule(ours="stack.inputs.places.table.weight", theirs=("transformer.wpe.weight",)),
    *norm(f"{_BLOCK}.attention_norm", f"{_LAYER}.ln_1"),
    *_turned(f"{_BLOCK}.attention.qkv", f"{_LAYER}.attn.c_attn"),
    *_turned(f"{_BLOCK}.attention.out", f"{_LAYER}.attn.c_proj"),
    *norm(f"{_BLOCK}.feed_forward_norm", f"{_LAYER}.ln_2"),
    *_turned(f"{_BLOCK}.feed_forward.up", f"{_LAYER}.mlp.c_fc"),
    *_turned(f"{_BLOCK}.feed_forward.down", f"{_LAYER}.mlp.c_proj"),
    *norm("stack.norm", "transformer.ln_f"),
    Rule(ours="unembed.weight", theirs=("lm_head.weight",), is_tied_head=True),
)


def _read(table: Table, origin: str) -> dict[str, Any]:
    heads = table["n_head"]
    return {
        "kv_heads": heads,
        "head_dim": table["n_embd"] // max(heads, 1),
        "hidden": table.get("n_inner") or 4 * table["n_embd"],
    }


def _write(config: DecoderConfig) -> dict[str, Any]:
    rates = {"embd_pdrop": config.dropout, "attn_pdrop": 0.0}
    return {"n_inner": config.hidden, **rates}


def _defaults(table: Table) -> Table:
    return {
        "activation_function": "gelu_new",
        "tie_word_embeddings": True,
        "resid_pdrop": 0.1,
        "layer_norm_epsilon": 1e-5,
    }


def _rows(config: DecoderConfig) -> Mapping[str, int]:
    return {}


GPT2 = Family(
    model_type="gpt2",
    shape="gpt2",
    config=DecoderConfig,
    architectures={"GPT2LMHeadModel": ()},
    same={
        "n_embd": "width",
        "n_layer": "layers",
        "n_head": "heads",
        "n_positions": "max_time",
        "layer_norm_epsilon": "norm_epsilon",
        "tie_word_embeddings": "tied",
        "resid_pdrop": "dropout",
    },
    defaults=_defaults,
    fixed={
        "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
        "scale_attn_weights": (True,),
        "scale_attn_by_inverse_layer_idx": (False,),
        "add_cross_attention": (False,),
    },
    no_effect=frozenset(
        {
            *("n_inner", "n_ctx", "embd_pdrop", "attn_pdrop", "reorder_and_upcast_attn"),
            *("summary_activation", "summary_first_dropout", "summary_proj_to_labels"),
            *("summary_type", "summary_use_proj"),
        }
    ),
    read=_read,
    write=_write,
    rules=_RULES,
    rows=_rows,
    prefix="transformer.",
    buffers=(".attn.bias", ".attn.masked_bias"),
)
