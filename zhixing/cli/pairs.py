"""`zhixing evaluate pairs`: what is written for the test pairs of a run, by its model or by a baseline, scored alike.

model         the run's own model, by beam search
dictionary    word for word with CC-CEDICT, between English and Chinese
memory        the target of the training source that is nearest
lead          the first sentence of the source (in Chinese what stands before the first mark)
tfidf         the sentence of the source that is most like all of it
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from cyclopts import Parameter

from zhixing.cli.console import FLAT, Json, Log, check_out, print_json, reporter
from zhixing.cli.task_scores import score_table, score_values, verdicts
from zhixing.core.errors import UsageError
from zhixing.core.files import write_json_lines

if TYPE_CHECKING:
    from zhixing.cli.examples import Places
    from zhixing.cli.recipe import Recipe
    from zhixing.cli.seq2seq_scores import Wanted
    from zhixing.core.progress import Progress
    from zhixing.evaluate.baselines.pairs import Pairs
    from zhixing.evaluate.tasks.measure import TaskDifference
    from zhixing.objective.config import Seq2SeqConfig

Baseline = Literal["dictionary", "memory", "lead", "tfidf"]
By = Literal["model", Baseline]
BASELINES = get_args(Baseline)


@dataclass(frozen=True, kw_only=True)
class Options:
    """Who writes, and what is shown."""

    by: By = "model"
    """Who writes: the run's model, or a baseline in its place."""
    beam: int | None = None
    """Width of the model's search; the widest of the recipe unless given."""
    against: str = ""
    """A baseline, or the folder of another run on the same pairs: is the difference real?"""
    out: Path | None = None
    """Write {source, reference, text} of every pair to this jsonl file."""
    show: int = 0
    """Print so many of them, evenly spaced."""
    seed: int = 42
    """Of the bootstrap behind the intervals."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A run, its test pairs, and where they are."""

    folder: Path
    recipe: "Recipe"
    config: "Seq2SeqConfig"
    places: "Places"
    wanted: Sequence["Wanted"]


def pairs(
    run: Annotated[Path, Parameter(help="The folder of a run that learnt sequence to sequence.")],
    *,
    options: Annotated[Options, FLAT] = Options(),
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Score what is written for the test pairs of a run: `zhixing evaluate pairs runs/translate-en-zh --against dictionary`."""
    _check(options, as_json)
    progress = reporter(log)
    opened = open_run(run, progress)
    if options.out is not None:
        read = (opened.places.train, opened.places.validation, opened.places.test)
        check_out(options.out, [Path(place) for place in read if place])
    second = _second(opened, options.against, progress)  # refused before the work
    from zhixing.cli.seq2seq_scores import judge
    from zhixing.evaluate.tasks.measure import compare, scores, undefined

    written = write(opened, options.by, options.beam, progress)
    judged = judge(written, opened.wanted, opened.config, opened.places.test)
    if options.out is not None:
        _save(options.out, opened.wanted, written)
    differences: Sequence[TaskDifference] = ()
    if second is not None:
        other = judge(
            write(*second, options.beam, progress), opened.wanted, opened.config, opened.places.test
        )
        differences = compare(judged, other, seed=options.seed)
    made, missing = scores(judged, seed=options.seed), undefined(judged)
    if as_json:
        about = {"run": str(run), "by": options.by}
        print_json(about | score_values(judged, made, missing, differences))
        return
    for each in _shown(opened.wanted, written, options.show):
        print(f"{each}\n")
    print(score_table(judged, made, missing))
    if differences:
        first = str(run) if options.by == "model" else options.by
        print(verdicts(first, options.against, differences))


def open_run(folder: Path, progress: "Progress") -> Run:
    """The recipe of a run and its test pairs. Raises UsageError for a folder that has none."""
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
    if not found.test:
        raise UsageError(f"the recipe of {folder} has no test pairs: set objective.examples.test")
    wanted = tuple(wanted_at(found.test, config.examples))
    return Run(folder=folder, recipe=recipe, config=config, places=found, wanted=wanted)


def write(run: Run, by: str, beam: int | None, progress: "Progress") -> list[str]:
    """What `by` writes for the test sources of `run`."""
    sources = [each.source for each in run.wanted]
    if by == "model":
        from zhixing.cli.seq2seq_scores import Translator

        width = max(run.config.beams) if beam is None else beam
        translator = Translator(run.folder, time=run.recipe.data.time)
        return translator.translate_all(sources, beam=width, progress=progress)
    from zhixing.cli.examples import languages
    from zhixing.evaluate.baselines.pairs import WRITERS, Languages

    progress.start(f"{by} on {len(sources):,} sources")
    source, target = languages(run.config)
    found = WRITERS[by](_learnt_from(run), Languages(source=source, target=target))(sources)
    progress.finish(f"{len(sources):,} targets written by {by}")
    return found


def _check(options: Options, as_json: bool) -> None:
    no_model = options.by != "model" and options.against in ("", *BASELINES)
    if no_model and options.beam is not None:
        raise UsageError(f"--beam would do nothing for {options.by}, which does not search")
    if options.show < 0:
        raise UsageError(f"--show {options.show}: a number of examples, 0 or more")
    if options.show and as_json:
        raise UsageError("--show would do nothing with --json; write all examples with --out FILE")


def _second(run: Run, against: str, progress: "Progress") -> tuple[Run, str] | None:
    """The run that the second system belongs to, and who writes for it; None where there is no second one."""
    if not against:
        return None
    if against in BASELINES:
        return run, against
    if not Path(against).is_dir():
        raise UsageError(
            f"--against {against} is no baseline ({', '.join(BASELINES)}), and there is no run in such a folder"
        )
    other = open_run(Path(against), progress)
    if other.wanted != run.wanted:
        raise UsageError(
            f"{other.folder} and {run.folder} have other test pairs; give a run with the same objective.examples, or a "
            f"baseline: {', '.join(BASELINES)}"
        )
    return other, "model"


def _learnt_from(run: Run) -> "Pairs":
    """The training pairs."""
    from zhixing.cli.seq2seq_scores import wanted_at
    from zhixing.evaluate.baselines.pairs import Pairs

    found = list(wanted_at(run.places.train, run.config.examples))
    return Pairs(
        sources=[each.source for each in found], targets=[each.targets[0] for each in found]
    )


def _save(path: Path, wanted: Sequence["Wanted"], written: Sequence[str]) -> None:
    rows = (
        {"source": each.source, "reference": each.targets[0], "text": text}
        for each, text in zip(wanted, written, strict=True)
    )
    write_json_lines(path, rows)


def _shown(wanted: Sequence["Wanted"], written: Sequence[str], num: int) -> list[str]:
    places = sorted({len(wanted) * place // num for place in range(num)}) if num else []
    return [
        f"{wanted[place].source}\n  right   {wanted[place].targets[0]}\n  written {written[place]}"
        for place in places
    ]
