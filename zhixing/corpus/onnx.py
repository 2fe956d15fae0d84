"""What is inside an ONNX file: the settings of its nodes and its constants, read as data without running the graph.

ONNX is protobuf: (number << 3 | kind) and a value, again and again; kinds are 0 a varint, 1 eight bytes, 2 a length and so
many bytes, 5 four bytes. Only what a linear model of scikit-learn has is read here: a number or text, lists of both, float
tensors. Field numbers are those of onnx.proto (IR version 10). Left out: everything else, such as lists of whole numbers,
subgraphs and types.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError

_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_OP_TYPE, _ATTRIBUTE = 4, 5
_NAME, _FLOAT, _INT, _TEXT, _FLOATS, _TEXTS = 1, 2, 3, 4, 7, 9
_TENSOR_KIND, _TENSOR_FLOATS, _TENSOR_NAME, _TENSOR_RAW = 2, 4, 8, 9
_FLOAT32 = 1
Value = int | bytes
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """`settings` by node kind and name (a kind that occurs twice: those of the last), None for a kind that is not read here;
    `constants` are flat.
    """

    settings: dict[tuple[str, str], Any]
    constants: dict[str, Floats]


def read_onnx(content: bytes) -> Graph:
    """Raises DataError for bytes that are no such file."""
    settings: dict[tuple[str, str], Any] = {}
    constants: dict[str, Floats] = {}
    try:
        for graph in _blocks(content, _GRAPH):
            for node in _blocks(graph, _NODE):
                (kind,) = _blocks(node, _OP_TYPE)
                for attribute in _blocks(node, _ATTRIBUTE):
                    name, value = _setting(attribute)
                    settings[kind.decode(), name] = value
            for tensor in _blocks(graph, _INITIALIZER):
                constants |= _constant(tensor)
    except (IndexError, ValueError, struct.error) as error:
        raise DataError(f"this is no ONNX file that can be read: {error}") from error
    if not settings:
        raise DataError("this is no ONNX file that can be read: there is no node in it")
    return Graph(settings=settings, constants=constants)


def _setting(content: bytes) -> tuple[str, Any]:
    name, value = "", None
    floats: list[float] = []
    texts: list[str] = []
    for field, found in _fields(content):
        if field == _NAME:
            name = _bytes(found).decode()
        elif field == _FLOAT:
            value = struct.unpack("<f", _bytes(found))[0]
        elif field == _INT:
            value = found
        elif field == _TEXT:
            value = _bytes(found).decode()
        elif field == _FLOATS:
            floats += np.frombuffer(_bytes(found), "<f4").tolist()
        elif field == _TEXTS:
            texts.append(_bytes(found).decode())
    return name, floats or texts or value


def _constant(content: bytes) -> dict[str, Floats]:
    """A float tensor by its name; nothing for another kind."""
    fields = list(_fields(content))
    named = dict(fields)
    if named.get(_TENSOR_KIND) != _FLOAT32:
        return {}
    raw = b"".join(_bytes(v) for field, v in fields if field in (_TENSOR_FLOATS, _TENSOR_RAW))
    return {_bytes(named[_TENSOR_NAME]).decode(): np.frombuffer(raw, "<f4").astype(np.float64)}


def _blocks(content: bytes, wanted: int) -> Iterator[bytes]:
    return (_bytes(value) for field, value in _fields(content) if field == wanted)


def _bytes(value: Value) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where a block of bytes belongs")
    return value


def _fields(content: bytes) -> Iterator[tuple[int, Value]]:
    """Number and value of each field, in order."""
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(content, at)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, at = _varint(content, at)
        if size is None or at + size > len(content):
            raise ValueError(f"there is no field at byte {at}")
        yield key >> 3, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; the number and where it ends."""
    value = shift = 0
    while True:
        byte = content[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
