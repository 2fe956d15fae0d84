"""Small packages in the form of those of the catalogue: archives, the help of LibreOffice, and a model of hatesonar's kind."""

import io
import json
import struct
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from zhixing.corpus.archive import Archive


def packed(path: Path, files: Mapping[str, bytes]) -> Archive:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return Archive(path=path)


def page(language: str, name: str, body: str) -> dict[str, bytes]:
    return {f"usr/share/libreoffice/help/{language}/text/{name}.html": f"<html>{body}".encode()}


def word_lists(path: Path, **words: Sequence[str]) -> Archive:
    files = {f"package/{name}.json": json.dumps(found).encode() for name, found in words.items()}
    return packed(path, files)


def teacher(path: Path, weights: Mapping[str, tuple[float, float, float]]) -> Archive:
    """A model that knows some words: how much each speaks for hate speech, offensive and neither."""
    columns = [value for label in range(3) for value in (row[label] for row in weights.values())]
    nodes = [
        node(
            "TfIdfVectorizer", [field(1, b"pool_strings"), *(field(9, w.encode()) for w in weights)]
        ),
        node("LinearClassifier", [field(1, b"coefficients"), field(7, floats(columns))]),
        node("LinearClassifier", [field(1, b"intercepts"), field(7, floats([0.0, 0.0, 1.0]))]),
    ]
    idf = varint(2, 1) + field(8, b"idfcst") + field(9, floats([1.0] * len(weights)))
    graph = b"".join(field(1, each) for each in nodes) + field(5, idf)
    return packed(path, {"hatesonar/hatesonar/model/model.onnx": field(7, graph)})


def node(kind: str, attribute: Sequence[bytes]) -> bytes:
    return field(4, kind.encode()) + field(5, b"".join(attribute))


def field(number: int, content: bytes) -> bytes:
    return number_bytes(number << 3 | 2) + number_bytes(len(content)) + content


def varint(number: int, value: int) -> bytes:
    return number_bytes(number << 3) + number_bytes(value)


def number_bytes(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def floats(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)
