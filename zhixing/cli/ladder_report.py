"""From judged rungs to the report page and to the machine-readable result."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from zhixing.cli.ladder import Judged, curve, file_bytes
from zhixing.cli.recipe import prompt_language
from zhixing.core.card import CorpusCard
from zhixing.core.provenance import Provenance
from zhixing.evaluate.metrics import compare, summarise
from zhixing.evaluate.score import Score
from zhixing.report.ladder import CurvePoint, Difference, Interval, Report, Rung, Sample
from zhixing.report.words import rung_title

LANGUAGES = ("en", "zh")


def report_of(
    judged: Sequence[Judged],
    card: CorpusCard,
    made_from: Provenance,
    *,
    command: str,
    seconds: float,
) -> Report:
    """Everything the page shows."""
    return Report(
        rungs=tuple(_rung(each, made_from.seed) for each in judged),
        samples=tuple(sample for each in judged for sample in _samples(each)),
        card=card,
        provenance=made_from,
        signature=str(judged[0].scored.signature),
        command=command,
        seconds=seconds,
        documents=len(judged[0].scored.scores),
        differences=_differences(judged, made_from.seed),
    )


def as_json(report: Report, folders: Mapping[str, str]) -> dict[str, Any]:
    """The result of a quickstart; `folders` names the model folder of each rung."""
    return {
        "seconds": round(report.seconds, 1),
        "ladder": [_rung_json(rung, folders[rung.model]) for rung in report.rungs],
    }


def _rung(judged: Judged, seed: int) -> Rung:
    effort = judged.made.effort
    summary = summarise(judged.scored.scores, seed=seed, signature=judged.scored.signature)
    return Rung(
        model=judged.made.name,
        title=rung_title(judged.made.name),
        parameters=judged.parameters,
        bytes=file_bytes(judged.made),
        train_seconds=effort.seconds,
        train_tokens_per_second=effort.tokens / effort.seconds,
        generate_tokens_per_second=judged.generate_tokens_per_second,
        peak_memory_bytes=effort.peak_memory_bytes,
        joules=effort.joules,
        energy_method=effort.method,
        bits_per_byte={tag: _interval(each["bits_per_byte"]) for tag, each in summary.items()},
        perplexity={tag: _interval(each["perplexity"]) for tag, each in summary.items()},
        curve=tuple(
            CurvePoint(
                train_seconds=point["seconds"],
                tokens=int(point["tokens"]),
                bits_per_byte=point["bits_per_byte"],
            )
            for point in curve(judged.made.folder)
        ),
    )


def _interval(score: Score) -> Interval:
    return Interval(value=score.value, low=score.low, high=score.high)


def _samples(judged: Judged) -> list[Sample]:
    return [
        Sample(
            model=judged.made.name,
            language=prompt_language(each["prompt"]),
            prompt=each["prompt"],
            text=each["text"],
        )
        for each in judged.samples
    ]


def _differences(judged: Sequence[Judged], seed: int) -> tuple[Difference, ...]:
    """Each rung against the next better one, document by document."""
    ranked = sorted(judged, key=lambda each: _bits(each))
    return tuple(
        Difference(
            a=better.made.name,
            b=worse.made.name,
            difference=found.difference,
            low=found.low,
            high=found.high,
            p_value=found.p_value,
        )
        for better, worse in pairwise(ranked)
        for found in compare(better.scored, worse.scored, seed=seed)[:1]
    )


def _bits(judged: Judged) -> float:
    scores = judged.scored.scores
    return sum(score.bits for score in scores) / sum(score.bytes for score in scores)


def _rung_json(rung: Rung, folder: str) -> dict[str, Any]:
    overall = rung.bits_per_byte["all"]
    return {
        "model": rung.model,
        "bits_per_byte": {tag: each.value for tag, each in rung.bits_per_byte.items()},
        "low": overall.low,
        "high": overall.high,
        "perplexity": {tag: each.value for tag, each in rung.perplexity.items()},
        "parameters": rung.parameters,
        "train_seconds": rung.train_seconds,
        "train_tokens_per_second": rung.train_tokens_per_second,
        "generate_tokens_per_second": rung.generate_tokens_per_second,
        "bytes": rung.bytes,
        "peak_memory_bytes": rung.peak_memory_bytes,
        "joules": rung.joules,
        "energy_method": rung.energy_method,
        "folder": folder,
    }
