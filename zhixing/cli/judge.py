"""What a finished model is worth: its score on held-out documents, its speed, a sample of its writing."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import zhixing
from zhixing.api import Model
from zhixing.core.errors import UnsupportedError
from zhixing.core.progress import Progress
from zhixing.core.records import read_records
from zhixing.corpus.document import Document
from zhixing.corpus.store import read_documents
from zhixing.engine.request import SamplingParams
from zhixing.evaluate.harness import DocumentScore, Window, score_documents, signature
from zhixing.evaluate.metrics import Scored, summarise
from zhixing.evaluate.speed import generation_speed
from zhixing.model.protocol import LanguageModel
from zhixing.train.folder import RECORDS

COSTS = ("seconds", "tokens")
"""What a validation records beside losses and scores."""
LONGEST_WINDOW = 512
"""Windows are no longer than this, so that models with more room are compared at equal context."""


def score(folder: Path, corpus: Path, *, seed: int, progress: Progress) -> dict[str, Any]:
    """Bits per byte and perplexity on the test split, by language, as JSON values; empty without a test split."""
    documents = list(read_documents(corpus, "test"))
    if not documents:
        return {}
    scored = judge(zhixing.load(folder), documents, name=folder.name, progress=progress)
    return as_json(summarise(scored.scores, seed=seed, signature=scored.signature))


def judge(model: Model, documents: list[Document], *, name: str, progress: Progress) -> Scored:
    """Score documents one by one, under a window that fits the model."""
    network = model.network
    if not isinstance(network, LanguageModel):
        raise UnsupportedError(
            f"a model of the kind {model.kind!r} predicts no next token, so its bits cannot be measured"
        )
    longest = network.max_time or LONGEST_WINDOW
    window = Window(time=min(longest, LONGEST_WINDOW))
    scores: list[DocumentScore] = score_documents(
        network, model.tokenizer, documents, window=window, progress=progress
    )
    made = signature(network, model.tokenizer, scores, window=window)
    return Scored(model=name, scores=tuple(scores), signature=made)


def as_json(summary: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Scores as plain values, the signature as text."""
    return {
        language: {
            name: asdict(value) | {"signature": str(value.signature)}
            for name, value in each.items()
        }
        for language, each in summary.items()
    }


def held_out(folder: Path, step: int) -> dict[str, float]:
    """The losses and scores of the validation at `step` in a run's records, by name."""
    return {
        record.name: record.value
        for record in read_records(folder / RECORDS)
        if record.kind == "validation" and record.step == step and record.name not in COSTS
    }


def sample(
    folder: Path, prompt: str, *, seed: int, answers: bool = False, max_tokens: int = 80
) -> dict[str, str]:
    """A continuation of `prompt` at moderate temperature; `answers`: an answer to it, where the model has a chat template."""
    model = zhixing.load(folder)
    if not answers or "chat" not in model.methods:
        return write(model, prompt, seed=seed, max_tokens=max_tokens)
    asked = [{"role": "user", "content": prompt}]
    made = model.chat(asked, max_tokens=max_tokens, temperature=0.8, top_p=0.95, seed=seed)
    return {"prompt": prompt, "text": made.text}


def write(model: Model, prompt: str, *, seed: int, max_tokens: int = 80) -> dict[str, str]:
    """The same with an opened model."""
    made = model.generate(prompt, max_tokens=max_tokens, temperature=0.8, top_p=0.95, seed=seed)
    return {"prompt": prompt, "text": made.text}


def tokens_per_second(model: Model, prompt: str, *, seconds: float) -> float:
    """Generation speed of one request, one token after another; the prompt is read anew each time."""
    params = SamplingParams(max_tokens=64, temperature=0.8, seed=1)
    return generation_speed(
        lambda: sum(1 for _ in model.run(prompt, params)), seconds=seconds
    ).tokens_per_second
