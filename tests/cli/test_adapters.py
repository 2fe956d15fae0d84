"""Adapters from a recipe to a folder: what is saved, who opens it, what it becomes, and the refusals."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import zhixing
from tests.cli.beginnings import cut_after, origin, recipe, tokenizer, train
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.checkpoint.tensors import read_tensors, write_tensors
from zhixing.cli import main
from zhixing.core.errors import CheckpointError
from zhixing.core.records import read_records
from zhixing.model.adapter import AdaptedLinear
from zhixing.model.assembly import build_network
from zhixing.model.config import RecurrentConfig
from zhixing.train.folder import RECORDS
from zhixing.train.verify import compare

ALL = 'targets = ["attention.qkv", "attention.out", "feed_forward.down"]'
TOKENS = torch.tensor([[1, 40, 50, 60, 2]])


def table(kind: str, more: str = ALL) -> str:
    return f'[finetune.adapter]\nkind = "{kind}"\nrank = 3\nalpha = 5.0\ndropout = 0.1\n{more}'


@pytest.fixture(scope="module")
def begins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("origins")
    return {kind: origin(folder, kind) for kind in ("encoder", "bert", "decoder")}


@pytest.fixture(scope="module")
def adapters(begins, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """(kind of model, kind of adapter) -> the folder of a trained one."""
    folder = tmp_path_factory.mktemp("adapters")
    made = {}
    for model in begins:
        for kind in ("lora", "dora"):
            objective = "preference" if model == "decoder" else "classify"
            path = recipe(folder, objective, begins[model], table=table(kind))
            made[model, kind] = folder / f"{model}-{kind}"
            assert train(path, made[model, kind]) == 0
    return made


CASES = [(model, kind) for model in ("encoder", "bert", "decoder") for kind in ("lora", "dora")]


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_only_the_adapter_and_the_head_are_saved_and_the_base_is_as_it_was(
    begins, adapters, case
) -> None:
    run = adapters[case]
    for folder in (run, run / "checkpoints/step-00000008"):
        assert not (folder / "model.safetensors").exists()
        names = set(read_tensors(folder / "adapter_model.safetensors"))
        assert names
        assert all(re.search(r"\.lora_|classifier|pooler|heads\.classify", name) for name in names)
    base, adapted = load_network(begins[case[0]]).model, load_network(run).model
    before, after = base.state_dict(), adapted.state_dict()
    body = [name for name in before if not name.startswith("heads.")]
    assert all(torch.equal(before[name], after[name]) for name in body)
    assert not torch.equal(base.body(TOKENS).hidden, adapted.body(TOKENS).hidden)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_merged_is_the_same_model(adapters, tmp_path: Path, capsys, case) -> None:
    out = tmp_path / "whole"
    assert main(["adapter", "merge", str(adapters[case]), str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["difference"] <= 1e-5
    apart, whole = load_network(adapters[case]), load_network(out)
    assert whole.base is None
    assert whole.learnt == apart.learnt
    one, other = apart.model.body(TOKENS).hidden, whole.model.body(TOKENS).hidden
    assert torch.allclose(one, other, atol=1e-5)
    if case[0] != "decoder":
        texts = ["Anna Berg went to Paris", "王明去了北京"]
        for kept, merged in zip(
            *(zhixing.load(folder).classify(texts) for folder in (adapters[case], out)), strict=True
        ):
            assert kept.label == merged.label


def test_a_wrong_merge_is_noticed_and_nothing_is_written(
    adapters, tmp_path: Path, monkeypatch, capsys
) -> None:
    right = AdaptedLinear.merged_weight
    monkeypatch.setattr(AdaptedLinear, "merged_weight", lambda layer: right(layer) * 1.001)
    assert (
        main(["adapter", "merge", str(adapters["encoder", "lora"]), str(tmp_path / "whole")]) == 1
    )
    assert "nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "whole").exists()


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
@pytest.mark.parametrize("case", [case for case in CASES if case[0] != "encoder"], ids="-".join)
def test_peft_gives_our_logits(begins, adapters, case) -> None:
    transformers, peft = pytest.importorskip("transformers"), pytest.importorskip("peft")

    ours = load_network(adapters[case]).model
    kind = "CausalLM" if case[0] == "decoder" else "SequenceClassification"
    base = getattr(transformers, f"AutoModelFor{kind}").from_pretrained(begins[case[0]])
    theirs = peft.PeftModel.from_pretrained(base, adapters[case]).eval()
    with torch.no_grad():
        expected = theirs(input_ids=TOKENS).logits
        hidden = ours.body(TOKENS).hidden
        found = ours.head(hidden) if case[0] == "decoder" else ours.heads["classify"](hidden, None)
    assert torch.allclose(found, expected, atol=1e-5)
    for name, weight in theirs.named_parameters():
        if "lora_B" in name:
            weight.data.add_(0.1)
    assert not torch.allclose(found, theirs(input_ids=TOKENS).logits, atol=1e-5)


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_resumed_in_the_middle_is_the_same_bit_for_bit(begins, tmp_path: Path, kind: str) -> None:
    path = recipe(tmp_path, "classify", begins["encoder"], table=table(kind))
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train(path, whole) == 0
    cut_after(whole, cut, step=6)
    assert train(path, cut, "--resume") == 0
    names = ("adapter_model.safetensors", "adapter_config.json", "base.json")
    assert all((cut / name).read_bytes() == (whole / name).read_bytes() for name in names)


def test_the_best_step_is_taken_of_an_adapter_too(begins, tmp_path: Path) -> None:
    path = recipe(tmp_path, "classify", begins["bert"], table=table("lora"))
    text = path.read_text("utf-8")
    examples = f'train = "{tmp_path / "classify.jsonl"}"'
    validated = examples + f', validation = "{tmp_path / "classify.jsonl"}"'
    path.write_text(text.replace(examples, validated) + "validate_every = 2\n", "utf-8")
    assert train(path, tmp_path / "run", "--set", "train.lr=5.0") == 0
    losses = {
        record.step: record.value
        for record in read_records(tmp_path / "run" / RECORDS)
        if record.kind == "validation" and record.name == "loss"
    }
    best = min(losses, key=losses.__getitem__)
    assert best < 8, "steps this long go past the best"
    assert load_network(tmp_path / "run").manifest.step == best


def moved(adapters, tmp_path: Path, **changes: Any) -> Path:
    """A copy of an adapter whose base.json says something else."""
    out = tmp_path / "copy"
    shutil.copytree(
        adapters["encoder", "lora"], out, ignore=shutil.ignore_patterns("data", "checkpoints")
    )
    (out / "manifest.json").unlink()
    found = json.loads((out / "base.json").read_text("utf-8"))
    (out / "base.json").write_text(json.dumps(found | changes), "utf-8")
    return out


def test_a_missing_base_and_another_one_are_refused(begins, adapters, tmp_path: Path) -> None:
    gone = moved(adapters, tmp_path, folder=str(tmp_path / "gone"))
    with pytest.raises(CheckpointError, match=r"there is no such folder.*--base FOLDER"):
        zhixing.load(gone)
    assert (
        main(["adapter", "merge", str(gone), str(tmp_path / "w"), "--base", str(begins["encoder"])])
        == 0
    )
    shutil.rmtree(gone)
    other = moved(adapters, tmp_path, folder=str(begins["bert"]))
    with pytest.raises(CheckpointError, match="an adapter of another model"):
        zhixing.load(other)


def test_tensors_of_another_form_are_refused(adapters, tmp_path: Path) -> None:
    copy = moved(adapters, tmp_path)
    stored = read_tensors(copy / "adapter_model.safetensors")
    name = next(name for name in stored if "lora_B" in name)
    write_tensors(copy / "adapter_model.safetensors", stored | {name: stored[name][:-1].clone()})
    with pytest.raises(CheckpointError, match="has the shape"):
        zhixing.load(copy)
    del stored[name]
    write_tensors(copy / "adapter_model.safetensors", stored)
    with pytest.raises(CheckpointError, match="1 tensors are missing"):
        zhixing.load(copy)


def test_an_adapter_made_elsewhere_is_refused(adapters, tmp_path: Path) -> None:
    copy = moved(adapters, tmp_path)
    (copy / "base.json").unlink()
    with pytest.raises(CheckpointError, match="made elsewhere"):
        zhixing.load(copy)


@pytest.mark.parametrize("command", ["export", "begin"])
def test_what_needs_a_whole_model_says_how_to_make_one(
    adapters, tmp_path: Path, capsys, command
) -> None:
    run = adapters["bert", "lora"]
    if command == "export":
        assert main(["export", str(run), str(tmp_path / "out"), "--to", "hf"]) == 1
    else:
        assert train(recipe(tmp_path, "classify", run), tmp_path / "run") == 3
    assert f"zhixing adapter merge {run} OUT" in capsys.readouterr().err


REFUSALS = {
    "rank": ("encoder", "classify", "rank=25", "rank = 25 is more than the 24 of"),
    "target": ("encoder", "classify", "targets=['attention.q']", "no linear layer attention.q in.*attention.qkv, attention.out, feed_forward.up, feed_forward.down"),
    "freeze": ("encoder", "classify", "freeze=1", r"freeze = 1 does nothing with \[finetune.adapter\]"),
    "learn": ("encoder", "classify", "learn=head", r"learn = head does nothing with \[finetune.adapter\]"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS.keys())
def test_what_cannot_be_is_refused_by_name(begins, tmp_path: Path, capsys, case) -> None:
    kind, objective, change, message = case
    path = recipe(tmp_path, objective, begins[kind], table='[finetune.adapter]\nkind = "lora"')
    key = "finetune" if change.startswith(("freeze", "learn")) else "finetune.adapter"
    assert train(path, tmp_path / "run", "--set", f"{key}.{change}") == 3
    assert re.search(message, capsys.readouterr().err)


def test_a_model_without_blocks_has_no_place_for_an_adapter(tmp_path: Path, capsys) -> None:
    words = tokenizer()
    network = build_network(RecurrentConfig(kind="lstm", width=16, layers=1), words.vocab)
    save_model(tmp_path / "lstm", network, words, info=ModelInfo())
    path = recipe(
        tmp_path, "preference", tmp_path / "lstm", table='[finetune.adapter]\nkind = "lora"'
    )
    assert train(path, tmp_path / "run") == 3
    assert "none: only models of Transformer blocks" in capsys.readouterr().err


def test_the_comparison_of_runs_looks_at_adapters(adapters, tmp_path: Path) -> None:
    run, copy = adapters["encoder", "dora"], tmp_path / "copy"
    shutil.copytree(run, copy)
    assert compare(run, copy).difference is None
    stored = read_tensors(copy / "adapter_model.safetensors")
    name = next(name for name in stored if "lora_B" in name)
    stored[name][0, 0] += 1.0
    write_tensors(copy / "adapter_model.safetensors", stored)
    difference = compare(run, copy).difference
    assert difference is not None
    assert name in difference.tensor


def test_a_preview_shows_what_a_recipe_with_finetune_learns(begins, tmp_path: Path, capsys) -> None:
    path = recipe(
        tmp_path, "classify", begins["encoder"], table='[finetune.adapter]\nkind = "lora"'
    )
    assert main(["preview", str(path), "--out", str(tmp_path / "run"), "--log", "none"]) == 0
    assert re.search(r"tokens +<begin>\|.+\|<end>\n", capsys.readouterr().out)
