"""A model folder comes back as it was saved, or is refused with the reason."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tiny import CONFIGS, random_tokens, tiny_model, tiny_tokenizer
from zhixing.checkpoint.card import card_text
from zhixing.checkpoint.folder import ModelInfo, load_model, save_model
from zhixing.checkpoint.manifest import read_manifest
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.core.files import sha256_file

INFO = ModelInfo(step=12, tokens=3456, config_hash="abc")


@pytest.fixture(params=CONFIGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def save(folder: Path, name: str = "decoder") -> Path:
    save_model(folder, tiny_model(name), tiny_tokenizer(), info=INFO)
    return folder


def without_manifest(folder: Path) -> Path:
    """As if it came from somewhere else: then only its content speaks for it."""
    (folder / "manifest.json").unlink()
    return folder


def edit_config(folder: Path, **settings: object) -> Path:
    table = json.loads((folder / "config.json").read_text())
    table = {k: v for k, v in (table | settings).items() if v != "REMOVED"}
    (folder / "config.json").write_text(json.dumps(table))
    return folder


def edit_weights(folder: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")
    return folder


def test_what_is_saved_comes_back(tmp_path: Path, name: str) -> None:
    saved = save_model(tmp_path / "m", tiny_model(name), tiny_tokenizer(), info=INFO)
    loaded = load_model(tmp_path / "m")
    assert loaded.manifest == saved
    assert (saved.step, saved.tokens, saved.config_hash) == (12, 3456, "abc")
    assert loaded.tokenizer.hash == tiny_tokenizer().hash
    assert loaded.model.config == CONFIGS[name]
    assert not loaded.model.training
    expected = tiny_model(name).state_dict()
    assert loaded.model.state_dict().keys() == expected.keys()
    for key, tensor in loaded.model.state_dict().items():
        assert torch.equal(tensor, expected[key]), key
    tokens = random_tokens(2, 9)
    assert torch.equal(loaded.model(tokens).logits, tiny_model(name)(tokens).logits)


def test_a_tied_matrix_is_stored_once_and_shared_again(tmp_path: Path, name: str) -> None:
    if name in ("ngram", "mixture"):
        return
    loaded = load_model(save(tmp_path / "m", name)).model
    stored = load_file(tmp_path / "m" / "model.safetensors")
    is_shared = loaded.unembed.weight is loaded.embed.weight
    assert is_shared == CONFIGS[name].tied
    assert ("lm_head.weight" in stored or "unembed.weight" in stored) != is_shared


def test_the_manifest_lists_every_file_with_its_hash(tmp_path: Path, name: str) -> None:
    folder = save(tmp_path / "m", name)
    listed = json.loads((folder / "manifest.json").read_text())["files"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    present -= {"manifest.json"}
    assert set(listed) == present
    assert {"config.json", "model.safetensors", "generation_config.json", "README.md"} <= present
    for file, value in listed.items():
        assert value == hashlib.sha256((folder / file).read_bytes()).hexdigest()


def test_the_card_has_a_header_that_the_hub_reads(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    save_model(
        tmp_path / "m",
        tiny_model("decoder"),
        tiny_tokenizer(),
        info=ModelInfo(card="# 我的模型\n"),
    )
    text = (tmp_path / "m" / "README.md").read_text("utf-8")
    _, header, body = text.split("---\n")
    assert yaml.safe_load(header)["library_name"] == "transformers"
    assert body == "\n# 我的模型\n"


def test_loading_does_not_move_the_global_random_stream(tmp_path: Path) -> None:
    save(tmp_path / "m")
    torch.manual_seed(4)
    expected = torch.rand(1)
    torch.manual_seed(4)
    load_model(tmp_path / "m")
    assert torch.equal(torch.rand(1), expected)


def test_saving_replaces_an_older_model_and_leaves_no_scratch(tmp_path: Path) -> None:
    save(tmp_path / "m")
    save(tmp_path / "m", "lstm")
    assert load_model(tmp_path / "m").manifest.model_kind == "lstm"
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_saving_does_not_replace_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(CheckpointError, match=r"thesis\.txt"):
        save(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_a_failed_save_leaves_the_old_model(tmp_path: Path) -> None:
    folder = save(tmp_path / "m")
    before = sha256_file(folder / "model.safetensors")
    small = tiny_model("decoder", vocab=10)
    with pytest.raises(CheckpointError, match="do not belong together"):
        save_model(folder, small, tiny_tokenizer(), info=INFO)
    assert sha256_file(folder / "model.safetensors") == before
    load_model(folder)


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["edited", "truncated", "deleted"])
def test_a_damaged_file_is_named(tmp_path: Path, file: str, damage: str) -> None:
    folder = save(tmp_path / "m")
    path = folder / file
    content = path.read_bytes()
    if damage == "edited":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()
    with pytest.raises(CheckpointError, match=file.replace(".", r"\.")):
        load_model(folder)


@pytest.mark.parametrize(
    ("kind", "task", "call"),
    [
        ("decoder", "text-generation", "model.generate("),
        ("tagger", "token-classification", "model.tag("),
        ("bag", "text-classification", "model.classify("),
        ("recurrent-reader", "question-answering", "model.answer("),
        ("seq2seq", "text2text-generation", "model.translate("),
    ],
)
def test_a_card_says_what_a_model_of_its_kind_does(
    tmp_path: Path, kind: str, task: str, call: str
) -> None:
    manifest = replace(read_manifest(save(tmp_path / "m")), model_kind=kind)
    _, header, body = card_text("", manifest, is_shared=False).split("---\n")
    assert f'pipeline_tag: "{task}"\n' in header
    assert call in body


def test_people_may_write_in_the_model_card(tmp_path: Path) -> None:
    card = save(tmp_path / "m") / "README.md"
    card.write_text(card.read_text("utf-8") + "Tested by us.\n", "utf-8")
    load_model(tmp_path / "m")
    card.unlink()
    load_model(tmp_path / "m")


def test_truncated_weights_without_a_manifest_are_refused(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    content = (folder / "model.safetensors").read_bytes()
    for size in (0, 5, 100, len(content) - 1):
        (folder / "model.safetensors").write_bytes(content[:size])
        with pytest.raises(CheckpointError, match="not a whole safetensors file"):
            load_model(folder)


def test_missing_extra_and_misshapen_tensors_are_named(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    original = (folder / "model.safetensors").read_bytes()
    edits = {
        r"missing: model\.norm\.weight": lambda t: t.pop("model.norm.weight"),
        r"not part of this model: model\.layers\.0\.self_attn\.q_proj\.bias": lambda t: t.update(
            {"model.layers.0.self_attn.q_proj.bias": torch.zeros(32)}
        ),
        r"model\.norm\.weight has the shape \(25,\)": lambda t: t.update(
            {"model.norm.weight": torch.ones(25)}
        ),
        "quantised": lambda t: t.update({"model.norm.weight": torch.ones(24, dtype=torch.int8)}),
    }
    for message, edit in edits.items():
        (folder / "model.safetensors").write_bytes(original)
        with pytest.raises(CheckpointError, match=message):
            load_model(edit_weights(folder, edit))


def test_a_tied_head_stored_twice_must_be_the_same_twice(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    edit_weights(
        folder, lambda t: t.update({"lm_head.weight": t["model.embed_tokens.weight"].clone()})
    )
    load_model(folder)
    edit_weights(folder, lambda t: t["lm_head.weight"].add_(1))
    with pytest.raises(CheckpointError, match="tie_word_embeddings"):
        load_model(folder)


@pytest.mark.parametrize(
    "settings",
    [
        {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}},
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 5000.0, "factor": 2.0}},
        {"attention_bias": True},
        {"use_sliding_window": True},
        {"layer_types": ["full_attention", "sliding_attention"]},
        {"hidden_act": "gelu"},
        {"architectures": ["Qwen3ForSequenceClassification"]},
        {"quantization_config": {"bits": 4}},
        {"auto_map": {"AutoModel": "evil.Model"}},
        {"max_position_embeddings": 0},
        {"model_type": "mamba"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_setting_we_cannot_honour_is_refused_by_name(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    folder = edit_config(without_manifest(save(tmp_path / "m")), **settings)
    with pytest.raises(UnsupportedError, match=next(iter(settings))):
        load_model(folder)


def test_sizes_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    folder = edit_config(without_manifest(save(tmp_path / "m")), num_attention_heads=3)
    with pytest.raises(UnsupportedError, match="heads = 3 must be a multiple"):
        load_model(folder)


def test_a_setting_that_is_missing_or_contradicts_itself_is_named(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    original = (folder / "config.json").read_text()
    for key in ("hidden_size", "rms_norm_eps", "vocab_size", "tie_word_embeddings"):
        (folder / "config.json").write_text(original)
        with pytest.raises(CheckpointError, match=key):
            load_model(edit_config(folder, **{key: "REMOVED"}))
    (folder / "config.json").write_text(original)
    with pytest.raises(CheckpointError, match="rope_theta"):
        load_model(edit_config(folder, rope_theta=1.5))


def test_both_ways_to_write_the_rotary_base_are_read(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    for settings in ({"rope_parameters": "REMOVED"}, {"rope_scaling": None}):
        edit_config(folder, **settings)
        assert load_model(folder).model.config == CONFIGS["decoder"]


def test_half_precision_weights_are_read_as_float32(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    edit_weights(folder, lambda t: t.update({k: v.bfloat16() for k, v in t.items()}))
    loaded = load_model(folder).model
    assert {tensor.dtype for tensor in loaded.parameters()} == {torch.float32}
    expected = tiny_model("decoder").embed.weight.bfloat16().float()
    assert torch.equal(loaded.embed.weight, expected)


def test_a_folder_in_shards_is_read(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    parts = {"a.safetensors": names[:9], "b.safetensors": names[9:]}
    for file, part in parts.items():
        save_file({key: tensors[key] for key in part}, folder / file)
    index = {"weight_map": {key: file for file, part in parts.items() for key in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert torch.equal(load_model(folder).model.embed.weight, tiny_model("decoder").embed.weight)
    content = (folder / "b.safetensors").read_bytes()
    (folder / "b.safetensors").write_bytes(content[:-8])
    with pytest.raises(CheckpointError, match=r"b\.safetensors .*not a whole"):
        load_model(folder)
    (folder / "b.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"b\.safetensors is missing"):
        load_model(folder)
    index["weight_map"][names[0]] = "../outside.safetensors"
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="outside"):
        load_model(folder)


def test_the_parts_of_a_mixture_open_by_themselves(tmp_path: Path) -> None:
    folder = save(tmp_path / "m", "mixture")
    whole = load_model(folder).model
    for name in ("neural", "ngram"):
        part = load_model(folder / name)
        assert part.model.config == getattr(CONFIGS["mixture"], name)
        assert part.manifest.is_verified
        tokens = random_tokens(1, 9)
        assert torch.equal(part.model(tokens).logits, getattr(whole, name)(tokens).logits)
    assert all(key.startswith("gate.") for key in load_file(folder / "model.safetensors"))


def test_a_part_of_another_mixture_is_refused(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m", "mixture"))
    shutil.rmtree(folder / "neural")
    save(folder / "neural", "lstm")
    with pytest.raises(CheckpointError, match="not the one this mixture was fitted with"):
        load_model(folder)
    shutil.rmtree(folder / "neural")
    with pytest.raises(CheckpointError, match="neural"):
        load_model(folder)


def test_a_damaged_part_of_a_mixture_is_named(tmp_path: Path) -> None:
    folder = save(tmp_path / "m", "mixture")
    (folder / "ngram" / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"ngram/model\.safetensors"):
        load_model(folder)


def test_edited_counts_are_refused_by_the_n_gram(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m", "ngram"))
    edit_weights(folder, lambda t: t.update({"levels.1.branches": t["levels.1.branches"] * 0}))
    with pytest.raises(CheckpointError, match="do not fit together"):
        load_model(folder)


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (_explode, ("boom",))


def _explode(word: str) -> None:
    Path("exploded").write_text(word)
    raise AssertionError("a pickle was opened")


@pytest.mark.parametrize("file", ["pytorch_model.bin", "model.pt", "model.safetensors"])
def test_a_pickle_is_never_opened(
    tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = without_manifest(save(tmp_path / "m"))
    (folder / "model.safetensors").unlink()
    torch.save({"weight": _Bomb()}, folder / file)
    with pytest.raises(CheckpointError, match=r"pickle.*can run any program.*--allow-pickle"):
        load_model(folder)
    if file.endswith(".pt"):
        with pytest.raises(CheckpointError, match="pickle"):
            load_model(folder / file)
    assert not (tmp_path / "exploded").exists()


def test_a_tokenizer_bigger_than_the_embedding_is_refused(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    edit_config(folder, vocab_size=100)
    edit_weights(
        folder,
        lambda t: t.update({"model.embed_tokens.weight": t["model.embed_tokens.weight"][:100]}),
    )
    with pytest.raises(CheckpointError, match="the model knows 100"):
        load_model(folder)


def test_a_folder_that_is_no_model_is_described(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"cat\.jpg"):
        load_model(tmp_path / "photos")
    with pytest.raises(CheckpointError, match=r"did you mean .*photos"):
        load_model(tmp_path / "photo")
    with pytest.raises(CheckpointError, match="is a file"):
        load_model(tmp_path / "photos" / "cat.jpg")
    with pytest.raises(CheckpointError, match="downloaded"):
        load_model(Path("Qwen/Qwen3-0.6B"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="it is empty"):
        load_model(tmp_path / "empty")


def test_a_newer_format_and_a_broken_manifest_are_told_apart(tmp_path: Path) -> None:
    folder = save(tmp_path / "m")
    table = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(table | {"format": 99}))
    with pytest.raises(UnsupportedError, match="newer"):
        load_model(folder)
    broken = ['{"format": 1', "[]", json.dumps(table | {"surplus": 1})]
    broken += [json.dumps(table | {"step": "many"}), json.dumps(table | {"files": {"../x": "0"}})]
    for text in broken:
        (folder / "manifest.json").write_text(text)
        with pytest.raises(CheckpointError, match="manifest"):
            load_model(folder)


def test_all_files_can_be_read_by_whoever_can_read_the_configuration(tmp_path: Path) -> None:
    folder = save(tmp_path / "m")
    modes = {path.stat().st_mode for path in folder.iterdir()}
    assert len(modes) == 1


def test_a_folder_can_be_moved(tmp_path: Path) -> None:
    shutil.move(save(tmp_path / "m"), tmp_path / "elsewhere")
    assert load_model(tmp_path / "elsewhere").manifest.is_verified


def test_all_end_tokens_of_a_folder_stop_generation(tmp_path: Path) -> None:
    folder = without_manifest(save(tmp_path / "m"))
    (folder / "generation_config.json").write_text('{"eos_token_id": [2, 7]}')
    assert load_model(folder).ends == (2, 7)


def test_a_folder_of_models_names_them(tmp_path):
    for name in ("gpt", "lstm"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"inside it are models: \S+/gpt, \S+/lstm"):
        load_model(tmp_path)
