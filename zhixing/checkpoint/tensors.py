"""Named tensors in safetensors files, which hold numbers and nothing that could run.

Hugging Face's safetensors: an 8-byte header length, a JSON header of names, types, shapes and byte ranges, the
bytes. A pickle (`.bin`, `.pt`, `.pth`, `.ckpt`) is a program for Python's unpickler: it is opened only when somebody
asks for it, and then by torch's reader that builds tensors and calls nothing else (`weights_only`).
"""

import logging
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from zhixing.core.errors import CheckpointError, DataError
from zhixing.core.files import read_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLE = "pytorch_model.bin"
PICKLE_INDEX = "pytorch_model.bin.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_LOG = logging.getLogger(__name__)
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to one file. Not atomic by itself: write into a scratch folder."""
    path.touch()
    mode = path.stat().st_mode  # the library makes files that only their owner can read
    try:
        save_file(
            {name: _compact(tensor) for name, tensor in tensors.items()}, path, {"format": "pt"}
        )
        path.chmod(mode)
    except SafetensorError as error:
        # The library hides the system's error number in its text; our messages need it.
        number = re.search(r"os error (\d+)", str(error))
        raise OSError(int(number.group(1)) if number else 5, str(error)) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a file. Raises CheckpointError when it is missing, truncated or something else."""
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing") from error
    except (SafetensorError, OSError) as error:
        if path.suffix in PICKLES or _is_pickle(path):
            raise refused_pickle(path) from error
        size = path.stat().st_size if path.is_file() else 0
        raise CheckpointError(
            f"{path} ({size} bytes) is not a whole safetensors file: {error}; copy it again"
        ) from error


def read_weights(folder: Path, *, allow_pickle: bool = False) -> dict[str, Tensor]:
    """The tensors of a model folder: one file, or the shards that an index names.

    allow_pickle: read `pytorch_model.bin` where there is no safetensors file, with a warning.
    """
    if (folder / INDEX).is_file():
        return _read_shards(folder / INDEX, read_tensors)
    if (folder / WEIGHTS).is_file() or not allow_pickle:
        return read_tensors(folder / WEIGHTS)
    if (folder / PICKLE_INDEX).is_file():
        return _read_shards(folder / PICKLE_INDEX, read_pickle)
    return read_pickle(next(path for path in pickles_in(folder)))


def pickles_in(folder: Path) -> list[Path]:
    """The files of a folder that are pickles by their name; transformers' own name first."""
    found = (path for path in folder.iterdir() if path.suffix in PICKLES)
    return sorted(found, key=lambda path: (path.name != PICKLE, path.name))


def read_pickle(path: Path) -> dict[str, Tensor]:
    """The tensors of a pickle. Raises CheckpointError where it holds anything else, which is then not run."""
    _LOG.warning("%s is a pickle; it is read as tensors only, and nothing in it is run", path)
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise CheckpointError(
            f"{path} is no pickle of tensors alone, or is not whole: it was not opened "
            f"({f'{error}'.splitlines()[0]})"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise CheckpointError(f"{path} holds something other than named tensors")
    return {f"{name}": tensor for name, tensor in found.items()}


def _read_shards(index: Path, read: Callable[[Path], dict[str, Tensor]]) -> dict[str, Tensor]:
    try:
        weight_map: dict[str, str] = read_json(index)["weight_map"]
        names = sorted(set(weight_map.values()))
    except (DataError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} has no readable weight_map: {error}") from error
    tensors: dict[str, Tensor] = {}
    for name in names:
        if Path(name).name != name:
            raise CheckpointError(f"{index}: {name!r} points outside the folder")
        tensors |= read(index.parent / name)
    return tensors


def refused_pickle(path: Path) -> CheckpointError:
    """The error for a pickle, with the reason and the way out."""
    return CheckpointError(
        f"{path} is a pickle, and opening a pickle can run any program hidden in it, so it is not opened. "
        "Ask for the model as .safetensors, or convert it: zhixing import FOLDER NEW_FOLDER --allow-pickle reads "
        "tensors from it, runs nothing, and stops at anything else"
    )


def _compact(tensor: Tensor) -> Tensor:
    """The tensor in memory of its own: a file has no views."""
    plain = tensor.detach().cpu().contiguous()
    return plain if plain.untyped_storage().nbytes() == plain.nbytes else plain.clone()


def _is_pickle(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4).startswith(_PICKLE_STARTS)
