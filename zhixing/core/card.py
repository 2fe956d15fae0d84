"""The card of a corpus: what went in, what was kept, what was dropped and why, in numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from zhixing.core.errors import DataError

FORMAT = "zhixing-corpus-1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """How much text: `bytes` are UTF-8 bytes of the text alone."""

    documents: int = 0
    bytes: int = 0

    def plus(self, num_bytes: int) -> "Amount":
        """The amount with one more document."""
        return Amount(documents=self.documents + 1, bytes=self.bytes + num_bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceCard:
    """One source: `documents` and `bytes` as read, before any filter; `sha256` of what was read."""

    name: str
    origin: str
    license: str
    languages: tuple[str, ...]
    documents: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusCard:
    """What `card.json` holds. `kept[split][language]`, `dropped[reason]`; hashes are hexadecimal SHA-256."""

    sources: tuple[SourceCard, ...]
    kept: Mapping[str, Mapping[str, Amount]]
    dropped: Mapping[str, Amount]
    masked: Mapping[str, int]
    notes: tuple[str, ...]
    data_hash: str
    build_hash: str
    config: Mapping[str, Any] = field(default_factory=dict)
    format: str = FORMAT

    def kept_amount(self, language: str = "") -> Amount:
        """Everything kept over the splits, of one language or (empty) of all."""
        amounts = [
            amount
            for languages in self.kept.values()
            for name, amount in languages.items()
            if language in ("", name)
        ]
        return Amount(
            documents=sum(a.documents for a in amounts), bytes=sum(a.bytes for a in amounts)
        )


def to_json(card: CorpusCard) -> dict[str, Any]:
    """The card as plain JSON values."""
    return asdict(card)


def from_json(value: Any) -> CorpusCard:
    """The card from JSON values; raises DataError when it is not one of ours."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise DataError(f"this is not the card of a corpus (format {FORMAT!r}); build it again")
    try:
        return CorpusCard(
            sources=tuple(_source(source) for source in value["sources"]),
            kept={
                split: {name: Amount(**amount) for name, amount in languages.items()}
                for split, languages in value["kept"].items()
            },
            dropped={reason: Amount(**amount) for reason, amount in value["dropped"].items()},
            masked=value["masked"],
            notes=tuple(value["notes"]),
            data_hash=value["data_hash"],
            build_hash=value["build_hash"],
            config=value["config"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"this card of a corpus was edited or is incomplete ({error!r})") from error


def _source(value: Mapping[str, Any]) -> SourceCard:
    return SourceCard(**{**value, "languages": tuple(value["languages"])})
