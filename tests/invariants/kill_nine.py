"""python -m tests.invariants.kill_nine KIND FOLDER KILLS: a tiny run, uninterrupted and with kill -9, compared.

Every run is a process of its own, forked from this one, which has imported torch but never used it: an import per
process would take longer than all the training.
"""

import multiprocessing
import os
import random
import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path

import torch
import torch._dynamo  # every torch optimizer imports it, which takes seconds

from tests.train.tiny import TINY, tiny_inputs
from zhixing.train.config import TrainConfig
from zhixing.train.folder import Start
from zhixing.train.loop import run
from zhixing.train.verify import compare, run_to_the_end, run_with_kills

STEPS = 24
CONFIG = TrainConfig.model_validate(
    {**TINY.model_dump(), "steps": STEPS, "save_every": 3, "validate_every": 5}
)


class Forked:
    """A forked process with the methods of subprocess.Popen that a verification needs."""

    def __init__(self, kind: str, folder: Path, *, resume: bool) -> None:
        fork = multiprocessing.get_context("fork")
        self._process = fork.Process(target=train, args=(kind, folder, resume))
        self._process.start()

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> int:
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def train(kind: str, folder: Path, resume: bool) -> None:
    torch.manual_seed(os.getpid())
    start = Start.RESUME if resume else Start.NEW
    run(CONFIG, tiny_inputs(kind), folder, start=start)


def main(kind: str, folder: Path, kills: int) -> None:
    torch.set_num_threads(1)
    targets = sorted(random.Random(kind).sample(range(1, STEPS), kills))
    one, other = folder / "one", folder / "other"
    run_to_the_end(lambda resume: Forked(kind, one, resume=resume))
    killed = run_with_kills(
        lambda resume: Forked(kind, other, resume=resume), other, targets=targets, seed=1
    )
    print(dumps({"targets": targets, "killed": killed, **asdict(compare(one, other))}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
