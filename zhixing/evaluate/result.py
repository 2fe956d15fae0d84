"""A finished evaluation as a file: the scores for people, and every document for later comparisons."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zhixing.core.errors import DataError
from zhixing.core.files import read_json, write_json
from zhixing.evaluate.harness import DocumentScore
from zhixing.evaluate.metrics import Scored, summarise
from zhixing.evaluate.score import Signature

FORMAT = "zhixing-scores-1"


def to_json(scored: Scored, *, seed: int) -> dict[str, Any]:
    """The scores by language and metric, with what they depend on; plain JSON values."""
    summary = summarise(scored.scores, seed=seed, signature=scored.signature)
    return {
        "format": FORMAT,
        "model": scored.model,
        "suite": "likelihood",
        "signature": str(scored.signature),
        "documents": len(scored.scores),
        "bytes": sum(score.bytes for score in scored.scores),
        "tokens": sum(score.tokens for score in scored.scores),
        "scores": {
            language: {name: asdict(score) for name, score in metrics.items()}
            for language, metrics in summary.items()
        },
    }


def save_result(path: Path, scored: Scored, *, seed: int) -> None:
    """Write an evaluation with every document's score, atomically."""
    details = {
        "signed": asdict(scored.signature),
        "document_scores": [asdict(score) for score in scored.scores],
    }
    write_json(path, to_json(scored, seed=seed) | details)


def read_result(path: Path) -> Scored:
    """Read what `save_result` wrote. Raises DataError for another file."""
    value = read_json(path)
    if not isinstance(value, Mapping) or value.get("format") != FORMAT:
        raise DataError(
            f"{path} is not an evaluation of ours (format {FORMAT!r}); make one with: "
            "zhixing evaluate MODEL --data DATA --out FILE"
        )
    try:
        return Scored(
            model=value["model"],
            scores=tuple(DocumentScore(**score) for score in value["document_scores"]),
            signature=Signature(**value["signed"]),
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} was edited or is incomplete: {error!r}") from error
