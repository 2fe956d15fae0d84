"""What is exported opens elsewhere with the same logits, ids, specials and template."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.checkpoint.families import TOLERANCE, difference
from tests.tiny import TEXTS, random_tokens, tiny_model, tiny_tokenizer
from zhixing.checkpoint.export import export_gguf, export_hf, import_folder
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.checkpoint.gguf import interleaved
from zhixing.checkpoint.gguf_tokenizer import pattern_name
from zhixing.cli import main
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.model.config import DecoderConfig
from zhixing.model.decoder import Decoder

transformers = pytest.importorskip("transformers")
gguf = pytest.importorskip("gguf")

SIZES = {"width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "head_dim": 8, "hidden": 64}
SIZES |= {"max_time": 32}
SHAPES = ("llama", "qwen2", "qwen3", "gpt2")


def saved(folder: Path, shape: str, **settings: Any) -> Decoder:
    sizes = SIZES | ({"kv_heads": 4} if shape == "gpt2" else {}) | settings
    config = DecoderConfig.model_validate({"shape": shape, **sizes})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Decoder(config, tiny_tokenizer().vocab).eval()
        for parameter in model.parameters():
            parameter.data.add_(torch.randn_like(parameter) * 0.1)
    save_model(folder, model, tiny_tokenizer(), info=ModelInfo(ends=(tiny_tokenizer().end, 7)))
    return model


@pytest.mark.parametrize("shape", SHAPES)
@torch.inference_mode()
def test_a_gguf_file_read_by_transformers_gives_our_logits(shape: str, tmp_path: Path) -> None:
    # Their reader takes these sizes for granted, whatever the file says.
    wide = {"hidden": 4 * SIZES["width"], "max_time": 1024}
    granted = {"qwen3": {"head_dim": 128}, "gpt2": wide}
    ours = saved(tmp_path / "m", shape, **granted.get(shape, {}))
    path = export_gguf(tmp_path / "m", tmp_path / "out", precision="float32")
    other = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "out", gguf_file=path.name
    ).eval()
    tokens = random_tokens(2, 20)
    assert difference(ours(tokens).logits, other(tokens).logits) < TOLERANCE


@pytest.mark.parametrize("precision", ["float16", "q8_0"])
def test_matrices_of_a_gguf_file_are_as_near_as_their_kind_allows(
    precision: Any, tmp_path: Path
) -> None:
    ours = saved(tmp_path / "m", "qwen3")
    read = gguf.GGUFReader(export_gguf(tmp_path / "m", tmp_path / "out", precision=precision))
    found = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in read.tensors}
    kinds = {t.name: t.tensor_type.name for t in read.tensors}
    assert kinds["blk.0.attn_q.weight"] == {"float16": "F16", "q8_0": "Q8_0"}[precision]
    assert kinds["blk.0.attn_norm.weight"] == "F32"
    down = ours.stack.blocks[1].feed_forward.down.weight.detach().numpy()
    step = {"float16": 2.0**-11, "q8_0": 1 / 127}[precision]
    off = np.abs(found["blk.1.ffn_down.weight"] - down).max()
    assert 0 < off <= step * np.abs(down).max()
    norm = ours.stack.blocks[0].attention_norm.weight.detach().numpy()
    assert np.array_equal(found["blk.0.attn_norm.weight"], norm)


def test_a_gguf_file_holds_the_tokenizer(tmp_path: Path) -> None:
    saved(tmp_path / "m", "qwen3")
    export_gguf(tmp_path / "m", tmp_path / "out", precision="float16")
    read = gguf.GGUFReader(tmp_path / "out/model.gguf")
    fields = {name: field.contents() for name, field in read.fields.items()}
    assert fields["general.architecture"] == "qwen3"
    assert fields["tokenizer.ggml.pre"] == "llama-bpe"
    assert fields["tokenizer.ggml.bos_token_id"] == tiny_tokenizer().begin
    assert fields["tokenizer.ggml.add_bos_token"] is True
    assert len(fields["tokenizer.ggml.tokens"]) == tiny_tokenizer().vocab
    assert fields["tokenizer.ggml.tokens"][tiny_tokenizer().end] == "<|end|>"


def test_the_pattern_of_llama_3_cuts_our_tiny_texts_as_ours_does() -> None:
    """Equal on ordinary text; one line break after another is where the two differ by design."""
    from tokenizers import Tokenizer as Pipeline

    from zhixing.checkpoint.gguf_tokenizer import PATTERNS

    content = json.loads(json.dumps(dict(tiny_tokenizer().files.pipeline)))
    (llama3,) = [p for p, name in list(PATTERNS.items())[1:] if name == "llama-bpe"]
    content["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = llama3
    other = Pipeline.from_str(json.dumps(content))
    for text in (*TEXTS, "用Python写 café 123456", "a\n\nb"):
        assert other.encode(text, add_special_tokens=False).ids == tiny_tokenizer().encode_text(
            text
        )


def test_patterns_that_llama_cpp_has_no_name_for_are_refused() -> None:
    pipeline = dict(tiny_tokenizer().files.pipeline)
    assert pattern_name(pipeline) == "llama-bpe"
    assert pattern_name({**pipeline, "pre_tokenizer": {"type": "ByteLevel"}}) == "gpt-2"
    split = {"type": "Split", "pattern": {"Regex": "x"}}
    for change in (
        {"model": {"type": "Unigram"}},
        {"normalizer": {"type": "Lowercase"}},
        {"pre_tokenizer": {"type": "Whitespace"}},
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, {"type": "ByteLevel"}]}},
        {"pre_tokenizer": None},
    ):
        with pytest.raises(UnsupportedError, match="tokenizer"):
            pattern_name({**pipeline, **change})


def test_rows_are_interleaved_head_by_head() -> None:
    rows = torch.arange(8.0)[:, None]
    assert interleaved(rows, 2).flatten().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@torch.inference_mode()
def test_an_exported_folder_opens_in_transformers(dtype: str, tmp_path: Path) -> None:
    ours = saved(tmp_path / "m", "llama")
    export_hf(tmp_path / "m", tmp_path / "out", dtype=dtype)
    other = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval()
    assert str(other.dtype) == f"torch.{dtype}"
    tokens = random_tokens(2, 20)
    rounded = ours.to(getattr(torch, dtype)).float()
    assert difference(rounded(tokens).logits, other.float()(tokens).logits) < TOLERANCE
    assert other.generation_config.eos_token_id == [tiny_tokenizer().end, 7]
    assert load_network(tmp_path / "out").ends == (tiny_tokenizer().end, 7)


def test_what_cannot_be_exported_is_refused_by_name(tmp_path: Path) -> None:
    save_model(tmp_path / "lstm", tiny_model("lstm"), tiny_tokenizer(), info=ModelInfo())
    with pytest.raises(UnsupportedError, match="'lstm'"):
        export_hf(tmp_path / "lstm", tmp_path / "out", dtype="float32")
    with pytest.raises(UnsupportedError, match="of the kind lstm"):
        export_gguf(tmp_path / "lstm", tmp_path / "out", precision="float16")
    saved(tmp_path / "windowed", "qwen3", window=5)
    with pytest.raises(UnsupportedError, match=r"window = 5 .*--to hf"):
        export_gguf(tmp_path / "windowed", tmp_path / "out", precision="float16")
    assert not (tmp_path / "out").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("ten years of work")
    saved(tmp_path / "m", "qwen3")
    with pytest.raises(CheckpointError, match=r"chapter\.txt"):
        export_gguf(tmp_path / "m", tmp_path / "thesis", precision="float16")


def test_a_folder_made_elsewhere_is_taken_in_with_hashes(tmp_path: Path) -> None:
    saved(tmp_path / "m", "llama")
    (tmp_path / "m/manifest.json").unlink()
    torch.save(load_file(tmp_path / "m/model.safetensors"), tmp_path / "m/pytorch_model.bin")
    (tmp_path / "m/model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="pickle"):
        import_folder(tmp_path / "m", tmp_path / "in", allow_pickle=False)
    import_folder(tmp_path / "m", tmp_path / "in", allow_pickle=True)
    assert load_network(tmp_path / "in").manifest.is_verified


def test_nothing_that_a_run_left_is_lost_to_an_export(tmp_path: Path) -> None:
    saved(tmp_path / "m", "qwen3")
    saved(tmp_path / "run", "qwen3")
    (tmp_path / "run/records.jsonl").write_text("{}\n")
    (tmp_path / "run/checkpoints").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for out, said in (("run", "checkpoints/, records.jsonl"), ("m", "is the model itself")):
        with pytest.raises(CheckpointError, match=said):
            export_hf(tmp_path / "m", tmp_path / out, dtype="bfloat16")
        with pytest.raises(CheckpointError, match=said):
            import_folder(tmp_path / "m", tmp_path / out, allow_pickle=False)
    assert sorted(tmp_path.rglob("*")) == before
    export_hf(tmp_path / "m", tmp_path / "out", dtype="float32")
    export_hf(tmp_path / "m", tmp_path / "out", dtype="bfloat16")  # an earlier export is replaced


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(tmp_path / "m", "qwen2")
    model, out = f"{tmp_path / 'm'}", f"{tmp_path / 'out'}"
    quiet = ["--json", "--log", "none"]
    assert main(["export", model, out, "--to", "gguf", "--dtype", "q8_0", *quiet]) == 0
    assert json.loads(capsys.readouterr().out)["written"] == f"{out}/model.gguf"
    assert main(["import", model, f"{out}2", *quiet]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "decoder"
    assert main(["export", model, out, "--to", "hf", "--dtype", "q8_0"]) == 3
    assert "float32, bfloat16, float16" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["hf", "gguf"])
def test_a_file_is_no_place_for_an_export(form: str, tmp_path: Path) -> None:
    saved(tmp_path / "m", "llama")
    place = tmp_path / "thesis.txt"
    place.write_text("years of work", "utf-8")
    assert main(["export", str(tmp_path / "m"), str(place), "--to", form, "--log", "none"]) == 1
    assert place.read_text("utf-8") == "years of work"
