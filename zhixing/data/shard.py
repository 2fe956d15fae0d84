"""Tokenised documents in one memory-mapped file.

One file holds everything, so that its parts can never belong to different runs:

    header   64 bytes: magic, format, bytes per id, number of ids, number of documents, CRC-32 of the rest of these
             facts and of the ends and the notes
    ids      uint16 or uint32, document after document
    ends     int64, after padding to 8 bytes
    notes    JSON: tokenizer hash, source hash, SHA-256 of the ids

Opening reads the header, the ends and the notes and compares the size: a truncated or swapped file is refused in
no time, whatever its size. `verify` reads the ids too. Left out: compression (it would cost the mapping).
"""

import hashlib
import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.core.files import atomic_open

MAGIC = b"zhixing1"
HEADER = struct.Struct("<8sIIQQQI20x")  # magic, format, id bytes, ids, documents, notes bytes, crc
FORMAT = 1
SMALL_VOCAB = 2**16


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenShard:
    """Token ids of many documents, end to end.

    `ids` is memory-mapped (uint16 or uint32); `ends[i]` (int64) is where document i stops, so document i is
    `ids[ends[i-1]:ends[i]]`. Every document carries its begin and end tokens.
    """

    path: Path
    ids: NDArray[np.unsignedinteger]
    ends: NDArray[np.int64]
    tokenizer_hash: str
    source_hash: str

    @property
    def num_documents(self) -> int:
        """Number of documents."""
        return len(self.ends)

    @property
    def num_tokens(self) -> int:
        """Number of ids, begin and end tokens included."""
        return len(self.ids)

    def document(self, index: int) -> NDArray[np.unsignedinteger]:
        """The ids of one document, still mapped."""
        start = self.ends[index - 1] if index else 0
        return self.ids[start : self.ends[index]]


class ShardWriter:
    """Write documents to an open file, one after another; `finish` completes it."""

    def __init__(self, file: IO[bytes], *, vocab: int) -> None:
        self._file = file
        self._vocab = vocab
        self._dtype = np.dtype("<u2" if vocab <= SMALL_VOCAB else "<u4")
        self._hash = hashlib.sha256()
        self._ends: list[int] = []
        self._file.write(bytes(HEADER.size))

    @property
    def num_tokens(self) -> int:
        """Ids written so far."""
        return self._ends[-1] if self._ends else 0

    def append(self, document: Sequence[int]) -> None:
        """Add one document. Raises DataError for an id outside the vocabulary."""
        ids = np.asarray(document, dtype=np.int64)
        if len(ids) and not 0 <= ids.min() <= ids.max() < self._vocab:
            raise DataError(
                f"document {len(self._ends)} holds the id {ids.max() if ids.min() >= 0 else ids.min()}; "
                f"ids must be 0 to {self._vocab - 1}"
            )
        content = ids.astype(self._dtype).tobytes()
        self._hash.update(content)
        self._file.write(content)
        self._ends.append(self.num_tokens + len(ids))

    def finish(self, *, tokenizer_hash: str, source_hash: str) -> None:
        """Write ends, notes and header."""
        facts = {
            "tokenizer_hash": tokenizer_hash,
            "source_hash": source_hash,
            "sha256": self._hash.hexdigest(),
        }
        notes = json.dumps(facts).encode()
        ends = np.asarray(self._ends, dtype="<i8").tobytes()
        self._file.write(bytes(-self.num_tokens * self._dtype.itemsize % 8))
        self._file.write(ends)
        self._file.write(notes)
        counts = (self._dtype.itemsize, self.num_tokens, len(self._ends), len(notes))
        self._file.seek(0)
        self._file.write(HEADER.pack(MAGIC, FORMAT, *counts, _crc(counts, ends, notes)))


