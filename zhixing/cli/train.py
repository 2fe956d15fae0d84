"""`zhixing train RECIPE`: from text to a model, a score and a sample."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.console import Json, Log, Settings, print_json, reporter
from zhixing.cli.scores import NONE, figure, interval
from zhixing.core.errors import InterruptedRunError, UsageError

if TYPE_CHECKING:
    from zhixing.cli.recipe import Recipe
    from zhixing.core.progress import Progress

_RESUME = Parameter(
    negative="", help="Continue the run in the folder, bit for bit as if it had not been stopped."
)
ANSWERS = ("chat", "preference")
"""Objectives whose models are asked, where they have a chat template."""
_FRESH = Parameter(
    negative="", help="Delete the run in the folder and begin again; prepared text is kept."
)


def train(
    recipe: Annotated[Path, Parameter(help="A .toml file, or the name of a recipe that ships.")],
    *,
    out: Annotated[Path | None, Parameter(help="Folder of the model; default: runs/NAME.")] = None,
    overrides: Settings = (),
    resume: Annotated[bool, _RESUME] = False,
    fresh: Annotated[bool, _FRESH] = False,
    as_json: Json = False,
    log: Log = "auto",
) -> int:
    """Train what a recipe says: gather and clean its text, learn a tokenizer, train, score, show a sample.

    Ctrl-C saves and ends with exit code 130; --resume continues exactly there.
    """
    from zhixing.cli.recipe import load_recipe

    if resume and fresh:
        raise UsageError("--resume continues a run and --fresh deletes it; give one of them")
    read = load_recipe(recipe, overrides)
    folder = out or Path("runs") / read.name
    command = _resume_command(recipe, folder, overrides)
    try:
        result = main(
            read, folder, resume=resume, fresh=fresh, command=command, progress=reporter(log)
        )
    except KeyboardInterrupt as interrupt:  # before or after the training itself, which saves
        kept = (
            f"every finished step is kept in {folder}"
            if folder.exists()
            else "nothing was made yet"
        )
        raise InterruptedRunError(f"stopped; {kept}; to continue, type: {command}") from interrupt
    if as_json:
        print_json(result)
    elif told := _told(result, folder):
        print(told)
    return 0


def main(
    recipe: "Recipe", folder: Path, *, resume: bool, fresh: bool, command: str, progress: "Progress"
) -> dict[str, Any]:
    """Make the model of `recipe` in `folder`; return its scores, and samples if it writes, as JSON values."""
    from zhixing.cli.judge import held_out, sample, score
    from zhixing.cli.least_score import choose_least_score
    from zhixing.cli.origin import begin
    from zhixing.cli.pipeline import make_model, prepare
    from zhixing.train.folder import Start, check

    start = Start.RESUME if resume else Start.FRESH if fresh else Start.NEW
    check(folder, start)  # before minutes of work, not after them
    recipe, origin = begin(recipe, progress)
    prepared = prepare(recipe, folder / "data", progress, origin)
    made = make_model(
        recipe, prepared, folder, start=start, progress=progress, resume_command=command
    )
    result = {
        "folder": str(folder),
        "model": recipe.network.kind,
        "steps": made.step,
        "tokens": made.tokens,
        "seconds": round(made.seconds, 3),
        "selected_step": made.selected_step,
    }
    if recipe.objective.kind != "causal":
        scores = held_out(folder, made.selected_step)
        scores |= choose_least_score(recipe, folder, progress)
        written = _written(recipe, folder, progress)
        return {**result, "validation": scores, "test": {}, "samples": [], **written}
    return {
        **result,
        "test": score(folder, prepared.corpus, seed=recipe.seed, progress=progress),
        "samples": [sample(folder, prompt, seed=recipe.seed) for prompt in recipe.samples],
    }


def _written(recipe: "Recipe", folder: Path, progress: "Progress") -> dict[str, Any]:
    """Answers of a model that is asked; test scores and samples of one that writes the target of a source; else nothing."""
    from zhixing.cli.examples import places
    from zhixing.cli.judge import sample
    from zhixing.cli.seq2seq_scores import Translator, score_pairs, write_samples
    from zhixing.objective.config import Seq2SeqConfig

    if recipe.objective.kind in ANSWERS:
        asked = recipe.samples
        return {"samples": [sample(folder, each, seed=recipe.seed, answers=True) for each in asked]}
    if not isinstance(recipe.objective, Seq2SeqConfig):
        return {}
    translator, beams = Translator(folder, time=recipe.data.time), recipe.objective.beams
    found: dict[str, Any] = {"samples": write_samples(translator, recipe.samples, beam=max(beams))}
    place = places(recipe, folder / "data", progress).test
    if place:
        found["test"] = score_pairs(
            translator, place, recipe.objective, seed=recipe.seed, progress=progress
        )
    return found


def _resume_command(recipe: Path, folder: Path, overrides: Sequence[str]) -> str:
    settings = [part for override in overrides for part in ("--set", override)]
    return shlex.join(
        ["zhixing", "train", str(recipe), "--out", str(folder), *settings, "--resume"]
    )


def _told(result: dict[str, Any], folder: Path) -> str:
    lines = [_told_score(name, each) for name, each in result["test"].items()]
    lines += [
        f"held out, {name}: {value:.4f}" for name, value in result.get("validation", {}).items()
    ]
    if "validation" in result:  # nothing here continues a prompt
        lines += [f"{each['prompt']}  →  {each['text']}" for each in result["samples"]]
        return "\n".join(lines)
    lines += [
        f"\n--- {each['prompt']}\n{each['prompt']}{each['text']}" for each in result["samples"]
    ]
    for each in result["samples"][:1]:
        lines.append(f'\nnext: zhixing generate {folder} --prompt "{each["prompt"]}"')
    return "\n".join(lines)


def _told_score(name: str, scores: dict[str, Any]) -> str:
    """One line: of a language's bits per byte, or of the targets that a search has written."""
    if name.startswith("beam "):
        found = (
            f"{score.replace('_', ' ')} {figure(each['value'], 4)} [{interval(each['low'], each['high'], 4)}]"
            for score, each in scores.items()
        )
        count = next(iter(scores.values()))["count"]
        return f"{name}: {', '.join(found)} of {count:,}"
    bits = scores.get("bits_per_byte", NONE)
    return (
        f"{name}: {figure(bits['value'], 3)} bits per byte [{interval(bits['low'], bits['high'], 3)}], "
        f"perplexity {figure(scores['perplexity']['value'], 1)} per token"
    )
