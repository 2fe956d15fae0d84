"""`zhixing verify`: the promises of parity, checked on this machine with your own recipe."""

import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App

from zhixing.cli.console import Json, Log, Settings, print_json, reporter
from zhixing.cli.recipe import load_recipe
from zhixing.core.errors import ConfigError, GateError, UsageError, ZhixingError

if TYPE_CHECKING:
    from zhixing.train.verify import Comparison

app = App(name="verify", help="Check the promises of parity on this machine.")

SAVES = 10
"""Saved states that a verified run makes on its way."""


@app.command
def resume(
    recipe: Path,
    *,
    kills: int = 3,
    seed: int = 42,
    overrides: Settings = (),
    as_json: Json = False,
    log: Log = "auto",
) -> int:
    """Train RECIPE twice, once with kill -9 at random steps and --resume, and compare every bit.

    Both runs go to a temporary folder. Exit code 0: equal; 2: not equal, with the place of the first difference.

    Parameters
    ----------
    recipe
        A recipe with train.steps; a run by time (train.budget_seconds) is not repeatable.
    kills
        How often to kill the second run.
    seed
        Of the steps at which it is killed.
    overrides
        Override a value of the recipe: section.key=value. May be repeated.
    as_json
        Print the result as one line of JSON.
    log
        How to report progress.
    """
    steps = _steps_of(recipe, overrides)
    targets = _targets(steps, kills, seed)
    progress = reporter(log)
    with tempfile.TemporaryDirectory(prefix="zhixing-verify-") as scratch:
        often = ["train.log_every=1", f"train.save_every={max(1, steps // SAVES)}"]
        runs = _Runs(recipe, [*overrides, *often], Path(scratch))
        progress.start(f"Train {recipe} without interruption, then with {kills} kills")
        killed, found = runs.verify(targets, seed)
        progress.finish(f"{steps} steps twice, killed at {_listed(killed)}")
    result = {
        "recipe": str(recipe),
        "steps": steps,
        "killed": killed,
        "equal": found.difference is None and found.first_step is None,
        **asdict(found),
    }
    if as_json:
        print_json(result)
    else:
        print(_say(result, found))
    return 0 if result["equal"] else GateError.exit_code


class _Runs:
    """`zhixing train` of one recipe, as processes that can be killed."""

    def __init__(self, recipe: Path, overrides: Sequence[str], scratch: Path) -> None:
        self._recipe, self._overrides, self._scratch = recipe, overrides, scratch

    def verify(self, targets: Sequence[int], seed: int) -> tuple[list[int], "Comparison"]:
        """Train without and with kills at `targets`; the steps of the kills, and what is different."""
        from zhixing.train.verify import compare, run_to_the_end, run_with_kills

        one, other = self._scratch / "one", self._scratch / "other"
        try:
            run_to_the_end(lambda resume: self._start(one, resume))
            killed = run_with_kills(
                lambda resume: self._start(other, resume), other, targets=targets, seed=seed
            )
        except ZhixingError as error:
            raise ZhixingError(f"{error}; its last words:\n{self._last_words()}") from error
        return killed, compare(one, other)

    def _start(self, folder: Path, resume: bool) -> "subprocess.Popen[bytes]":
        command = [
            sys.executable,
            "-m",
            "zhixing",
            "train",
            str(self._recipe),
            "--out",
            str(folder),
        ]
        command += ["--resume"] * resume
        command += [part for override in self._overrides for part in ("--set", override)]
        with (self._scratch / "log.txt").open("wb") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def _last_words(self) -> str:
        text = (self._scratch / "log.txt").read_text("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-8:])


def _steps_of(recipe: Path, overrides: Sequence[str]) -> int:
    train = load_recipe(recipe, overrides).train
    if train is None:
        raise ConfigError(f"{recipe}: there is no table [train], so there is nothing to resume")
    if train.steps is None:
        raise ConfigError(
            f"{recipe}: only a run of train.steps can be repeated bit for bit; one by "
            "train.budget_seconds takes as many steps as the machine manages. Set train.steps in its place"
        )
    return train.steps


def _targets(steps: int, kills: int, seed: int) -> list[int]:
    if not 1 <= kills < steps:
        raise UsageError(
            f"--kills {kills}: this recipe has {steps} steps, so choose from 1 to {steps - 1}"
        )
    return sorted(random.Random(seed).sample(range(1, steps), kills))


def _say(result: dict[str, Any], found: "Comparison") -> str:
    killed = result["killed"]
    if result["equal"]:
        return (
            f"resume: equal. {found.tensors} tensors (weights, optimizer, random numbers) are the same bit for "
            f"bit after {len(killed)} kills at {_listed(killed)}"
        )
    where = f"first different step: {found.first_step}. " if found.first_step is not None else ""
    if found.difference is None:
        return f"resume: NOT equal. {where}The final tensors are the same."
    place = found.difference
    return (
        f"resume: NOT equal. {where}First different tensor: {place.tensor} at {list(place.index)}: "
        f"{place.one!r} without interruption, {place.other!r} after {len(killed)} kills"
    )


def _listed(killed: Sequence[int]) -> str:
    return f"steps {', '.join(map(str, killed))}" if killed else "no step (it was too quick)"
