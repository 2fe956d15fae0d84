"""Every field of the configurations of stacks is set by a published shape that a parity test compares."""

import ast
from typing import Any

import pytest

from tests.house.tree import ROOT
from zhixing.model.config import EncoderDecoderConfig
from zhixing.model.shapes import PAIRS, SHAPES
from zhixing.model.stack_config import StackConfig

MOST = {"StackConfig": 30, "EncoderDecoderConfig": 9}
"""Fields of each; a new one needs a shape and a parity test, and a larger number here."""
PARITY_TESTS = ("decoder", "encoder", "pair")
SIZES = {
    *("shape", "width", "layers", "heads", "kv_heads", "head_dim", "hidden", "max_time"),
    "dropout",
}
"""Every parity test has its own."""
GIVEN = {
    "rope_base": "rope_theta",
    "window": "sliding_window",
    "full_layers": "max_window_layers",
    "experts_per_token": "num_experts_per_tok",
    "renormalised": "norm_topk_prob",
    "relative_buckets": "relative_attention_num_buckets",
    "relative_distance": "relative_attention_max_distance",
    "start": "decoder_start_token_id",
    "first": "forced_bos_token_id",
    "never": "bad_words_ids",
}
"""Fields that no shape sets: the key of transformers under which a parity test gives them."""


def parity_tests() -> str:
    return "\n".join(
        (ROOT / f"tests/checkpoint/test_{name}_families.py").read_text("utf-8")
        for name in PARITY_TESTS
    )


@pytest.mark.parametrize("config", [StackConfig, EncoderDecoderConfig])
def test_the_number_of_fields_grows_only_on_purpose(config: Any) -> None:
    assert len(config.model_fields) == MOST[config.__name__]


def test_every_field_is_used_by_a_shape_and_every_other_by_a_parity_test() -> None:
    set_by_shapes = {field for shape in SHAPES.values() for field in shape}
    set_by_pairs = {field for pair in PAIRS.values() for field in pair}
    fields = set(StackConfig.model_fields) | set(EncoderDecoderConfig.model_fields)
    left = fields - set_by_shapes - set_by_pairs - SIZES - {"kind", "encoder", "decoder"}
    assert left == set(GIVEN)
    text = parity_tests()
    assert [key for key in GIVEN.values() if f'"{key}"' not in text] == []


def test_every_shape_is_compared_with_an_implementation_that_is_not_ours() -> None:
    names = {
        node.value
        for node in ast.walk(ast.parse(parity_tests()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    spelt = {"bert": "Bert", "roberta": "Roberta", "distilbert": "DistilBert"}
    assert [shape for shape in SHAPES if spelt.get(shape, shape) not in names] == []
    assert set(PAIRS) <= set(SHAPES)
