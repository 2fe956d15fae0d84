"""The first pass over the sources: clean every document and write what passes to a scratch file.

Beside the texts it leaves what the second pass needs in compact form: where each line begins, a digest, a
language and a MinHash signature. Memory does not grow with the text.
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from zhixing.core.batches import batches
from zhixing.core.card import Amount
from zhixing.core.progress import Progress
from zhixing.corpus.batch import Candidate, CleanBatch
from zhixing.corpus.config import CorpusConfig, SourceConfig
from zhixing.corpus.duplicates import append_rows
from zhixing.corpus.inputs import Input
from zhixing.corpus.readers import Raw
from zhixing.corpus.store import Dropped, to_line
from zhixing.corpus.workers import Cleaners

_BATCH_CHARACTERS = 200_000  # a fraction of a second's work
_BATCH_DOCUMENTS = 2_000


@dataclass(kw_only=True, slots=True)
class Gathered:
    """What the first pass found; the arrays have one item per candidate, in reading order."""

    candidates: Path
    signatures: Path
    begins: "array[int]" = field(default_factory=lambda: array("Q"))
    sizes: "array[int]" = field(default_factory=lambda: array("Q"))
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

    def lines(self) -> Iterator[bytes]:
        """The candidates again, in reading order, as written by `to_line`."""
        with self.candidates.open("rb") as file:
            yield from file


class Gatherer:
    """The files of one first pass, open for writing."""

    def __init__(self, config: CorpusConfig, scratch: Path, drops: IO[bytes]) -> None:
        self._drops = drops
        self._cleaners = Cleaners(config)
        self.result = Gathered(
            candidates=scratch / "candidates.jsonl", signatures=scratch / "signatures.bin"
        )
        self._texts = self.result.candidates.open("wb")
        self._rows = self.result.signatures.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleaners.__exit__(kind, error, trace)
        self._texts.close()
        self._rows.close()

    def gather(self, source: SourceConfig, opened: Input, *, progress: Progress) -> None:
        """Read and clean one source."""
        progress.start(f"reading and cleaning {source.name}", total=source.max_bytes, unit="B")
        self.result.read[source.name] = Amount()
        raws = batches(
            self._read(source, opened, progress),
            _num_characters,
            max_size=_BATCH_CHARACTERS,
            max_items=_BATCH_DOCUMENTS,
        )
        for batch in self._cleaners.clean(raws):
            self._write(batch)
        amount = self.result.read[source.name]
        progress.finish(
            f"{source.name}: {amount.documents} documents, {amount.bytes / 1e6:.2f} MB read"
        )

    def finish(self) -> Gathered:
        """Write what is pending; the result can then be read."""
        self._texts.flush()
        self._rows.flush()
        return self.result

    def _read(self, source: SourceConfig, opened: Input, progress: Progress) -> Iterator[Raw]:
        """What the source holds, up to its `max_bytes`."""
        for raw in opened.read():
            if isinstance(raw, Dropped):
                yield raw
                continue
            size = len(raw.text.encode("utf-8", "replace"))
            amount = self.result.read[source.name]
            if source.max_bytes is not None and amount.bytes + size > source.max_bytes:
                self.result.cut_short.append(source.name)
                break
            self.result.read[source.name] = amount.plus(size)
            progress.advance(size)
            yield raw

    def _write(self, batch: CleanBatch) -> None:
        self.result.masked.update(batch.masked)
        append_rows(self._rows, batch.signatures)
        for outcome in batch.outcomes:
            if isinstance(outcome, Candidate):
                self._keep(outcome)
            else:
                self.result.count_dropped(outcome)
                self._drops.write(to_line(outcome))

    def _keep(self, candidate: Candidate) -> None:
        self.result.begins.append(self._texts.tell())
        self.result.sizes.append(candidate.num_bytes)
        self.result.digests.frombytes(candidate.digest)
        self.result.languages.append(candidate.language)
        self._texts.write(candidate.line)


def _num_characters(raw: Raw) -> int:
    return 0 if isinstance(raw, Dropped) else len(raw.text)
