"""From a model folder to the forms of other programs, and back."""

from pathlib import Path

import torch

from zhixing.checkpoint.folder import (
    Loaded,
    ModelInfo,
    contents,
    is_hugging_face,
    load_network,
    save_model,
)
from zhixing.checkpoint.foreign.folder import save_imported
from zhixing.checkpoint.foreign.package import read_package
from zhixing.checkpoint.gguf import Precision, write_gguf
from zhixing.checkpoint.manifest import NAME, Manifest, read_manifest
from zhixing.checkpoint.model_files import CONFIG
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.core.files import atomic_folder
from zhixing.model.assembly import Network

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Kinds of number of a Hugging Face folder."""
GGUF = "model.gguf"


def export_hf(folder: Path, out: Path, *, dtype: str) -> Path:
    """Write a Hugging Face folder: weights of the given kind, tokenizer, generation settings, chat template.

    Raises UnsupportedError for a model that no family of transformers can hold.
    """
    _check_place(folder, out)
    loaded = load_network(folder)
    if not is_hugging_face(loaded.model, loaded.tokenizer):
        raise UnsupportedError(
            f"{folder} holds a model of the kind {loaded.manifest.model_kind!r} in our own form: no class of transformers "
            "computes it, so there is no Hugging Face folder of it"
        )
    loaded.model.to(DTYPES[dtype])
    save_model(out, loaded.model, loaded.tokenizer, info=_info(loaded))
    return out


def export_gguf(folder: Path, out: Path, *, precision: Precision) -> Path:
    """Write OUT/model.gguf. Raises UnsupportedError for what such a file cannot hold."""
    loaded = load_network(folder)
    if out.exists() and any(path.name != GGUF for path in out.iterdir()):
        raise CheckpointError(
            f"{out} exists and holds something else ({contents(out)}); choose another name"
        )
    with atomic_folder(out) as scratch:
        write_gguf(scratch / GGUF, loaded.model, loaded.tokenizer, precision=precision)
    return out / GGUF


def import_folder(folder: Path, out: Path, *, allow_pickle: bool) -> Manifest:
    """Check a folder made elsewhere and save it as ours, in safetensors and with hashes.

    The packages of checkpoint/foreign are known by their files, unpacked or not.
    """
    _check_place(folder, out)
    package = read_package(folder) if folder.exists() and not (folder / CONFIG).exists() else None
    if package is not None:
        return save_imported(out, package)
    loaded = load_network(folder, allow_pickle=allow_pickle)
    return save_model(out, loaded.model, loaded.tokenizer, info=_info(loaded))


def _check_place(folder: Path, out: Path) -> None:
    """Raise CheckpointError where writing `out` would lose more than an earlier model folder."""
    if not out.is_dir():
        return
    if folder.exists() and out.samefile(folder):
        raise CheckpointError(f"{out} is the model itself; choose another name")
    names = sorted(path.name + ("/" if path.is_dir() else "") for path in out.iterdir())
    known = {*read_manifest(out).files, NAME} if NAME in names else set[str]()
    if others := [name for name in names if name not in known]:
        raise CheckpointError(
            f"{out} exists and holds more than a model ({', '.join(others[:6])}); choose another name"
        )


def _info(loaded: Loaded[Network]) -> ModelInfo:
    manifest = loaded.manifest
    return ModelInfo(
        step=manifest.step,
        tokens=manifest.tokens,
        config_hash=manifest.config_hash,
        ends=loaded.ends,
        learnt=loaded.learnt,
    )
