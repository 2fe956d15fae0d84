"""How densely a tokenizer writes each language: the first thing that decides speed and reach of a model."""

from collections.abc import Iterable
from dataclasses import dataclass

from zhixing.core.batches import batches
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer, num_bytes

BATCH_CHARACTERS = 1_000_000
BATCH_TEXTS = 4_096
TOTAL = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageStats:
    """Sums over the texts of one language; tokens are counted without begin and end."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0
    tokens: int = 0
    unknown: int = 0

    @property
    def bytes_per_token(self) -> float:
        """UTF-8 bytes per token; 0 without tokens."""
        return self.bytes / self.tokens if self.tokens else 0.0

    @property
    def characters_per_token(self) -> float:
        """Unicode characters per token; 0 without tokens."""
        return self.characters / self.tokens if self.tokens else 0.0


def measure(tokenizer: Tokenizer, texts: Iterable[tuple[str, str]]) -> dict[str, LanguageStats]:
    """Statistics per language of (language, text) pairs, and under `all` those of every text."""
    sums: dict[str, LanguageStats] = {}
    for batch in batches(
        texts, lambda pair: len(pair[1]), max_size=BATCH_CHARACTERS, max_items=BATCH_TEXTS
    ):
        rows = tokenizer.encode_texts([text for _, text in batch])
        for (language, text), ids in zip(batch, rows, strict=True):
            one = _measure_one(tokenizer, text, ids)
            for name in (language, TOTAL):
                sums[name] = _add(sums.get(name, LanguageStats()), one)
    return sums


def _measure_one(tokenizer: Tokenizer, text: str, ids: list[int]) -> LanguageStats:
    specials = tokenizer.specials
    unknown = ids.count(specials[Special.UNKNOWN]) if Special.UNKNOWN in specials else 0
    return LanguageStats(
        documents=1,
        bytes=num_bytes(text),
        characters=len(text),
        tokens=len(ids),
        unknown=unknown,
    )


def _add(left: LanguageStats, right: LanguageStats) -> LanguageStats:
    return LanguageStats(
        documents=left.documents + right.documents,
        bytes=left.bytes + right.bytes,
        characters=left.characters + right.characters,
        tokens=left.tokens + right.tokens,
        unknown=left.unknown + right.unknown,
    )
