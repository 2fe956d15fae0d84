"""Numbers out of pickles and archives, and nothing but numbers.

A pickle is a program: it names functions and calls them. This reader knows the three names that an array of numpy is
made of and refuses every other, so no other function can be called, whatever the file says. What comes out is checked.
"""

import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zhixing.core.errors import CheckpointError

BROKEN = (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, ValueError, TypeError, KeyError,
          AttributeError, IndexError, OSError)  # fmt: skip
"""What the libraries raise for damaged files."""


class _NumbersOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """The parts of a numpy array; CheckpointError for anything else."""
        from numpy._core.multiarray import _reconstruct

        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }
        if (module, name) not in known:
            raise CheckpointError(
                f"the file asks for {module}.{name}; only arrays of numbers are read from a pickle"
            )
        return known[module, name]


def read_pickle(content: bytes, *, where: str) -> Any:
    """What a pickle of numbers, texts, lists and arrays holds. Raises CheckpointError for anything else."""
    try:
        return _NumbersOnly(io.BytesIO(content)).load()
    except BROKEN as error:
        raise CheckpointError(f"{where} is not a whole pickle: {error}") from error


def read_npz(content: bytes, *, where: str) -> dict[str, NDArray[Any]]:
    """The arrays of a numpy archive. Raises CheckpointError for a broken one or one with objects in it."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive}
    except BROKEN as error:
        raise CheckpointError(f"{where} is not a whole archive of arrays: {error}") from error


def take(arrays: Mapping[str, Any], names: Mapping[str, str], *, where: str) -> dict[str, Tensor]:
    """Arrays as float32 tensors under our names, given {theirs: ours}.

    Raises CheckpointError naming arrays that are missing, not known, or not real numbers.
    """
    wrong = sorted(set(arrays) ^ set(names))
    if wrong:
        raise CheckpointError(f"{where}: missing or not known: {', '.join(wrong[:5])}")
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise CheckpointError(f"{where}: {name} is not an array of real numbers")
    return {
        ours: torch.from_numpy(np.ascontiguousarray(arrays[theirs], dtype=np.float32))
        for theirs, ours in names.items()
    }
