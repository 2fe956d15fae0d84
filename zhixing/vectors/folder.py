"""A folder of word vectors: opened at once whatever its size, because the matrix is memory-mapped.

words.txt             one word a line, the most frequent first
vectors.safetensors   one float32 tensor "vectors" (words, width)
vectors.json          format, sizes, where they are from, and the SHA-256 of the other two, written last
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zhixing.core.errors import CheckpointError, DataError
from zhixing.core.files import atomic_open, read_json, sha256_file, write_json
from zhixing.vectors.blocks import Block
from zhixing.vectors.table import Floats, Vectors

MANIFEST = "vectors.json"
WORDS = "words.txt"
MATRIX = "vectors.safetensors"
FORMAT = 1

_HEADER_BYTES = 256
_FACTS = {"format": int, "words": int, "width": int, "origin": str, "files": dict}


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """What was written."""

    words: int
    width: int


def is_vectors_folder(path: Path) -> bool:
    """Whether `path` is a folder of word vectors."""
    return (path / MANIFEST).is_file()


def save(
    blocks: Iterable[Block], folder: Path, *, origin: str, facts: Mapping[str, Any] | None = None
) -> Saved:
    """Write a folder block by block, in little memory; `origin` says where the vectors are from, `facts` more.

    An older folder of vectors stays whole until the new one is: its manifest is removed first, written last.
    """
    words, width = 0, 0
    (folder / MANIFEST).unlink(missing_ok=True)
    with atomic_open(folder / WORDS) as lines, atomic_open(folder / MATRIX) as matrix:
        matrix.write(b" " * _HEADER_BYTES)
        for block in blocks:
            if any("\n" in word for word in block.words):
                raise DataError("a word has a line break in it; it cannot be kept")
            width = block.rows.shape[1]
            words += len(block.words)
            lines.write("".join(f"{word}\n" for word in block.words).encode())
            matrix.write(np.ascontiguousarray(block.rows, dtype="<f4").tobytes())
        matrix.seek(0)
        matrix.write(_header(words, width))
    files = {name: sha256_file(folder / name) for name in (WORDS, MATRIX)}
    manifest = {"format": FORMAT, "words": words, "width": width, "origin": origin, "files": files}
    write_json(folder / MANIFEST, {**manifest, **(facts or {})})
    return Saved(words=words, width=width)


def load(folder: Path) -> Vectors:
    """Open a folder. Raises CheckpointError if a file is missing, cut or not the one that was written."""
    manifest = read_manifest(folder)
    for name, digest in manifest["files"].items():
        if name not in (WORDS, MATRIX):
            raise CheckpointError(f"{folder / MANIFEST} names an unknown file {name!r}")
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} has no {name}; make the vectors again")
        if sha256_file(folder / name) != digest:
            raise CheckpointError(
                f"{folder / name} was edited or is damaged: it is not the file that {MANIFEST} describes"
            )
    words = (folder / WORDS).read_text("utf-8").split("\n")[:-1]
    shape = (manifest["words"], manifest["width"])
    return Vectors(words, _mapped(folder / MATRIX, shape), name=f"the vectors in {folder}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """What vectors.json says."""
    if not is_vectors_folder(folder):
        raise DataError(f"{folder} is no folder of word vectors: it has no {MANIFEST}")
    manifest = read_json(folder / MANIFEST)
    for key, kind in _FACTS.items():
        if not isinstance(manifest, dict) or not isinstance(manifest.get(key), kind):
            raise CheckpointError(f"{folder / MANIFEST} is damaged: {key!r} is missing or wrong")
    if manifest["format"] != FORMAT:
        raise CheckpointError(
            f"{folder / MANIFEST} has format {manifest['format']}; this version reads {FORMAT}"
        )
    if set(manifest["files"]) != {WORDS, MATRIX}:
        raise CheckpointError(f"{folder / MANIFEST} must list {WORDS} and {MATRIX}")
    return manifest


def _header(words: int, width: int) -> bytes:
    """What a safetensors file begins with, padded with spaces to a fixed length."""
    end = 4 * words * width
    tensor = {"dtype": "F32", "shape": [words, width], "data_offsets": [0, end]}
    text = json.dumps({"vectors": tensor}).encode()
    room = _HEADER_BYTES - 8
    return room.to_bytes(8, "little") + text.ljust(room)


def _mapped(path: Path, shape: tuple[int, int]) -> Floats:
    if path.stat().st_size != _HEADER_BYTES + 4 * shape[0] * shape[1]:
        raise CheckpointError(
            f"{path} has not the size of {shape[0]} vectors of {shape[1]} numbers"
        )
    matrix: Floats = np.memmap(path, dtype="<f4", mode="r", offset=_HEADER_BYTES, shape=shape)
    return matrix
