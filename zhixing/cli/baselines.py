"""`zhixing evaluate baselines`: what a model has to beat, and whether it does, on the same test items."""

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from zhixing.cli.console import (
    FLAT,
    Fresh,
    Json,
    Log,
    check_forms,
    check_out,
    check_seed,
    print_json,
    reporter,
)
from zhixing.cli.contest_table import (
    Against,
    Measured,
    Table,
    as_values,
    form_of,
    kept_on_stop,
    named,
    told_of,
)
from zhixing.cli.slices import measure_slices, places_of, slices_as_markdown, told_slices
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.core.files import write_json_lines

if TYPE_CHECKING:
    from zhixing.core.progress import Progress
    from zhixing.evaluate.contest import Contest, System
    from zhixing.evaluate.tasks.measure import Judged

LEARNT = ("validation", "seconds")
"""The record of a run that says for how long it had learnt."""
IN_A_ROW = 3
"""Scores that a row of the table has room for."""
_FOLDER = Parameter(
    help="A folder with train, validation and test .jsonl, as `zhixing data examples` writes; the keys of its rows say "
    "which task it is."
)
_MODELS = Parameter(name="--model", negative="")
_REVERSED = Parameter(negative="")
RuleName = Literal["word-list", "language"]
MARKDOWN = Parameter(negative="", help="Print rows of a Markdown table.")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Who answers beside the baselines, and how the answers are judged."""

    models: Annotated[tuple[Path, ...], _MODELS] = ()
    """A model folder to set beside them; may be repeated."""
    positive: str = ""
    """The label whose F1 counts (examples with labels)."""
    clean: str = ""
    """The label that raises no alarm: false alarms per 1,000 such texts, recall and precision of each other label."""
    rules: Annotated[tuple[RuleName, ...], Parameter(name="--rule", negative="")] = ()
    """Something that learns nothing, to stand beside the baselines of labels: a word list, or what tells languages apart."""
    slices: Annotated[tuple[str, ...], Parameter(name="--slice", negative="")] = ()
    """Measure parts of the test texts too: by length, language, or a field of the rows; may be repeated."""
    reversed: Annotated[bool, _REVERSED] = False
    """Write the source, given the target (pairs)."""
    seed: int = 42
    """Of the baselines and of the bootstrap."""
    out: Path | None = None
    """Write what every system answered to this jsonl file, one test item a line."""
    fresh: Fresh = False


def baselines(
    folder: Annotated[Path, _FOLDER],
    *,
    options: Annotated[Options, FLAT] = Options(),
    markdown: Annotated[bool, MARKDOWN] = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Answer the test items by baselines and by models: `zhixing evaluate baselines runs/reviews --model runs/mine`.

    Every system is shown as soon as it is measured. Ctrl-C keeps those that are: shown, and their answers in --out.
    """
    check_forms(markdown=markdown, as_json=as_json)
    _check(options, folder)
    from zhixing.evaluate.baselines.kinds import Wish, open_contest

    wish = Wish(
        positive=options.positive,
        clean=options.clean,
        rules=options.rules,
        reversed=options.reversed,
    )
    contest = open_contest(folder, wish)
    places = places_of(contest, options.slices, folder)
    progress = reporter(log)
    _check_can_answer(options.models, contest)
    form = form_of(markdown=markdown, as_json=as_json)
    data = folder.name + ", reversed" * options.reversed
    table = Table(data=data, contest=contest, form=form)
    table.begin()
    with kept_on_stop(progress, lambda: _kept(table, folder, options.out)):
        for each in measure(contest, options.models, seed=options.seed, progress=progress):
            table.add(each)
    if not table.found:
        raise DataError(
            f"{folder}: every baseline answers all its test items alike, so nothing was measured; name a model: --model FOLDER"
        )
    _save(options.out, table.found)
    table.end()
    sliced = measure_slices(contest, places, table.found, options.seed)
    if as_json:
        found = as_values(folder, contest, table.found)
        print_json(found | {"slices": [asdict(each) for each in sliced]})
    elif sliced:
        lines = ["", slices_as_markdown(sliced)] if markdown else told_slices(sliced)
        print("\n".join(lines))


