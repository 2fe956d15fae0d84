"""A decoder's folder is a Hugging Face folder: transformers computes our logits, and we compute its."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny import CONFIGS, random_tokens, tiny_model, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, load_model, save_model

transformers = pytest.importorskip("transformers")
TOLERANCE = 1e-5


@pytest.fixture(params=["decoder", "decoder-untied"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, name: str) -> Path:
    save_model(tmp_path / "model", tiny_model(name), tiny_tokenizer(), info=ModelInfo())
    return tmp_path / "model"


def theirs(folder: Path) -> torch.nn.Module:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    assert type(model).__name__ == "Qwen3ForCausalLM"
    return model.eval()


def difference(ours: torch.Tensor, other: torch.Tensor) -> float:
    return float((ours - other).abs().max())


@torch.inference_mode()
def test_transformers_computes_our_logits(folder: Path, name: str) -> None:
    tokens = random_tokens(3, 30)
    assert difference(tiny_model(name)(tokens).logits, theirs(folder)(tokens).logits) < TOLERANCE


@torch.inference_mode()
def test_rows_of_unequal_length_padded_for_transformers_give_our_logits(
    folder: Path, name: str
) -> None:
    tokens = random_tokens(2, 20)
    attention = torch.ones_like(tokens)
    tokens[1, 13:] = tiny_tokenizer().pad
    attention[1, 13:] = 0
    padded = theirs(folder)(tokens, attention_mask=attention).logits
    ours = tiny_model(name)
    assert difference(ours(tokens[:1]).logits, padded[:1]) < TOLERANCE
    assert difference(ours(tokens[1:, :13]).logits, padded[1:, :13]) < TOLERANCE


@torch.inference_mode()
def test_ours_to_transformers_and_back_changes_nothing(
    folder: Path, name: str, tmp_path: Path
) -> None:
    theirs(folder).save_pretrained(tmp_path / "theirs")
    tiny_tokenizer().save(tmp_path / "theirs")
    back = load_model(tmp_path / "theirs")
    ours = tiny_model(name).state_dict()
    assert back.model.config == CONFIGS[name]
    assert not back.manifest.is_verified
    assert back.model.state_dict().keys() == ours.keys()
    for key, tensor in back.model.state_dict().items():
        assert torch.equal(tensor, ours[key]), key


def test_transformers_generates_our_greedy_tokens(folder: Path, name: str) -> None:
    from zhixing.engine.engine import Engine
    from zhixing.engine.request import Request, SamplingParams

    tokens = random_tokens(1, 9)
    params = SamplingParams(max_tokens=12, temperature=0)
    request = Request(id="a", tokens=tuple(tokens[0].tolist()), params=params)
    ours = [event.token for event in Engine(tiny_model(name), tiny_tokenizer()).run(request)]
    model = theirs(folder)
    generated = model.generate(
        tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=12, do_sample=False
    )
    assert generated[0, 9:].tolist() == ours


@torch.inference_mode()
def _after(folder: Path, name: str, edit_weights: object = None, **settings: object) -> float:
    """How far transformers is from us after a mistake in the folder."""
    if edit_weights is not None:
        tensors = load_file(folder / "model.safetensors")
        edit_weights(tensors)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    table = json.loads((folder / "config.json").read_text()) | settings
    (folder / "config.json").write_text(json.dumps(table))
    tokens = random_tokens(2, 20)
    return difference(tiny_model(name)(tokens).logits, theirs(folder)(tokens).logits)


def test_swapped_rotary_halves_would_be_noticed(folder: Path, name: str) -> None:
    def interleave(tensors: dict[str, torch.Tensor]) -> None:
        """The other convention of rotary positions: neighbours turn together."""
        order = torch.arange(8).view(2, 4).T.flatten()
        for key in tensors:
            if "q_proj" in key or "k_proj" in key:
                heads = tensors[key].view(-1, 8, tensors[key].shape[1])
                tensors[key] = heads[:, order].reshape(tensors[key].shape).contiguous()

    assert _after(folder, name, interleave) > 100 * TOLERANCE


def test_a_missing_query_norm_would_be_noticed(folder: Path, name: str) -> None:
    def flatten(tensors: dict[str, torch.Tensor]) -> None:
        for key in tensors:
            if "q_norm" in key:
                tensors[key] = torch.ones_like(tensors[key])

    assert _after(folder, name, flatten) > 100 * TOLERANCE


def test_another_rotary_base_would_be_noticed(folder: Path, name: str) -> None:
    rope = {"rope_type": "default", "rope_theta": 10_000.0}
    assert _after(folder, name, rope_parameters=rope, rope_theta=10_000.0) > 100 * TOLERANCE
