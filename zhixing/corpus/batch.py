"""A batch of raw documents made ready for the corpus: cleaned, written as lines, signed.

This is all the work that needs no knowledge of other documents, so any process can do it; what comes out is compact.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from zhixing.corpus.clean import Cleaned, Cleaner
from zhixing.corpus.duplicates import signatures
from zhixing.corpus.readers import Raw
from zhixing.corpus.store import Dropped, to_line
from zhixing.corpus.units import Hashes

LANGUAGES = ("en", "zh")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A document that stays unless it is a copy: its line, and `num_bytes` and `digest` (16 bytes) of its text."""

    line: bytes
    num_bytes: int
    digest: bytes
    language: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CleanBatch:
    """Outcomes in reading order; one signature per candidate (none where copies are not looked for)."""

    outcomes: tuple[Candidate | Dropped, ...]
    signatures: NDArray[np.uint32]
    masked: Counter[str]


def clean_batch(cleaner: Cleaner, raws: Sequence[Raw]) -> CleanBatch:
    """Clean every document; records of what could not be read pass through."""
    outcomes: list[Candidate | Dropped] = []
    shingles: list[Hashes] = []
    masked = Counter[str]()
    for raw in raws:
        for outcome in [raw] if isinstance(raw, Dropped) else cleaner.clean(raw):
            if isinstance(outcome, Dropped):
                outcomes.append(outcome)
                continue
            outcomes.append(_candidate(outcome))
            shingles.append(outcome.shingles)
            masked.update(outcome.masked)
    signed = signatures(shingles if cleaner.looks_for_copies else [])
    return CleanBatch(outcomes=tuple(outcomes), signatures=signed, masked=masked)


def _candidate(cleaned: Cleaned) -> Candidate:
    text = cleaned.document.text.encode("utf-8", "replace")
    return Candidate(
        line=to_line(cleaned.document),
        num_bytes=len(text),
        digest=blake2b(text, digest_size=16).digest(),
        language=LANGUAGES.index(cleaned.document.language),
    )
