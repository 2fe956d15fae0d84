"""`zhixing evaluate pairs`: what a run writes for the pairs of its own recipe, and whether another run writes better.

The pairs, their languages, references and measures are those that the recipe names, as at the end of training. What a model has
to beat is measured by `zhixing evaluate baselines`, on a folder of pairs.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from zhixing.cli.console import FLAT, Fresh, Json, Log, check_out, check_seed, print_json, reporter
from zhixing.cli.task_scores import score_table, score_values, verdicts
from zhixing.core.errors import UsageError
from zhixing.core.files import write_json_lines
from zhixing.corpus.parts import Part

if TYPE_CHECKING:
    from zhixing.cli.examples import Places
    from zhixing.cli.recipe import Recipe
    from zhixing.cli.seq2seq_scores import Wanted
    from zhixing.core.progress import Progress
    from zhixing.evaluate.tasks.measure import TaskDifference
    from zhixing.objective.config import Seq2SeqConfig


@dataclass(frozen=True, kw_only=True)
class Options:
    """How is written, and what is shown."""

    beam: int | None = None
    """Width of the search; the widest of the recipe unless given."""
    length_penalty: float | None = None
    """Of the search, from 0 to 4; that of the model unless given. Choose it with --part validation."""
    part: Part = "test"
    """The pairs that are written and measured."""
    against: Path | None = None
    """The folder of another run on the same pairs: is the difference real?"""
    out: Path | None = None
    """Write {source, reference, text} of every pair to this jsonl file."""
    fresh: Fresh = False
    show: int = 0
    """Print so many of them, evenly spaced."""
    seed: int = 42
    """Of the bootstrap behind the intervals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run, the pairs that are measured, and where all of them are."""

    folder: Path
    recipe: "Recipe"
    config: "Seq2SeqConfig"
    places: "Places"
    place: str
    wanted: Sequence["Wanted"]


def pairs(
    run: Annotated[Path, Parameter(help="The folder of a run that learnt sequence to sequence.")],
    *,
    options: Annotated[Options, FLAT] = Options(),
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Score what a run writes for its test pairs: `zhixing evaluate pairs runs/translate-en-zh --against runs/another`."""
    _check(options, as_json)
    progress = reporter(log)
    opened = open_run(run, options.part, progress)
    if options.out is not None:
        read = (opened.places.train, opened.places.validation, opened.places.test)
        check_out(options.out, [Path(place) for place in read if place], fresh=options.fresh)
    second = _second(opened, options, progress)  # refused before the work
    written = write(opened, options, progress)
    with _saved(options.out, opened.wanted, written):
        _score(opened, second, written, options, progress, as_json=as_json)


def _score(
    opened: "Run",
    second: "Run | None",
    written: Sequence[str],
    options: Options,
    progress: "Progress",
    *,
    as_json: bool,
) -> None:
    """Print how good what was written is, and how that differs from what a second run writes."""
    from zhixing.cli.seq2seq_scores import judge
    from zhixing.evaluate.tasks.measure import compare, scores, undefined

    judged = judge(written, opened.wanted, opened.config, opened.place)
    differences: Sequence[TaskDifference] = ()
    if second is not None:
        beside = write(second, options, progress)
        other = judge(beside, opened.wanted, opened.config, opened.place)
        differences = compare(judged, other, seed=options.seed)
    made, missing = scores(judged, seed=options.seed), undefined(judged)
    if as_json:
        print_json({"run": str(opened.folder)} | score_values(judged, made, missing, differences))
        return
    for each in _shown(opened.wanted, written, options.show):
        print(f"{each}\n")
    print(score_table(judged, made, missing))
    if differences:
        print(verdicts(str(opened.folder), str(options.against), differences))


def open_run(folder: Path, part: Part, progress: "Progress") -> Run:
    """The recipe of a run and the pairs of a part. Raises UsageError for a folder that has none."""
    from zhixing.cli.examples import places
    from zhixing.cli.recipe import load_recipe
    from zhixing.cli.seq2seq_scores import wanted_at
    from zhixing.objective.config import Seq2SeqConfig

    if not (folder / "recipe.toml").is_file():
        raise UsageError(f"{folder} is no run of `zhixing train`: it has no recipe.toml")
    recipe = load_recipe(folder / "recipe.toml")
    config = recipe.objective
    if not isinstance(config, Seq2SeqConfig):
        raise UsageError(
            f"{folder} learnt the objective {config.kind!r}; pairs are of the objective 'seq2seq'"
        )
    found = places(recipe, folder / "data", progress)
    place: str = getattr(found, part)
    if not place:
        raise UsageError(
            f"the recipe of {folder} has no {part} pairs: set objective.examples.{part}"
        )
    wanted = tuple(wanted_at(place, config.examples))
    return Run(
        folder=folder, recipe=recipe, config=config, places=found, place=place, wanted=wanted
    )


def write(run: Run, options: Options, progress: "Progress") -> list[str]:
    """What the model of a run writes for the sources."""
    from zhixing.cli.seq2seq_scores import Translator

    width = max(run.config.beams) if options.beam is None else options.beam
    translator = Translator(run.folder, time=run.recipe.data.time, penalty=options.length_penalty)
    sources = [each.source for each in run.wanted]
    return translator.translate_all(sources, beam=width, progress=progress)


def _check(options: Options, as_json: bool) -> None:
    check_seed(options.seed)
    if options.beam is not None and options.beam < 1:
        raise UsageError(f"--beam {options.beam} must be at least 1")
    if options.length_penalty is not None and not 0.0 <= options.length_penalty <= 4.0:
        raise UsageError(f"--length-penalty {options.length_penalty}: from 0 to 4; 1 is usual")
    if options.show < 0:
        raise UsageError(f"--show {options.show}: a number of examples, 0 or more")
    if options.show and as_json:
        raise UsageError("--show would do nothing with --json; write all examples with --out FILE")


def _second(run: Run, options: Options, progress: "Progress") -> Run | None:
    """The run to compare with; None where there is none."""
    against = options.against
    if against is None:
        return None
    if not against.is_dir():
        raise UsageError(
            f"--against {against}: there is no run in such a folder; what a baseline writes is measured by: zhixing evaluate "
            "baselines FOLDER"
        )
    other = open_run(against, options.part, progress)
    if other.wanted != run.wanted:
        raise UsageError(
            f"{other.folder} and {run.folder} have other {options.part} pairs; give a run with the same objective.examples"
        )
    return other


@contextmanager
def _saved(path: Path | None, wanted: Sequence["Wanted"], written: Sequence[str]) -> Iterator[None]:
    """Write what was written to `path` at the end, also when it is stopped before; scores are printed by then, if the disk is full."""
    rows = (
        {"source": each.source, "reference": each.targets[0], "text": text}
        for each, text in zip(wanted, written, strict=True)
    )
    try:
        yield
    finally:
        if path is not None:
            write_json_lines(path, rows)


def _shown(wanted: Sequence["Wanted"], written: Sequence[str], num: int) -> list[str]:
    places = sorted({len(wanted) * place // num for place in range(num)}) if num else []
    return [
        f"{wanted[place].source}\n  right   {wanted[place].targets[0]}\n  written {written[place]}"
        for place in places
    ]
