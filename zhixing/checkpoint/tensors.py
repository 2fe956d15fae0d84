"""Named tensors in safetensors files, which hold numbers and nothing that could run.

Hugging Face's safetensors: an 8-byte header length, a JSON header of names, types, shapes and byte ranges, the
bytes. A pickle (`.bin`, `.pt`, `.pth`, `.ckpt`) is a program for Python's unpickler and is never opened here.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from zhixing.core.errors import CheckpointError, DataError
from zhixing.core.files import read_json

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80")


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to one file. Not atomic by itself: write into a scratch folder."""
    try:
        save_file(
            {name: _compact(tensor) for name, tensor in tensors.items()}, path, {"format": "pt"}
        )
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


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The tensors of a model folder: one file, or the shards that an index names."""
    if not (folder / INDEX).is_file():
        return read_tensors(folder / WEIGHTS)
    try:
        names = sorted(set(read_json(folder / INDEX)["weight_map"].values()))
    except (DataError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder / INDEX} has no readable weight_map: {error}") from error
    tensors: dict[str, Tensor] = {}
    for name in names:
        if Path(name).name != name:
            raise CheckpointError(f"{folder / INDEX}: {name!r} points outside the folder")
        tensors |= read_tensors(folder / name)
    return tensors


def refused_pickle(path: Path) -> CheckpointError:
    """The error for a pickle, with the reason and the way out."""
    return CheckpointError(
        f"{path} is a pickle, and opening a pickle can run any program hidden in it, so it is never opened. "
        "Ask for the model as .safetensors, or, if you trust whoever made it, convert it on a machine without "
        "secrets: transformers' AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)"
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
