"""Encoders: BERT (Devlin et al. 2018), RoBERTa (Liu et al. 2019), DistilBERT (Sanh et al. 2019).

RoBERTa counts places from behind its padding token: position_offset = pad_token_id + 1. Left out: BERT as a
decoder, relative positions, multiple choice.
"""

from collections.abc import Mapping
from typing import Any

from zhixing.checkpoint.families.parts import linear, norm, read_activation, write_activation
from zhixing.checkpoint.family import Family, Table
from zhixing.checkpoint.weights import Rule
from zhixing.core.errors import UnsupportedError
from zhixing.model.config import EncoderConfig

_BLOCK = "stack.blocks.{layer}"
_THIRDS = ("inner", "inner", "inner")


def _rows(config: EncoderConfig) -> Mapping[str, int]:
    return {"inner": config.heads * config.head_dim}


def _body(prefix: str) -> tuple[Rule, ...]:
    """The encoder of BERT and RoBERTa."""
    layer, inputs = f"{prefix}.encoder.layer.{{layer}}", f"{prefix}.embeddings"
    queries = (f"{layer}.attention.self.{part}" for part in ("query", "key", "value"))
    table = "stack.inputs.places.table.weight"
    return (
        Rule(ours="embed.weight", theirs=(f"{inputs}.word_embeddings.weight",)),
        Rule(ours=table, theirs=(f"{inputs}.position_embeddings.weight",)),
        Rule(
            ours="stack.inputs.segments.weight", theirs=(f"{inputs}.token_type_embeddings.weight",)
        ),
        *norm("stack.inputs.norm", f"{inputs}.LayerNorm"),
        *linear(f"{_BLOCK}.attention.qkv", *queries, rows=_THIRDS),
        *linear(f"{_BLOCK}.attention.out", f"{layer}.attention.output.dense"),
        *norm(f"{_BLOCK}.attention_norm", f"{layer}.attention.output.LayerNorm"),
        *linear(f"{_BLOCK}.feed_forward.up", f"{layer}.intermediate.dense"),
        *linear(f"{_BLOCK}.feed_forward.down", f"{layer}.output.dense"),
        *norm(f"{_BLOCK}.feed_forward_norm", f"{layer}.output.LayerNorm"),
        *linear("heads.pool.dense", f"{prefix}.pooler.dense"),
    )


def _places(theirs: str, qa: str = "qa_outputs") -> tuple[Rule, ...]:
    """The heads that read every place."""
    return (*linear("heads.tag.output", theirs), *linear("heads.span.output", qa))


def _masked(transform: str, normed: str, output: str, bias: str) -> tuple[Rule, ...]:
    return (
        *linear("heads.masked.transform", transform),
        *norm("heads.masked.norm", normed),
        Rule(ours="heads.masked.output.weight", theirs=(f"{output}.weight",), is_tied_head=True),
        Rule(ours="heads.masked.output.bias", theirs=(bias,)),
    )


_BERT_HEADS = (
    *_masked(
        "cls.predictions.transform.dense",
        "cls.predictions.transform.LayerNorm",
        "cls.predictions.decoder",
        "cls.predictions.bias",
    ),
    *linear("heads.next-sentence.pool.dense", "bert.pooler.dense"),
    *linear("heads.next-sentence.output", "cls.seq_relationship"),
    *linear("heads.classify.pool.dense", "bert.pooler.dense"),
    *linear("heads.classify.output", "classifier"),
    *_places("classifier"),
)
_ROBERTA_HEADS = (
    *_masked("lm_head.dense", "lm_head.layer_norm", "lm_head.decoder", "lm_head.bias"),
    *linear("heads.classify.pool.dense", "classifier.dense"),
    *linear("heads.classify.output", "classifier.out_proj"),
    *_places("classifier"),
)
_SAME: Mapping[str, str | tuple[str, ...]] = {
    "hidden_size": "width",
    "num_hidden_layers": "layers",
    "num_attention_heads": ("heads", "kv_heads"),
    "intermediate_size": "hidden",
    "layer_norm_eps": "norm_epsilon",
    "type_vocab_size": "segments",
    "hidden_dropout_prob": "dropout",
}
_TOLERATED: Mapping[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute", None),
    "is_encoder_decoder": (False,),
    "add_cross_attention": (False,),
    "tie_word_embeddings": (True,),
    "directionality": ("bidi",),
}
_NO_EFFECT = frozenset(
    {
        *("attention_probs_dropout_prob", "classifier_dropout", "hidden_act", "model_max_length"),
        *("pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_type"),
        *("pooler_size_per_head", "max_position_embeddings"),
    }
)


def _bert_classes(name: str) -> dict[str, tuple[str, ...]]:
    return {
        f"{name}Model": ("pool",),
        f"{name}ForMaskedLM": ("masked",),
        f"{name}ForSequenceClassification": ("classify",),
        f"{name}ForTokenClassification": ("tag",),
        f"{name}ForQuestionAnswering": ("span",),
    }


def _read(table: Table, origin: str) -> dict[str, Any]:
    return {
        "head_dim": table["hidden_size"] // max(table["num_attention_heads"], 1),
        "activation": read_activation("hidden_act", table.get("hidden_act", "gelu"), origin),
    }


def _write(config: EncoderConfig) -> dict[str, Any]:
    return {
        "hidden_act": write_activation(config.activation),
        "attention_probs_dropout_prob": 0.0,
    }


def _bert_defaults(table: Table) -> Table:
    return {"layer_norm_eps": 1e-12, "type_vocab_size": 2, "hidden_dropout_prob": 0.1}


