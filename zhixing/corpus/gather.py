"""The first pass over the sources: clean every document and write what passes to a scratch file.

Beside the texts it leaves what the second pass needs in compact form: where each line begins, a digest, a
language and a MinHash signature. Memory does not grow with the text.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from zhixing.core.progress import Progress
from zhixing.corpus.card import Amount
from zhixing.corpus.clean import Cleaned, Cleaner
from zhixing.corpus.config import CorpusConfig, SourceConfig
from zhixing.corpus.document import Document
from zhixing.corpus.duplicates import append_rows, signatures
from zhixing.corpus.inputs import Input
from zhixing.corpus.store import Dropped, to_line
from zhixing.corpus.units import Hashes

LANGUAGES = ("en", "zh")
_BATCH_SHINGLES = 500_000


@dataclass(kw_only=True, slots=True)
class Gathered:
    """What the first pass found; the arrays have one item per candidate, in reading order."""

    candidates: Path
    signatures: Path
    begins: "array[int]" = field(default_factory=lambda: array("Q"))
    digests: "array[int]" = field(default_factory=lambda: array("Q"))
    languages: "array[int]" = field(default_factory=lambda: array("B"))
    read: dict[str, Amount] = field(default_factory=dict)
    dropped: dict[str, Amount] = field(default_factory=dict)
    masked: Counter[str] = field(default_factory=Counter)
    cut_short: list[str] = field(default_factory=list)

    def digest_rows(self) -> NDArray[np.uint64]:
        """Digests of the texts, documents × 2."""
        return np.frombuffer(self.digests, dtype=np.uint64).reshape(-1, 2)

    def count_dropped(self, record: Dropped) -> None:
        """Add one record to the totals."""
        self.dropped[record.reason] = self.dropped.get(record.reason, Amount()).plus(record.bytes)

    def documents(self) -> Iterator[Document]:
        """The candidates again, in reading order."""
        with self.candidates.open("rb") as file:
            for line in file:
                yield Document(**json.loads(line))


class Gatherer:
    """The files of one first pass, open for writing."""

    def __init__(self, config: CorpusConfig, scratch: Path, drops: IO[bytes]) -> None:
        self._config = config
        self._drops = drops
        self._cleaner = Cleaner(config)
        self._pending: list[Hashes] = []
        self._num_pending = 0
        self.result = Gathered(
            candidates=scratch / "candidates.jsonl", signatures=scratch / "signatures.bin"
        )
        self._texts = self.result.candidates.open("wb")
        self._rows = self.result.signatures.open("wb")

    def gather(self, source: SourceConfig, opened: Input, *, progress: Progress) -> None:
        """Read and clean one source."""
        progress.start(f"reading and cleaning {source.name}", total=source.max_bytes, unit="B")
        amount = Amount()
        for raw in opened.read():
            if isinstance(raw, Dropped):
                self._drop(raw)
                continue
            size = len(raw.text.encode("utf-8", "replace"))
            if source.max_bytes is not None and amount.bytes + size > source.max_bytes:
                self.result.cut_short.append(source.name)
                break
            amount = amount.plus(size)
            progress.advance(size)
            for outcome in self._cleaner.clean(raw):
                self._drop(outcome) if isinstance(outcome, Dropped) else self._keep(outcome)
        self.result.read[source.name] = amount
        progress.finish(
            f"{source.name}: {amount.documents} documents, {amount.bytes / 1e6:.2f} MB read"
        )

    def finish(self) -> Gathered:
        """Write what is pending and close the files."""
        self._sign()
        self._texts.close()
        self._rows.close()
        return self.result

    def _drop(self, record: Dropped) -> None:
        self.result.count_dropped(record)
        self._drops.write(to_line(record))

    def _keep(self, cleaned: Cleaned) -> None:
        document = cleaned.document
        digest = blake2b(document.text.encode("utf-8", "replace"), digest_size=16).digest()
        self.result.begins.append(self._texts.tell())
        self.result.digests.frombytes(digest)
        self.result.languages.append(LANGUAGES.index(document.language))
        self.result.masked.update(cleaned.masked)
        self._texts.write(
            json.dumps(asdict(document), ensure_ascii=False).encode("utf-8", "replace")
        )
        self._texts.write(b"\n")
        if self._config.near_duplicates.enabled:
            self._pending.append(cleaned.shingles)
            self._num_pending += len(cleaned.shingles)
        if self._num_pending > _BATCH_SHINGLES:
            self._sign()

    def _sign(self) -> None:
        if self._pending:
            append_rows(self._rows, signatures(self._pending))
        self._pending = []
        self._num_pending = 0
