"""A pickle is read on request, as tensors alone; anything else in it is refused and nothing is run."""

import json
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.tiny import tiny_model, tiny_tokenizer
from zhixing.checkpoint.folder import ModelInfo, load_network, save_model
from zhixing.core.errors import CheckpointError


def saved(folder: Path) -> dict[str, torch.Tensor]:
    """A folder as an older transformers would leave it, still without weights; and these."""
    save_model(folder, tiny_model("decoder"), tiny_tokenizer(), info=ModelInfo())
    (folder / "manifest.json").unlink()
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    return tensors


def test_tensors_in_a_pickle_are_read_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    torch.save(saved(tmp_path / "m"), tmp_path / "m/pytorch_model.bin")
    with pytest.raises(CheckpointError, match="--allow-pickle"):
        load_network(tmp_path / "m")
    with caplog.at_level(logging.WARNING):
        model = load_network(tmp_path / "m", allow_pickle=True).model
    assert "is a pickle" in caplog.text
    for name, tensor in tiny_model("decoder").state_dict().items():
        assert torch.equal(model.state_dict()[name], tensor)


def test_a_pickle_in_shards_is_read(tmp_path: Path) -> None:
    tensors = saved(tmp_path / "m")
    names = sorted(tensors)
    parts = {"a.bin": names[:9], "b.bin": names[9:]}
    for file, part in parts.items():
        torch.save({name: tensors[name] for name in part}, tmp_path / "m" / file)
    index = {"weight_map": {name: file for file, part in parts.items() for name in part}}
    (tmp_path / "m/pytorch_model.bin.index.json").write_text(json.dumps(index))
    load_network(tmp_path / "m", allow_pickle=True)
    content = (tmp_path / "m/b.bin").read_bytes()
    (tmp_path / "m/b.bin").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"b\.bin"):
        load_network(tmp_path / "m", allow_pickle=True)


class _Bomb:
    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return _explode, ("boom",)


def _explode(word: str) -> None:
    Path("exploded").write_text(word)


@pytest.mark.parametrize("holds", ["a bomb beside tensors", "a bomb", "a list", "no pickle"])
def test_nothing_in_a_pickle_is_run(
    holds: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tensors = saved(tmp_path / "m")
    path = tmp_path / "m/pytorch_model.bin"
    if holds == "no pickle":
        path.write_bytes(b"weights")
    else:
        content = {"a bomb": _Bomb(), "a list": [1, 2]}.get(holds, {**tensors, "x": _Bomb()})
        torch.save(content, path)
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin"):
        load_network(tmp_path / "m", allow_pickle=True)
    assert not (tmp_path / "exploded").exists()


def test_the_bomb_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opened as a program, it would have gone off."""
    monkeypatch.chdir(tmp_path)
    torch.save(_Bomb(), tmp_path / "bomb.bin")
    torch.load(tmp_path / "bomb.bin", weights_only=False)
    assert (tmp_path / "exploded").exists()
