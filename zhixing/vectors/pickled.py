"""gensim's KeyedVectors, which are Python pickles, without running what a pickle may ask to run.

A pickle names the functions that build its objects. Here only numpy's arrays and gensim's own classes may be named,
and the latter become plain boxes of attributes; anything else ends the reading before it is called. The large array
may lie beside the file, as FILE.vectors.npy.
"""

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zhixing.core.errors import DataError
from zhixing.vectors.table import Floats, Vectors

_GENSIM = "gensim.models.keyedvectors"
_BOXED = (
    "KeyedVectors",
    "Word2VecKeyedVectors",
    "WordEmbeddingsKeyedVectors",
    "BaseKeyedVectors",
    "EuclideanKeyedVectors",
    "Vocab",
)
_FAULTS = (EOFError, AttributeError, ValueError, TypeError, KeyError, IndexError)


class Box:
    """Stands for an object of gensim: its attributes and nothing it could do."""


def read_gensim(path: Path) -> Vectors:
    """Open a .kv file of gensim 3 or 4. Raises DataError for any other pickle."""
    try:
        with path.open("rb") as file:
            content = _Restricted(file).load()
    except pickle.UnpicklingError as error:
        raise DataError(f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from error
    except _FAULTS as error:
        raise DataError(f"{path} is damaged or no pickle of gensim's vectors ({error})") from error
    if not isinstance(content, Box):
        raise DataError(f"{path} holds a {type(content).__name__}, not gensim's KeyedVectors")
    return _vectors(vars(content), path)


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Only what vectors are made of."""
        if (module, name) in _allowed():
            return _allowed()[module, name]
        if module == _GENSIM and name in _BOXED:
            return Box
        raise pickle.UnpicklingError(
            f"the pickle asks for {module}.{name}, which vectors do not need; it was not opened. "
            "Save them with gensim's save_word2vec_format and load that file"
        )


def _allowed() -> Mapping[tuple[str, str], Callable[..., Any]]:
    from numpy._core import multiarray

    reconstruct: Callable[..., Any] = multiarray._reconstruct
    scalar: Callable[..., Any] = multiarray.scalar
    cores = ("numpy.core.multiarray", "numpy._core.multiarray")
    return {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        **{(core, "_reconstruct"): reconstruct for core in cores},
        **{(core, "scalar"): scalar for core in cores},
    }


def _vectors(found: Mapping[str, Any], path: Path) -> Vectors:
    words = found.get("index_to_key", found.get("index2word"))
    matrix = found.get("vectors", found.get("syn0"))
    if matrix is None:
        matrix = _beside(path)
    is_table = isinstance(matrix, np.ndarray) and matrix.dtype.kind == "f" and matrix.ndim == 2
    is_list = isinstance(words, list) and all(isinstance(word, str) for word in words)
    if not is_table or not is_list:
        raise DataError(f"{path} holds no list of words with a matrix of numbers")
    if not np.isfinite(matrix).all():
        raise DataError(f"{path} holds a vector with NaN or infinity")
    return Vectors(words, matrix.astype(np.float32, copy=False), name=str(path))


def _beside(path: Path) -> Floats:
    """The array that gensim moves out of a large pickle, memory-mapped."""
    for name in (f"{path.name}.vectors.npy", f"{path.name}.syn0.npy"):
        file = path.with_name(name)
        if file.is_file():
            try:
                array: Floats = np.load(file, mmap_mode="r", allow_pickle=False)
            except ValueError as error:
                raise DataError(f"{file} is no plain array of numpy ({error})") from error
            return array
    raise DataError(f"{path} keeps its vectors in {path.name}.vectors.npy, which is not beside it")
