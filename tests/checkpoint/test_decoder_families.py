"""Llama, Mistral, Qwen2, Qwen3, Qwen3 with experts, GPT-2: transformers' tiny random models and ours are the same."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.checkpoint.families import MAX_TIME, TOLERANCE, difference, make, save_theirs, vocab
from tests.tiny import random_tokens, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, load_model, save_model
from zhixing.core.errors import UnsupportedError
from zhixing.model.config import DecoderConfig
from zhixing.model.decoder import Decoder

transformers = pytest.importorskip("transformers")

SIZES: dict[str, Any] = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 40,
    "max_position_embeddings": MAX_TIME,
    "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0},
}
GPT2: dict[str, Any] = {"n_embd": 24, "n_layer": 3, "n_head": 4, "n_positions": MAX_TIME}
MOE = {"head_dim": 8, "num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 20}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", SIZES),
    "llama-tied": ("Llama", SIZES | {"tie_word_embeddings": True, "head_dim": 8}),
    "mistral": ("Mistral", SIZES | {"sliding_window": 5}),
    "mistral-full": ("Mistral", SIZES | {"sliding_window": None}),
    "qwen2": ("Qwen2", SIZES),
    "qwen2-window": (
        "Qwen2",
        SIZES | {"use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1},
    ),
    "qwen3": ("Qwen3", SIZES | {"head_dim": 8}),
    "qwen3-window": (
        "Qwen3",
        SIZES
        | {"head_dim": 8, "use_sliding_window": True, "sliding_window": 5, "max_window_layers": 2},
    ),
    "qwen3-moe": ("Qwen3Moe", SIZES | MOE),
    "qwen3-moe-renormalised": ("Qwen3Moe", SIZES | MOE | {"norm_topk_prob": True}),
    "gpt2": ("GPT2", GPT2),
    "gpt2-untied": ("GPT2", GPT2 | {"n_inner": 40, "tie_word_embeddings": False}),
}


def theirs(name: str) -> Any:
    prefix, settings = CASES[name]
    config = getattr(transformers, f"{prefix}Config")(
        **settings, vocab_size=vocab(), bos_token_id=0, eos_token_id=0, pad_token_id=None
    )
    kind = "GPT2LMHeadModel" if prefix == "GPT2" else f"{prefix}ForCausalLM"
    return make(getattr(transformers, kind), config)


def opened(folder: Path) -> Decoder:
    model = load_model(folder).model
    assert isinstance(model, Decoder)
    return model


@pytest.fixture(params=list(CASES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@torch.inference_mode()
def test_ours_computes_their_logits_at_once_and_with_a_cache(name: str, tmp_path: Path) -> None:
    other = theirs(name)
    ours = opened(save_theirs(tmp_path / "m", other))
    tokens = random_tokens(3, 30)
    want = other(tokens).logits
    assert difference(ours(tokens).logits, want) < TOLERANCE
    state = ours.new_state(3, 30)
    pieces = [ours(part, state=state).logits for part in tokens.split([11, 1, 1, 17], dim=1)]
    assert difference(torch.cat(pieces, dim=1), want) < TOLERANCE


@torch.inference_mode()
def test_rows_padded_at_either_end_give_the_same_logits(name: str, tmp_path: Path) -> None:
    other = theirs(name)
    ours = opened(save_theirs(tmp_path / "m", other))
    tokens, kept = random_tokens(2, 20), torch.ones(2, 20, dtype=torch.long)
    kept[1, :7] = 0
    positions = (kept.cumsum(1) - 1).clamp(min=0)
    want = other(tokens, attention_mask=kept, position_ids=positions).logits
    padded = ours(tokens, positions=positions, documents=kept).logits  # the padding is a document
    assert padded is not None
    assert difference(padded[1, 7:], want[1, 7:]) < TOLERANCE
    assert difference(padded[0], want[0]) < TOLERANCE


@torch.inference_mode()
def test_theirs_to_ours_to_theirs_changes_nothing(name: str, tmp_path: Path) -> None:
    other = theirs(name)
    ours = opened(save_theirs(tmp_path / "m", other))
    save_model(tmp_path / "back", ours, tiny_tokenizer(), info=ModelInfo())
    back = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "back").eval()
    assert type(back) is type(other)
    assert all(torch.equal(w, back.state_dict()[k]) for k, w in other.state_dict().items())
    tokens = random_tokens(2, 30)
    assert torch.equal(back(tokens).logits, other(tokens).logits)
    assert opened(tmp_path / "back").config == ours.config


def test_transformers_generates_our_greedy_tokens(name: str, tmp_path: Path) -> None:
    from zhixing.engine.engine import Engine
    from zhixing.engine.request import Request, SamplingParams

    other = theirs(name)
    ours = opened(save_theirs(tmp_path / "m", other))
    tokens = random_tokens(1, 9)
    params = SamplingParams(max_tokens=12, temperature=0)
    request = Request(id="a", tokens=tuple(tokens[0].tolist()), params=params)
    written = [event.token for event in Engine(ours, tiny_tokenizer()).run(request)]
    generated = other.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=12, do_sample=False
    )
    assert generated[0, 9 : 9 + len(written)].tolist() == written


# One deliberate mistake for each idea that tells a family apart from the next.
MISTAKES: dict[str, tuple[str, dict[str, Any]]] = {
    "a window that is one too long": ("mistral", {"sliding_window": 6}),
    "a window in one more layer": ("qwen2-window", {"max_window_layers": 0, "layer_types": None}),
    "one expert more for each token": ("qwen3-moe", {"num_experts_per_tok": 3}),
    "weights of experts that sum to one": ("qwen3-moe", {"norm_topk_prob": True}),
    "another norm epsilon": ("llama", {"rms_norm_eps": 1e-2}),
    "another rotary base": (
        "llama",
        {"rope_theta": 1e4, "rope_parameters": {"rope_type": "default", "rope_theta": 1e4}},
    ),
    "another epsilon of LayerNorm": ("gpt2", {"layer_norm_epsilon": 1e-2}),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
@torch.inference_mode()
def test_a_mistake_in_the_configuration_would_be_noticed(mistake: str, tmp_path: Path) -> None:
    case, settings = MISTAKES[mistake]
    other = theirs(case)
    folder = save_theirs(tmp_path / "m", other)
    edit_config(folder, settings)
    tokens = random_tokens(2, 30)
    assert difference(opened(folder)(tokens).logits, other(tokens).logits) > 100 * TOLERANCE


@torch.inference_mode()
def test_forgotten_biases_of_queries_would_be_noticed(tmp_path: Path) -> None:
    other = theirs("qwen2")
    folder = save_theirs(tmp_path / "m", other)
    tensors = load_file(folder / "model.safetensors")
    for key in [key for key in tensors if key.endswith("q_proj.bias")]:
        tensors[key] = torch.zeros_like(tensors[key])
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    tokens = random_tokens(2, 20)
    assert difference(opened(folder)(tokens).logits, other(tokens).logits) > 100 * TOLERANCE


@torch.inference_mode()
def test_an_older_gpt2_folder_without_prefix_and_with_mask_buffers_opens(tmp_path: Path) -> None:
    other = theirs("gpt2")
    folder = save_theirs(tmp_path / "m", other)
    tensors = load_file(folder / "model.safetensors")
    bare = {key.removeprefix("transformer."): tensor for key, tensor in tensors.items()}
    bare["h.0.attn.bias"] = torch.ones(1, 1, MAX_TIME, MAX_TIME).tril()
    bare["h.0.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(bare, folder / "model.safetensors", {"format": "pt"})
    tokens = random_tokens(2, 20)
    assert difference(opened(folder)(tokens).logits, other(tokens).logits) < TOLERANCE


@pytest.mark.parametrize(
    ("case", "settings"),
    [
        ("llama", {"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0}}),
        ("llama", {"attention_bias": True}),
        ("llama", {"mlp_bias": True}),
        ("qwen3-moe", {"mlp_only_layers": [0]}),
        ("qwen3-moe", {"decoder_sparse_step": 2}),
        ("gpt2", {"activation_function": "relu"}),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
        ("qwen2-window", {"layer_types": ["sliding_attention"] * 3}),
        ("mistral", {"attention_chunk_size": 4}),
    ],
)
def test_what_we_do_not_compute_is_refused_by_name(
    case: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    folder = save_theirs(tmp_path / "m", theirs(case))
    edit_config(folder, settings)
    with pytest.raises(UnsupportedError, match=next(iter(settings))):
        load_model(folder)


def test_a_decoder_of_no_family_is_saved_in_our_own_form(tmp_path: Path) -> None:
    settings = {"shape": "llama", "width": 24, "heads": 4, "kv_heads": 4, "head_dim": 6}
    config = DecoderConfig.model_validate(
        {**settings, "activation": "relu2", "gated": False, "layers": 2, "hidden": 40}
    )
    model = Decoder(config, vocab()).eval()
    save_model(tmp_path / "m", model, tiny_tokenizer(), info=ModelInfo())
    assert json.loads((tmp_path / "m/config.json").read_text())["model_type"] == "zhixing-decoder"
    tokens = random_tokens(1, 9)
    assert torch.equal(opened(tmp_path / "m")(tokens).hidden, model(tokens).hidden)


def edit_config(folder: Path, settings: dict[str, Any]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | settings), "utf-8")
