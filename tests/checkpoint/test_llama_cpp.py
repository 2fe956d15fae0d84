"""llama.cpp itself runs what we export: the same ids, the same perplexity."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.checkpoint.test_export import SHAPES, saved
from tests.tiny import TEXTS, random_tokens, tiny_tokenizer
from zhixing.checkpoint import gguf as written
from zhixing.checkpoint.export import export_gguf
from zhixing.model.decoder import Decoder

llama_cpp = pytest.importorskip("llama_cpp")

TIME = 24


def opened(path: Path) -> "llama_cpp.Llama":
    """With a cache in float32: by default llama.cpp keeps keys and values in float16."""
    exact = llama_cpp.GGML_TYPE_F32
    return llama_cpp.Llama(
        str(path),
        n_ctx=TIME,
        logits_all=True,
        verbose=False,
        n_threads=1,
        type_k=exact,
        type_v=exact,
    )


def loss(logits: torch.Tensor, tokens: torch.Tensor) -> float:
    """Nats per token."""
    return float(torch.nn.functional.cross_entropy(logits[:-1].double(), tokens[1:]))


def theirs(path: Path, tokens: torch.Tensor) -> torch.Tensor:
    """Logits of llama.cpp, (time, vocab)."""
    model = opened(path)
    model.eval(tokens.tolist())
    return torch.from_numpy(np.array(model.scores[: len(tokens)]))


def off(model: Decoder, path: Path) -> float:
    """How far apart the perplexities are, as a share of ours."""
    tokens = random_tokens(1, TIME)[0]
    ours = loss(model(tokens[None]).logits[0], tokens)
    return abs(math.expm1(loss(theirs(path, tokens), tokens) - ours))


@pytest.mark.parametrize("shape", SHAPES)
@torch.inference_mode()
def test_perplexity_is_ours_in_float16(shape: str, tmp_path: Path) -> None:
    model = saved(tmp_path / "m", shape)
    assert off(model, export_gguf(tmp_path / "m", tmp_path / "out", precision="float16")) < 0.01


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape != "gpt2"])
@torch.inference_mode()
def test_perplexity_is_ours_to_float32(shape: str, tmp_path: Path) -> None:
    """Not of GPT-2: llama.cpp looks GELU up in a table of float16."""
    model = saved(tmp_path / "m", shape)
    assert off(model, export_gguf(tmp_path / "m", tmp_path / "out", precision="float32")) < 1e-5


@torch.inference_mode()
def test_rows_in_the_wrong_order_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "interleaved", lambda rows, heads: rows)
    model = saved(tmp_path / "m", "llama")
    assert off(model, export_gguf(tmp_path / "m", tmp_path / "out", precision="float32")) > 1e-5


def test_ids_are_ours(tmp_path: Path) -> None:
    saved(tmp_path / "m", "qwen3")
    model = opened(export_gguf(tmp_path / "m", tmp_path / "out", precision="float16"))
    for text in (*TEXTS, "用Python写 café 123456"):
        found = model.tokenize(text.encode(), add_bos=False, special=False)
        assert found == tiny_tokenizer().encode_text(text)