def write_shard(
    path: Path,
    documents: Iterable[Sequence[int]],
    *,
    tokenizer_hash: str,
    source_hash: str,
    vocab: int = SMALL_VOCAB,
) -> TokenShard:
    """Write `documents` (ids below `vocab`) to `path` atomically, one at a time, and open the result.

    Two bytes per id up to a vocabulary of 65,536 and four above. Raises DataError for an id out of range.
    """
    with atomic_open(path) as file:
        writer = ShardWriter(file, vocab=vocab)
        for document in documents:
            writer.append(document)
        writer.finish(tokenizer_hash=tokenizer_hash, source_hash=source_hash)
    return open_shard(path)


def open_shard(path: Path) -> TokenShard:
    """Map a shard. Raises DataError when it is missing, truncated, swapped or of another format."""
    try:
        with path.open("rb") as file:
            return _open(path, file)
    except OSError as error:
        raise DataError(f"the token shard {path} cannot be read: {error.strerror}") from error


def verify(shard: TokenShard) -> None:
    """Read every id again and compare with the hash in the file. Raises DataError when they differ."""
    with shard.path.open("rb") as file:
        facts = _read_notes(file, _read_header(shard.path, file))
    digest = hashlib.sha256()
    for start in range(0, len(shard.ids), 1 << 22):
        digest.update(shard.ids[start : start + (1 << 22)].tobytes())
    if digest.hexdigest() != facts["sha256"]:
        raise DataError(
            f"the token shard {shard.path} was changed after it was written; build it again"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layout:
    id_bytes: int
    num_ids: int
    num_documents: int
    num_notes: int
    crc: int

    @property
    def ends_at(self) -> int:
        """Where the ends begin."""
        used = self.num_ids * self.id_bytes
        return HEADER.size + used + -used % 8

    @property
    def notes_at(self) -> int:
        """Where the notes begin."""
        return self.ends_at + 8 * self.num_documents


def _open(path: Path, file: IO[bytes]) -> TokenShard:
    layout = _read_header(path, file)
    file.seek(layout.ends_at)
    raw = file.read(8 * layout.num_documents)
    notes = file.read(layout.num_notes)
    counts = (layout.id_bytes, layout.num_ids, layout.num_documents, layout.num_notes)
    if _crc(counts, raw, notes) != layout.crc:
        raise DataError(f"the token shard {path} is damaged; build it again")
    facts = json.loads(notes)
    ids: Any = np.zeros(0, dtype=f"<u{layout.id_bytes}")  # an empty range cannot be mapped
    if layout.num_ids:
        ids = np.memmap(
            path, f"<u{layout.id_bytes}", mode="r", offset=HEADER.size, shape=(layout.num_ids,)
        )
    return TokenShard(
        path=path,
        ids=ids,
        ends=np.frombuffer(raw, dtype="<i8").astype(np.int64),
        tokenizer_hash=facts["tokenizer_hash"],
        source_hash=facts["source_hash"],
    )


def _read_header(path: Path, file: IO[bytes]) -> _Layout:
    raw = file.read(HEADER.size)
    if len(raw) < HEADER.size or not raw.startswith(MAGIC):
        raise DataError(f"{path} is not a token shard of ours")
    _, version, id_bytes, num_ids, num_documents, num_notes, crc = HEADER.unpack(raw)
    if version != FORMAT:
        raise DataError(
            f"{path} has shard format {version}; this version reads {FORMAT}: build it again"
        )
    layout = _Layout(
        id_bytes=id_bytes,
        num_ids=num_ids,
        num_documents=num_documents,
        num_notes=num_notes,
        crc=crc,
    )
    size = path.stat().st_size
    if id_bytes not in (2, 4) or size != layout.notes_at + num_notes:
        raise DataError(
            f"the token shard {path} is truncated or damaged ({size} bytes); build it again"
        )
    return layout


def _read_notes(file: IO[bytes], layout: _Layout) -> dict[str, str]:
    file.seek(layout.notes_at)
    notes: dict[str, str] = json.loads(file.read(layout.num_notes))
    return notes


def _crc(counts: tuple[int, ...], ends: bytes, notes: bytes) -> int:
    return zlib.crc32(notes, zlib.crc32(ends, zlib.crc32(repr(counts).encode())))
