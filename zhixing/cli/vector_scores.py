"""What `zhixing vectors evaluate` measures, and how it is told: every number with its coverage and interval."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zhixing.core.files import decode_utf8, read_bytes
from zhixing.core.progress import Progress, Silent
from zhixing.corpus.sources.judgements import read_judgements
from zhixing.vectors.published import read_test_set
from zhixing.vectors.questions import ALL, accuracy, read_questions
from zhixing.vectors.similarity import agreement, random_vectors
from zhixing.vectors.table import Method, Vectors

QUESTIONS = "questions-words"
BASELINE_SEED = 42


def score(
    vectors: Vectors,
    tests: Sequence[str],
    *,
    pairs: Sequence[Path] = (),
    questions: Sequence[Path] = (),
    method: Method = "add",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Scores as JSON values: {"similarity": {name: …}, "analogies": {name: {section: …}}}, with "random" in each.

    Random vectors of the same words and width are what a score is to be compared with.
    """
    told = progress or Silent()
    baseline = random_vectors(vectors.words, vectors.width, seed=BASELINE_SEED)
    texts = {name: read_test_set(name, progress=told) for name in tests}
    similarity = {name: text for name, text in texts.items() if name != QUESTIONS}
    similarity |= {str(path): decode_utf8(read_bytes(path), str(path)) for path in pairs}
    asked = {name: text for name, text in texts.items() if name == QUESTIONS}
    asked |= {str(path): decode_utf8(read_bytes(path), str(path)) for path in questions}
    return {
        "words": len(vectors),
        "width": vectors.width,
        "similarity": {
            name: _agreement(vectors, baseline, text, name) for name, text in similarity.items()
        },
        "analogies": {
            name: _accuracy(vectors, baseline, text, name, method) for name, text in asked.items()
        },
    }


def told(result: dict[str, Any]) -> str:
    """The scores as lines for people."""
    lines = [f"{result['words']:,} words × {result['width']}"]
    for name, each in result["similarity"].items():
        lines.append(
            f"{name}: Spearman's ρ {_figures(each)} on {each['known']} of {each['pairs']} pairs; "
            f"random vectors {each['random']['value']:.3f}"
        )
    for name, sections in result["analogies"].items():
        lines.append(f"{name}:")
        lines += [
            f"  {section:30} {_figures(each)}  {each['correct']} of {each['known']} known "
            f"({each['questions']} asked)"
            for section, each in sections.items()
            if section != "random"
        ]
        lines.append(f"  {'random vectors':30} {_figures(sections['random'])}")
    return "\n".join(lines)


def _agreement(vectors: Vectors, baseline: Vectors, text: str, name: str) -> dict[str, Any]:
    judgements = read_judgements(text, name)
    return {
        **asdict(agreement(vectors, judgements)),
        "random": asdict(agreement(baseline, judgements)),
    }


def _accuracy(
    vectors: Vectors, baseline: Vectors, text: str, name: str, method: Method
) -> dict[str, Any]:
    sections = read_questions(text, name)
    scores = {
        section: asdict(each)
        for section, each in accuracy(vectors, sections, method=method).items()
    }
    everything = {ALL: [q for questions in sections.values() for q in questions]}
    scores["random"] = asdict(accuracy(baseline, everything, method=method)[ALL])
    return scores


def _figures(score: dict[str, Any]) -> str:
    if score["value"] is None:
        return "not measured"
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"