def measure(
    contest: "Contest[Any]", models: Sequence[Path], *, seed: int, progress: "Progress"
) -> Iterator[Measured]:
    """Baselines, the best first, then each model with its difference from the best."""
    progress.start("baselines")
    floor = contest.baselines(seed=seed)
    rivals = [(system.name, contest.judge(system.answers)) for system in floor]
    progress.finish("; ".join(map(named, floor)))
    shown = contest.shown
    for system, (_, judged) in zip(floor, rivals, strict=True):
        yield measured(system, judged, shown, seed)
    for model in models:
        system = _of_model(model, contest, progress)
        judged = contest.judge(system.answers)
        yield replace(
            measured(system, judged, shown, seed),
            is_model=True,
            before=_seconds_before(model),
            differences=against(judged, rivals, shown, seed),
        )


def against(
    judged: "Judged", rivals: Sequence[tuple[str, "Judged"]], shown: Sequence[str], seed: int
) -> list[Against]:
    """Each measure that is shown beside the first rival that has it."""
    from zhixing.evaluate.tasks.measure import compare

    found: dict[str, Against] = {}
    for name, rival in rivals:
        left = [each for each in judged.measures if each.name in {*shown} - {*found}]
        for one in compare(replace(judged, measures=tuple(left)), rival, seed=seed):
            found[one.name] = Against(baseline=name, difference=one)
    return [found[name] for name in shown if name in found]


def measured(system: "System[Any]", judged: "Judged", shown: Sequence[str], seed: int) -> Measured:
    """A system whose answers were judged, with the scores that are `shown` apart from the others."""
    from zhixing.evaluate.tasks.measure import scores

    made = {each.name: each for each in scores(judged, seed=seed)}
    return Measured(
        system=system,
        scores=[made.pop(name) for name in shown if name in made],
        more=[*made.values()],
        details=judged.details,
        notes=judged.notes,
    )


def _of_model(folder: Path, contest: "Contest[Any]", progress: "Progress") -> "System[Any]":
    """What a model answers to the test items."""
    import zhixing
    from zhixing.evaluate.contest import System

    progress.start(f"answers of {folder}")
    model = zhixing.load(folder)
    with _told_of(folder):
        answers, told = contest.ask(model)
    system = System(
        name=str(folder),
        answers=answers,
        parameters=model.num_parameters,
        seconds=training_seconds(folder),
        told=told,
    )
    progress.finish(f"{len(answers):,} answers of {named(system)}")
    return system


def training_seconds(folder: Path) -> float | None:
    """How long the model of a run learnt, without validating and saving; None where the folder does not say."""
    from zhixing.core.records import read_records
    from zhixing.train.folder import RECORDS

    if not (folder / RECORDS).is_file():
        return None
    found = [r.value for r in read_records(folder / RECORDS) if (r.kind, r.name) == LEARNT]
    return found[-1] if found else None


def _seconds_before(folder: Path) -> float | None:
    """What went into the model that a run began from, and into those before it; None for one that began anew."""
    recipe = folder / "recipe.toml"
    if not recipe.is_file():
        return None
    begins = tomllib.loads(recipe.read_text("utf-8")).get("finetune", {}).get("folder")
    if not begins:
        return None
    own = training_seconds(Path(begins).expanduser())
    return None if own is None else own + (_seconds_before(Path(begins).expanduser()) or 0.0)


def _check(options: Options, folder: Path) -> None:
    """Refuse, before any work, what cannot be done."""
    check_seed(options.seed)
    for model in options.models:
        if not model.is_dir():
            raise UsageError(f"--model {model}: there is no such folder")
    if options.out is not None:
        check_out(options.out, [*folder.glob("*")], fresh=options.fresh)


def _check_can_answer(models: Sequence[Path], contest: "Contest[Any]") -> None:
    """Refuse, before any work, a folder that is no finished model, or one that was taught something else."""
    import zhixing

    for folder in models:
        with _told_of(folder):
            contest.check(zhixing.load(folder))


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    """Say which model refuses."""
    try:
        yield
    except UnsupportedError as error:
        raise UnsupportedError(f"--model {folder}: {error}") from error


def _kept(table: Table, folder: Path, out: Path | None) -> str:
    """Keep what is finished of a run that was stopped; a word about it."""
    table.end()
    if table.form == "json":
        print_json(as_values(folder, table.contest, table.found))
    _save(out, table.found)
    told = told_of(len(table.found))
    return f"{told}; {out} has their answers" if out and table.found else told


def _save(out: Path | None, found: Sequence[Measured]) -> None:
    if out is None or not found:
        return
    systems = [each.system for each in found]
    items = zip(*(each.answers for each in systems), strict=True)
    names = [each.name for each in systems]
    write_json_lines(out, (dict(zip(names, answers, strict=True)) for answers in items))
