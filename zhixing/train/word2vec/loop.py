"""The training of word vectors: block after block, each worker on its copy, stopped and continued at any block."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from zhixing.core.errors import CheckpointError, InterruptedRunError
from zhixing.core.files import atomic_open
from zhixing.core.interrupt import StopRequest
from zhixing.core.progress import Progress
from zhixing.kernels.word2vec import Noise, Rule, learn_block, merge
from zhixing.train.state import refuse_changes
from zhixing.train.word2vec.blocks import Blocks, Place, noise
from zhixing.train.word2vec.config import WordVectorConfig
from zhixing.train.word2vec.words import Vocabulary, WordFile

STATE = "state.safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What is to be learnt, from what, and where an unfinished run is kept."""

    config: WordVectorConfig
    file: WordFile
    vocabulary: Vocabulary
    seed: int
    folder: Path
    resume_command: str

    def facts(self) -> dict[str, Any]:
        """What makes two runs the same run."""
        return {**self.config.model_dump(), "seed": self.seed, "text": self.file.digest}


@dataclass(kw_only=True, slots=True)
class Learnt:
    """The two matrices, where the run is, and what it took so far (mutable)."""

    inputs: Tensor
    outputs: Tensor
    place: Place
    words: int = 0
    """Words of the text read in all epochs, those passed over included."""
    seconds: float = 0.0


def run(
    job: Job, *, resume: bool, stop: StopRequest, progress: Progress, keep_state: bool = True
) -> Learnt:
    """Learn to the end. Raises InterruptedRunError when asked to stop, after everything was saved.

    `keep_state`: save after every epoch too, so that a run that was killed can be continued.
    """
    blocks = Blocks(job.file, job.vocabulary, job.config, job.seed)
    learnt = _restore(job) if resume else _begin(job)
    copies = [_copies(m, job.config.workers) for m in (learnt.inputs, learnt.outputs)]
    negatives = noise(job.vocabulary.counts)
    total = job.config.epochs * len(job.file.numbers)
    title = f"{job.config.kind}, {len(job.vocabulary.words):,} words × {job.config.width}"
    progress.start(title, total=total, unit="words")
    progress.advance(learnt.words)
    while learnt.place.epoch < job.config.epochs:
        if stop.is_requested:
            _save(job, learnt)
            raise InterruptedRunError(
                f"stopped after {learnt.words:,} of {total:,} words, which is saved in {job.folder}; "
                f"to continue, type: {job.resume_command}"
            )
        _step(job, blocks, learnt, copies, negatives)
        progress.advance(blocks.numbers_in(learnt.place), note=_speed(learnt))
        _advance(learnt, blocks)
        if learnt.place.block == 0 and keep_state:
            _save(job, learnt)
    progress.finish(f"{title}: {learnt.words:,} words in {learnt.seconds:.1f} s ({_speed(learnt)})")
    return learnt


def _step(job: Job, blocks: Blocks, learnt: Learnt, copies: list[Tensor], negatives: Noise) -> None:
    began = time.monotonic()
    config, place = job.config, learnt.place
    done = (place.epoch * blocks.per_epoch + place.block) / (config.epochs * blocks.per_epoch)
    rule = Rule(
        cbow=config.kind == "cbow",
        negative=config.negative,
        lr=config.lr + (config.final_lr - config.lr) * done,
        seed=blocks.seed_of(place),
    )
    learn_block(copies[0], copies[1], blocks.at(place), negatives, rule)
    if config.workers > 1:
        merge(learnt.inputs, copies[0])
        merge(learnt.outputs, copies[1])
    learnt.words += blocks.numbers_in(place)
    learnt.seconds += time.monotonic() - began


def _advance(learnt: Learnt, blocks: Blocks) -> None:
    epoch, block = learnt.place.epoch, learnt.place.block + 1
    is_last = block == blocks.per_epoch
    learnt.place = Place(epoch=epoch + 1) if is_last else Place(epoch=epoch, block=block)


def _begin(job: Job) -> Learnt:
    """Small random input vectors and output vectors of zero, as in the authors' program."""
    shape = (len(job.vocabulary.words), job.config.width)
    random = torch.Generator().manual_seed(job.seed)
    inputs = (torch.rand(shape, generator=random) - 0.5) / job.config.width
    return Learnt(inputs=inputs, outputs=torch.zeros(shape), place=Place())


def _copies(matrix: Tensor, workers: int) -> Tensor:
    """(workers, words, width); a single worker works on the matrix itself."""
    return matrix[None] if workers == 1 else matrix.repeat(workers, 1, 1)


def _speed(learnt: Learnt) -> str:
    return f"{learnt.words / learnt.seconds:,.0f} words/s" if learnt.seconds else ""


def _save(job: Job, learnt: Learnt) -> None:
    """One file holds everything, so that no half of a state can be left over."""
    state = {
        "facts": job.facts(),
        "place": asdict(learnt.place),
        "words": learnt.words,
        "seconds": learnt.seconds,
    }
    matrices = {"inputs": learnt.inputs, "outputs": learnt.outputs}
    with atomic_open(job.folder / STATE) as file:
        file.write(save(matrices, metadata={"state": json.dumps(state)}))


def _restore(job: Job) -> Learnt:
    path = job.folder / STATE
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            inputs, outputs = file.get_tensor("inputs"), file.get_tensor("outputs")
        refuse_changes(state["facts"], job.facts())
        return Learnt(
            inputs=inputs,
            outputs=outputs,
            place=Place(**state["place"]),
            words=state["words"],
            seconds=state["seconds"],
        )
    except FileNotFoundError as error:
        raise CheckpointError(
            f"there is no unfinished run in {job.folder}; type the command without --resume"
        ) from error
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"the unfinished run in {job.folder} is damaged ({error}); begin again with --fresh"
        ) from error
