"""Bits per byte and perplexity with intervals, and whether one model is really better than another.

A metric here is a ratio of sums over documents. Its 95 % interval is the percentile bootstrap over documents
(Efron and Tibshirani 1993, chapter 13): documents, not tokens, are drawn again, because the tokens of one text
are far from independent. Two models are compared on the same documents: a paired bootstrap gives the interval
of the difference, approximate randomisation (Noreen 1989) the chance of a difference this large between
equals. Left out: corrections for comparing many models at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zhixing.core.errors import DataError
from zhixing.evaluate.harness import DocumentScore
from zhixing.evaluate.resampling import (
    RESAMPLES,
    Difference,
    Floats,
    random_signs,
    ratio_interval,
)
from zhixing.evaluate.score import Score, Signature


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison(Difference):
    """Model a against model b in bits per byte; `difference` below zero means that a needs fewer bits."""

    language: str


def bits_per_byte(
    scores: Sequence[DocumentScore], *, seed: int = 42, signature: Signature | None = None
) -> Score:
    """Bits needed per byte of UTF-8: comparable between tokenizers and, with care, between languages.

    Raises UnsupportedError under the signature of a tokenizer that drops text.
    """
    if signature is not None:
        signature.require_bytes()
    bits, sizes = _columns(scores, "bytes")
    low, high = ratio_interval(bits, sizes, seed)
    return _score("bits_per_byte", bits.sum() / sizes.sum(), low, high, scores, seed, signature)


def perplexity(
    scores: Sequence[DocumentScore], *, seed: int = 42, signature: Signature | None = None
) -> Score:
    """2 to the power of bits per token: comparable under one tokenizer only."""
    bits, tokens = _columns(scores, "tokens")
    low, high = ratio_interval(bits, tokens, seed)
    value = 2.0 ** (bits.sum() / tokens.sum())
    return _score("perplexity", value, _power(low), _power(high), scores, seed, signature)


def by_language(scores: Sequence[DocumentScore]) -> Mapping[str, list[DocumentScore]]:
    """The scores of each language by its tag, "all" first; documents without a language are "und"."""
    groups: dict[str, list[DocumentScore]] = {"all": list(scores)}
    for tag in sorted({score.language or "und" for score in scores}):
        groups[tag] = [score for score in scores if (score.language or "und") == tag]
    return groups


def summarise(
    scores: Sequence[DocumentScore], *, seed: int = 42, signature: Signature | None = None
) -> Mapping[str, Mapping[str, Score]]:
    """Both metrics for "all" and for each language: `summary["zh"]["bits_per_byte"].value`.

    Under a tokenizer that drops text there is no bits_per_byte.
    """
    metrics = [bits_per_byte, perplexity]
    if signature is not None and not signature.is_lossless:
        metrics = [perplexity]
    summary = {}
    for language, group in by_language(scores).items():
        if language == "all" or sum(score.tokens for score in group):
            made = [metric(group, seed=seed, signature=signature) for metric in metrics]
            summary[language] = {score.name: score for score in made}
    return summary


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """The document scores of one model and how they were made."""

    model: str
    scores: tuple[DocumentScore, ...]
    signature: Signature


def compare(a: Scored, b: Scored, *, seed: int = 42) -> list[Comparison]:
    """Is a better than b? First over all documents, then per language that has any text.

    Raises UsageError when the two were not scored alike: other data, window, precision or scoring version.
    """
    a.signature.require_same_text(b.signature)
    second = {score.id: score for score in b.scores}
    if len(second) != len(b.scores):
        raise DataError("document ids repeat, so documents cannot be paired; give each its own id")
    pairs = [(score, second[score.id]) for score in a.scores]
    result = []
    for language, group in by_language(a.scores).items():
        if language != "all" and not sum(score.bytes for score in group):
            continue
        chosen = {score.id for score in group}
        result.append(_compare(language, [pair for pair in pairs if pair[0].id in chosen], seed))
    return result


def _compare(
    language: str, pairs: Sequence[tuple[DocumentScore, DocumentScore]], seed: int
) -> Comparison:
    first, sizes = _columns([pair[0] for pair in pairs], "bytes")
    second, _ = _columns([pair[1] for pair in pairs], "bytes")
    gains = first - second
    low, high = ratio_interval(gains, sizes, seed)
    return Comparison(
        language=language,
        a=float(first.sum() / sizes.sum()),
        b=float(second.sum() / sizes.sum()),
        difference=float(gains.sum() / sizes.sum()),
        low=low,
        high=high,
        p_value=random_signs(gains, seed),
        count=len(pairs),
        seed=seed,
        resamples=RESAMPLES,
    )


def _columns(scores: Sequence[DocumentScore], unit: str) -> tuple[Floats, Floats]:
    """Bits and bytes (or tokens) of every document as float64 (documents,)."""
    bits = np.array([score.bits for score in scores], dtype=np.float64)
    sizes = np.array([getattr(score, unit) for score in scores], dtype=np.float64)
    if not sizes.sum():
        raise DataError(
            f"there is nothing to score: {len(scores)} documents with no {unit} in them; "
            "choose another file, split or language"
        )
    return bits, sizes


def _power(value: float | None) -> float | None:
    return None if value is None else 2.0**value


def _score(
    name: str,
    value: float,
    low: float | None,
    high: float | None,
    scores: Sequence[DocumentScore],
    seed: int,
    signature: Signature | None,
) -> Score:
    return Score(
        name=name,
        value=float(value),
        low=low,
        high=high,
        count=len(scores),
        unit={"bits_per_byte": "bits/byte", "perplexity": "per token"}[name],
        better="lower",
        seed=seed,
        signature="" if signature is None else str(signature),
    )
