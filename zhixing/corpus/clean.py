"""One document on its way in: repaired, cut to length, its language found, judged, personal data masked.

What comes out is either a document to keep or a reason why not; nothing disappears.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from zhixing.corpus.config import CorpusConfig, LanguageThresholds
from zhixing.corpus.cut import pieces
from zhixing.corpus.document import Document
from zhixing.corpus.filters import judge, threshold
from zhixing.corpus.pii import mask
from zhixing.corpus.store import Dropped
from zhixing.corpus.units import Hashes, UnitHasher, ngrams
from zhixing.text.language import detect
from zhixing.text.normalise import repair

START_CHARACTERS = 80
_KANA = re.compile("[\u3041-\u30fa]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cleaned:
    """A document that passed; `shingles` is its sorted set of shingle hashes, `masked` what was replaced."""

    document: Document
    shingles: Hashes
    masked: Counter[str] = field(default_factory=Counter)


class Cleaner:
    """Applies the rules of one configuration; holds only a bounded memory of frequent words."""

    def __init__(self, config: CorpusConfig) -> None:
        self._config = config
        self._hasher = UnitHasher()

    @property
    def looks_for_copies(self) -> bool:
        """Whether near-duplicates are dropped, for which signatures are needed."""
        return self._config.near_duplicates.enabled

    def clean(self, raw: Document) -> Iterator[Cleaned | Dropped]:
        """Yield what becomes of `raw`: one outcome, or one for each of its pieces when it is too long."""
        text = repair(raw.text).strip()
        if not text:
            yield dropped(raw, "empty")
            return
        parts = pieces(text, self._config.max_characters)
        for number, part in enumerate(parts, start=1):
            name = raw.id if len(parts) == 1 else f"{raw.id}#{number}"
            yield self._judge(replace(raw, id=name, text=part))

    def shingles(self, text: str) -> Hashes:
        """The sorted set of shingle hashes of a text that was cleaned."""
        return self._shingles(self._hasher.measure(text).hashes)

    def _judge(self, document: Document) -> Cleaned | Dropped:
        filters = self._config.filters
        language, confidence = self._language(document)
        if language not in filters.languages:
            limit = filters.min_language_confidence
            return dropped(document, "language", score=confidence, limit=limit)
        document = replace(document, language=language)
        limits: LanguageThresholds = getattr(filters, language)
        found = self._hasher.measure(document.text)
        verdict = judge(document.text, found, limits)
        if not verdict.keep:
            limit = threshold(verdict.reason, limits)
            return dropped(document, verdict.reason, score=verdict.score, limit=limit)
        if not self._config.pii:
            return Cleaned(document=document, shingles=self._shingles(found.hashes))
        masked_text, counts = mask(document.text)
        if masked_text != document.text:
            document = replace(document, text=masked_text)
            found = self._hasher.measure(masked_text)
        shingles = self._shingles(found.hashes)
        return Cleaned(document=document, shingles=shingles, masked=Counter(counts))

    def _language(self, document: Document) -> tuple[str, float]:
        """The detector's answer; where it is unsure, what the source says about itself."""
        detected = detect(document.text)
        sure = detected.confidence >= self._config.filters.min_language_confidence
        if not sure or detected.tag == "und":
            return document.language or "und", detected.confidence
        # Without kana, Han characters alone do not tell traditional Chinese from Japanese.
        if detected.tag == "ja" and document.language == "zh" and not _KANA.search(document.text):
            return "zh", detected.confidence
        return detected.tag, detected.confidence

    def _shingles(self, hashes: Hashes) -> Hashes:
        runs = ngrams(hashes, self._config.near_duplicates.shingle)
        runs.sort()
        keep = runs[1:] != runs[:-1]
        return runs[[True, *keep]] if len(runs) else runs


def dropped(
    document: Document, reason: str, *, score: float = 0.0, limit: float = 0.0, kept_id: str = ""
) -> Dropped:
    """The record of a document that is not kept; its first words are shown with personal data masked."""
    return Dropped(
        id=document.id,
        source=document.source,
        reason=reason,
        score=round(score, 4),
        threshold=limit,
        bytes=len(document.text.encode("utf-8", "replace")),
        kept_id=kept_id,
        start=mask(document.text[: 2 * START_CHARACTERS])[0][:START_CHARACTERS],
    )
