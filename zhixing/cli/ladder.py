"""The ladder: every rung trained under the same budget on the same text, and measured by the same harness."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

import zhixing
from zhixing.checkpoint.folder import ModelInfo, load_model, save_model
from zhixing.checkpoint.manifest import read_manifest, verify
from zhixing.cli.judge import judge, tokens_per_second, write
from zhixing.cli.pipeline import Prepared, facts, make_model
from zhixing.cli.recipe import Recipe
from zhixing.core.errors import CheckpointError, DataError, InterruptedRunError
from zhixing.core.files import read_json, sha256_file, sha256_json, write_json
from zhixing.core.progress import Progress
from zhixing.core.records import read_records
from zhixing.corpus.document import Document
from zhixing.corpus.store import read_documents
from zhixing.evaluate.metrics import Scored
from zhixing.evaluate.speed import PeakMemory, folder_bytes
from zhixing.kernels.energy import EnergyMeter
from zhixing.model.decoder import Decoder
from zhixing.model.mixture import fit
from zhixing.model.ngram import NGram
from zhixing.model.recurrent import Recurrent
from zhixing.train.folder import RECORDS, STEPS, Start

EFFORT = "effort.json"
KILLED_PART = "; at least, since a part of the training was killed before it could be counted"
FITTING_TOKENS = 40_000
"""Targets that the weights of the mixture are fitted on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effort:
    """What making one rung took. `key` identifies what was made; `method` says how the joules are known."""

    key: str
    seconds: float
    tokens: int
    joules: float
    method: str
    peak_memory_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One finished rung."""

    name: str
    folder: Path
    effort: Effort


@dataclass(frozen=True, kw_only=True, slots=True)
class Judged:
    """What a rung turned out to be worth."""

    made: Made
    scored: Scored
    parameters: int
    generate_tokens_per_second: float
    samples: tuple[dict[str, str], ...]


def make_rung(
    recipe: Recipe, prepared: Prepared, folder: Path, *, command: str, progress: Progress
) -> Made:
    """Train one rung, or find it finished, or continue it where it was interrupted."""
    key = sha256_json([facts(recipe), prepared.card.data_hash, prepared.tokenizer.hash])
    if (done := _finished(folder, key)) is not None:
        progress.start(recipe.name)
        progress.finish(f"{recipe.name}: finished before in {folder}")
        return done
    start = Start.RESUME if _begun_as(folder, key) else Start.FRESH
    spent = _spent_before(folder, key)
    write_json(folder / EFFORT, {"begun": key, **spent, "is_running": True})
    energy = EnergyMeter()
    try:
        with energy, PeakMemory() as memory:
            made = make_model(
                recipe, prepared, folder, start=start, progress=progress, resume_command=command
            )
    except InterruptedRunError:
        spent["joules"] += energy.joules
        write_json(folder / EFFORT, {"begun": key, **spent, "is_running": False})
        raise
    return _finish(
        folder,
        Effort(
            key=key,
            seconds=made.seconds,
            tokens=made.tokens,
            joules=spent["joules"] + energy.joules,
            method=energy.method + (KILLED_PART if spent["was_killed"] else ""),
            peak_memory_bytes=memory.bytes,
        ),
    )


def make_mixture(
    neural: Made, ngram: Made, prepared: Prepared, folder: Path, progress: Progress
) -> Made:
    """Mix two rungs, the weights learnt on validation documents; effort adds up."""
    # The files, not the recipes: a rung that was trained again under the same recipe is another model.
    key = sha256_json([sha256_file(each.folder / "manifest.json") for each in (neural, ngram)])
    if (done := _finished(folder, key)) is not None:
        return done
    progress.start(f"mixture of {neural.name} and {ngram.name}")
    with EnergyMeter() as energy, PeakMemory() as memory:
        first, second = (load_model(each.folder).model for each in (neural, ngram))
        assert isinstance(first, Decoder | Recurrent)
        assert isinstance(second, NGram)
        mixture = fit(first, second, _held_in(prepared), max_tokens=FITTING_TOKENS)
        save_model(folder, mixture, prepared.tokenizer, info=ModelInfo(config_hash=key))
    progress.finish(f"mixture: weights of {neural.name} and {ngram.name} learnt by context")
    parts = (neural.effort, ngram.effort)
    return _finish(
        folder,
        Effort(
            key=key,
            seconds=sum(part.seconds for part in parts),
            tokens=max(part.tokens for part in parts),
            joules=energy.joules + sum(part.joules for part in parts),
            method=energy.method,
            peak_memory_bytes=max(memory.bytes, *(part.peak_memory_bytes for part in parts)),
        ),
    )


def judge_rung(
    made: Made,
    documents: Sequence[Document],
    prompts: Sequence[str],
    *,
    seed: int,
    progress: Progress,
) -> Judged:
    """Score, time and sample one rung."""
    model = zhixing.load(made.folder)
    return Judged(
        made=made,
        scored=judge(model, list(documents), name=made.name, progress=progress),
        parameters=model.num_parameters,
        generate_tokens_per_second=tokens_per_second(model, prompts[0], seconds=1.0),
        samples=tuple(write(model, prompt, seed=seed) for prompt in prompts),
    )


def curve(folder: Path) -> list[dict[str, float]]:
    """The held-out curve of a rung: seconds and tokens of training, bits per byte; a mixture has none."""
    path = folder / RECORDS
    if not path.exists():
        return []
    steps: dict[int, dict[str, float]] = {}
    for record in read_records(path):
        if record.kind == "validation" and record.step is not None:
            steps.setdefault(record.step, {})[record.name] = record.value
    return [point for _, point in sorted(steps.items()) if "bits_per_byte" in point]


def file_bytes(made: Made) -> int:
    """Size of the weights that are served."""
    return sum(
        folder_bytes(path)
        for path in made.folder.rglob("model.safetensors")
        if STEPS not in path.relative_to(made.folder).parts
    )


def test_documents(prepared: Prepared) -> list[Document]:
    """The held-out documents that every rung is scored on."""
    documents = list(read_documents(prepared.corpus, "test"))
    if not documents:
        raise DataError(
            f"{prepared.corpus} has no test documents; raise corpus.splits.test or add text"
        )
    return documents


def _held_in(prepared: Prepared) -> list[list[int]]:
    """The validation documents."""
    return [
        [int(token) for token in shard.document(index)]
        for shard in prepared.validation
        for index in range(shard.num_documents)
    ]


def _finished(folder: Path, key: str) -> Made | None:
    """The rung, if it was made from `key` and is still whole: what was damaged since is made again."""
    value = _effort(folder)
    if value.get("key") != key:
        return None
    try:
        effort = TypeAdapter(Effort).validate_python(value)
        verify(folder, read_manifest(folder))
    except (ValidationError, CheckpointError):
        return None
    return Made(name=folder.name, folder=folder, effort=effort)


def _begun_as(folder: Path, key: str) -> bool:
    return bool(_effort(folder).get("begun") == key)


def _effort(folder: Path) -> dict[str, Any]:
    """What effort.json says; nothing when there is none or it was damaged."""
    path = folder / EFFORT
    try:
        value = read_json(path) if path.exists() else {}
    except DataError:
        return {}
    return value if isinstance(value, dict) else {}


def _spent_before(folder: Path, key: str) -> dict[str, Any]:
    """What the earlier parts of the rung that is continued have spent, and whether one was killed: its joules are lost."""
    before = _effort(folder) if _begun_as(folder, key) else {}
    was_killed = bool(before.get("was_killed") or before.get("is_running"))
    return {"joules": float(before.get("joules", 0.0)), "was_killed": was_killed}


def _finish(folder: Path, effort: Effort) -> Made:
    write_json(folder / EFFORT, asdict(effort))
    return Made(name=folder.name, folder=folder, effort=effort)
