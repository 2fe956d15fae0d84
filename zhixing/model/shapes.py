"""The published architectures as settings of one stack: what makes a GPT-2 a GPT-2 and a T5 a T5.

A shape is a starting point; every field may be changed. Models that keep a shape's fixed fields are written as
Hugging Face folders of that family (checkpoint/families), and each shape is compared there with an implementation
that we did not write. Sizes are not part of a shape.

    qwen3 Yang et al. 2025 · llama Touvron et al. 2023 · mistral Jiang et al. 2023 · qwen2 Yang et al. 2024
    gpt2 Radford et al. 2019 · bert Devlin et al. 2018 · roberta Liu et al. 2019 · distilbert Sanh et al. 2019
    transformer Vaswani et al. 2017 · t5, t5-v1.1 Raffel et al. 2020 · bart Lewis et al. 2020
    marian Junczys-Dowmunt et al. 2018
"""

from collections.abc import Mapping
from typing import Any

_ROTARY: dict[str, Any] = {
    "norm": "rms",
    "norm_place": "before",
    "activation": "silu",
    "gated": True,
    "positions": "rotary",
    "qk_norm": False,
    "bias": "none",
}
_LAYER_NORM: dict[str, Any] = {
    "norm": "layer",
    "norm_epsilon": 1e-5,
    "gated": False,
    "qk_norm": False,
    "bias": "all",
}
_AFTER: dict[str, Any] = {**_LAYER_NORM, "norm_place": "after"}
_BERT: dict[str, Any] = {
    **_AFTER,
    "activation": "gelu",
    "positions": "learned",
    "embedding_norm": True,
    "norm_epsilon": 1e-12,
}
_T5: dict[str, Any] = {
    "norm": "rms",
    "norm_place": "before",
    "positions": "relative",
    "qk_norm": False,
    "bias": "none",
    "scaled_scores": False,
}

SHAPES: Mapping[str, Mapping[str, Any]] = {
    "qwen3": _ROTARY | {"qk_norm": True},
    "qwen3-moe": _ROTARY | {"qk_norm": True, "experts": 8},
    "llama": _ROTARY,
    "mistral": _ROTARY,
    "qwen2": _ROTARY | {"bias": "qkv"},
    "gpt2": _LAYER_NORM
    | {"norm_place": "before", "activation": "gelu_tanh", "positions": "learned"},
    "bert": _BERT | {"segments": 2},
    "roberta": _BERT | {"segments": 1, "position_offset": 2, "norm_epsilon": 1e-5},
    "distilbert": _BERT,
    "transformer": _AFTER
    | {"activation": "relu", "positions": "sinusoidal", "scaled_embedding": True},
    "t5": _T5 | {"activation": "relu", "gated": False},
    "t5-v1.1": _T5 | {"activation": "gelu_tanh", "gated": True},
    "bart": _AFTER
    | {
        "activation": "gelu",
        "positions": "learned",
        "position_offset": 2,
        "embedding_norm": True,
    },
    "marian": _AFTER
    | {"activation": "silu", "positions": "sinusoidal-halves", "scaled_embedding": True},
}
"""Shape -> the fields that it sets; the others keep the defaults of StackConfig."""

PAIRS: Mapping[str, Mapping[str, Any]] = {
    "t5": {"scaled_output": True},
    "t5-v1.1": {"tied": False},
    "bart": {"output_bias": True},
    "marian": {"output_bias": True},
}
"""Shape of the decoder -> the fields of EncoderDecoderConfig that it sets."""