def _read_roberta(table: Table, origin: str) -> dict[str, Any]:
    """The places, which begin behind the padding token; the masked head has GELU whatever hidden_act says."""
    fields = _read(table, origin)
    if fields["activation"] != "gelu":
        raise UnsupportedError(
            f"{origin}: hidden_act = {table['hidden_act']!r}: only 'gelu' is supported"
        )
    offset = table["pad_token_id"] + 1
    return {
        **fields,
        "position_offset": offset,
        "max_time": table["max_position_embeddings"] - offset,
    }


def _write_roberta(config: EncoderConfig) -> dict[str, Any]:
    return {
        **_write(config),
        "pad_token_id": config.position_offset - 1,
        "max_position_embeddings": config.max_time + config.position_offset,
    }


def _roberta_defaults(table: Table) -> Table:
    return {**_bert_defaults(table), "pad_token_id": 1, "max_position_embeddings": 512}


BERT = Family(
    model_type="bert",
    shape="bert",
    config=EncoderConfig,
    architectures={
        **_bert_classes("Bert"),
        "BertForNextSentencePrediction": ("next-sentence",),
        "BertForPreTraining": ("masked", "next-sentence"),
    },
    optional_heads={"pool": "bert.pooler.dense.weight"},
    same={**_SAME, "max_position_embeddings": "max_time"},
    defaults=_bert_defaults,
    tolerated=_TOLERATED,
    no_effect=_NO_EFFECT,
    read=_read,
    write=_write,
    rules=_body("bert") + _BERT_HEADS,
    rows=_rows,
    prefix="bert.",
    buffers=("embeddings.position_ids",),
    aliases={"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"},
    twins={"cls.predictions.decoder.bias": "cls.predictions.bias"},
)
ROBERTA = Family(
    model_type="roberta",
    shape="roberta",
    config=EncoderConfig,
    architectures=_bert_classes("Roberta"),
    optional_heads={"pool": "roberta.pooler.dense.weight"},
    same=_SAME,
    defaults=_roberta_defaults,
    tolerated=_TOLERATED,
    no_effect=_NO_EFFECT,
    read=_read_roberta,
    write=_write_roberta,
    rules=_body("roberta") + _ROBERTA_HEADS,
    rows=_rows,
    prefix="roberta.",
    buffers=("embeddings.position_ids",),
    twins={"lm_head.decoder.bias": "lm_head.bias"},
)

_D_LAYER, _D_INPUTS = "distilbert.transformer.layer.{layer}", "distilbert.embeddings"
_DISTILBERT_RULES = (
    Rule(ours="embed.weight", theirs=(f"{_D_INPUTS}.word_embeddings.weight",)),
    Rule(
        ours="stack.inputs.places.table.weight", theirs=(f"{_D_INPUTS}.position_embeddings.weight",)
    ),
    *norm("stack.inputs.norm", f"{_D_INPUTS}.LayerNorm"),
    *linear(
        f"{_BLOCK}.attention.qkv",
        *(f"{_D_LAYER}.attention.{part}_lin" for part in "qkv"),
        rows=_THIRDS,
    ),
    *linear(f"{_BLOCK}.attention.out", f"{_D_LAYER}.attention.out_lin"),
    *norm(f"{_BLOCK}.attention_norm", f"{_D_LAYER}.sa_layer_norm"),
    *linear(f"{_BLOCK}.feed_forward.up", f"{_D_LAYER}.ffn.lin1"),
    *linear(f"{_BLOCK}.feed_forward.down", f"{_D_LAYER}.ffn.lin2"),
    *norm(f"{_BLOCK}.feed_forward_norm", f"{_D_LAYER}.output_layer_norm"),
    *_masked("vocab_transform", "vocab_layer_norm", "vocab_projector", "vocab_projector.bias"),
    *linear("heads.classify.pool.dense", "pre_classifier"),
    *linear("heads.classify.output", "classifier"),
    *_places("classifier"),
)


def _read_distilbert(table: Table, origin: str) -> dict[str, Any]:
    return {
        "head_dim": table["dim"] // max(table["n_heads"], 1),
        "activation": read_activation("activation", table.get("activation", "gelu"), origin),
    }


def _write_distilbert(config: EncoderConfig) -> dict[str, Any]:
    return {"activation": write_activation(config.activation), "attention_dropout": 0.0}


def _distilbert_defaults(table: Table) -> Table:
    return {"dropout": 0.1}


DISTILBERT = Family(
    model_type="distilbert",
    shape="distilbert",
    config=EncoderConfig,
    architectures={
        "DistilBertModel": (),
        "DistilBertForMaskedLM": ("masked",),
        "DistilBertForSequenceClassification": ("classify",),
        "DistilBertForTokenClassification": ("tag",),
        "DistilBertForQuestionAnswering": ("span",),
    },
    head_fields={"classify": {"activation": "relu"}},
    same={
        "dim": "width",
        "n_layers": "layers",
        "n_heads": ("heads", "kv_heads"),
        "hidden_dim": "hidden",
        "max_position_embeddings": "max_time",
        "dropout": "dropout",
    },
    defaults=_distilbert_defaults,
    tolerated={"tie_word_embeddings": (True,), "tie_weights_": (True,)},
    no_effect=frozenset(
        # The table of positions is stored, whatever it was begun with.
        {"activation", "attention_dropout", "qa_dropout", "seq_classif_dropout"}
        | {"sinusoidal_pos_embds", "is_encoder_decoder"}
    ),
    read=_read_distilbert,
    write=_write_distilbert,
    rules=_DISTILBERT_RULES,
    rows=_rows,
    prefix="distilbert.",
)
