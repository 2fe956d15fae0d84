"""Just enough of the protocol-buffer wire format to read a SentencePiece model: fields, no schema, nothing run.

A message is a row of (number, value): a varint, 4 or 8 bytes, or a length and that many bytes (Google, "Protocol
Buffers: Encoding"). The protobuf library would be a dependency for the sake of these lines.
"""

import struct
from collections.abc import Iterator

from zhixing.core.errors import CheckpointError

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5


def fields(message: bytes, origin: str) -> Iterator[tuple[int, int | bytes]]:
    """Every (field number, value) of a message in order: varints as whole numbers, all else as bytes.

    Raises CheckpointError where the bytes are no such message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place, origin)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(message, place, origin)
            yield number, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place, origin)
        elif kind in (_EIGHT, _FOUR):
            size = 8 if kind == _EIGHT else 4
        else:
            raise _broken(origin)
        if number == 0 or place + size > len(message):
            raise _broken(origin)
        yield number, message[place : place + size]
        place += size


def as_float(value: int | bytes) -> float:
    """A 4-byte field as a number."""
    assert isinstance(value, bytes)
    return float(struct.unpack("<f", value)[0])


def _varint(message: bytes, place: int, origin: str) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise _broken(origin)


def _broken(origin: str) -> CheckpointError:
    return CheckpointError(f"{origin} is not a SentencePiece model, or is truncated")
