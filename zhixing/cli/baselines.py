"""`zhixing evaluate baselines`: what a model has to beat, and whether it does, on the same test items."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from zhixing.cli.console import (
    FLAT,
    Json,
    Log,
    check_forms,
    check_out,
    check_seed,
    print_json,
    reporter,
)
from zhixing.cli.scores import MISSING
from zhixing.cli.slices import measure_slices, places_of, slices_as_markdown, told_slices
from zhixing.cli.task_scores import difference_values
from zhixing.core.errors import UnsupportedError, UsageError
from zhixing.core.files import write_json_lines

if TYPE_CHECKING:
    from zhixing.cli.task_rows import TaskRow
    from zhixing.core.progress import Progress
    from zhixing.evaluate.contest import Contest, System
    from zhixing.evaluate.score import Score
    from zhixing.evaluate.tasks.measure import Judged, TaskDifference

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


@dataclass(frozen=True, kw_only=True, slots=True)
class Against:
    """How a model differs in one measure from the best of the baselines that have it."""

    baseline: str
    difference: "TaskDifference"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A system, its scores, and how it differs from the best baseline (nothing for a baseline).

    `more` are scores that only --json gives, as are the details.
    """

    system: "System[Any]"
    scores: Sequence["Score"]
    more: Sequence["Score"]
    details: Mapping[str, Any]
    notes: Sequence[str]
    before: float | None = None
    differences: Sequence[Against] = ()
    is_model: bool = False


def baselines(
    folder: Annotated[Path, _FOLDER],
    *,
    options: Annotated[Options, FLAT] = Options(),
    markdown: Annotated[bool, MARKDOWN] = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Answer the test items by baselines and by models: `zhixing evaluate baselines runs/reviews --model runs/mine`."""
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
    found = measure(contest, options.models, seed=options.seed, progress=reporter(log))
    if options.out is not None:
        _save(options.out, found)
    sliced = measure_slices(contest, places, [each.system for each in found], options.seed)
    if as_json:
        print_json(
            as_values(folder, contest, found) | {"slices": [asdict(each) for each in sliced]}
        )
    elif markdown:
        from zhixing.cli.task_rows import markdown as line

        data = folder.name + ", reversed" * options.reversed
        print("\n".join(line(row) for row in table_rows(data, found)))
        if sliced:
            print(f"\n{slices_as_markdown(sliced)}")
    else:
        print("\n".join([as_table(contest, found), *told_slices(sliced)]))


def measure(
    contest: "Contest[Any]", models: Sequence[Path], *, seed: int, progress: "Progress"
) -> list[Measured]:
    """Baselines, the best first, then each model with its difference from the best."""
    progress.start("baselines")
    floor = contest.baselines(seed=seed)
    judged = [contest.judge(system.answers) for system in floor]
    progress.finish("; ".join(_named(system) for system in floor))
    shown = contest.shown
    found = [
        measured(system, each, shown, seed) for system, each in zip(floor, judged, strict=True)
    ]
    for model in models:
        system = _of_model(model, contest, progress)
        other = contest.judge(system.answers)
        rivals = [(each.name, beside) for each, beside in zip(floor, judged, strict=True)]
        found.append(
            replace(
                measured(system, other, shown, seed),
                is_model=True,
                before=_seconds_before(model),
                differences=against(other, rivals, shown, seed),
            )
        )
    return found


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
    try:
        answers, told = contest.ask(model)
    except UnsupportedError as error:
        raise UnsupportedError(f"--model {folder}: {error}") from error
    system = System(
        name=str(folder),
        answers=answers,
        parameters=model.num_parameters,
        seconds=training_seconds(folder),
        told=told,
    )
    progress.finish(f"{len(answers):,} answers of {_named(system)}")
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
    if options.models:
        from zhixing.checkpoint.folder import check_is_model

        for model in options.models:
            check_is_model(model)
    if options.out is not None:
        check_out(options.out, [*folder.glob("*")])


def _named(system: "System[Any]") -> str:
    return f"{system.name}{f' ({system.told})' * bool(system.told)}"


def _save(out: Path, found: Sequence[Measured]) -> None:
    systems = [each.system for each in found]
    items = zip(*(each.answers for each in systems), strict=True)
    names = [each.name for each in systems]
    write_json_lines(out, (dict(zip(names, answers, strict=True)) for answers in items))


def table_rows(data: str, found: Sequence[Measured]) -> "list[TaskRow]":
    """Rows of the table of applications, for the folder called `data`."""
    from zhixing.cli.task_rows import TaskRow

    rows = []
    for place, each in enumerate(found):
        verdict = _verdict(each.differences, found[0].system.name)
        is_best = place == 0 and not each.is_model
        rows.append(
            TaskRow(
                data=data,
                system=f"`{each.system.name}`" if each.is_model else each.system.name,
                scores=each.scores[:IN_A_ROW],
                parameters=each.system.parameters,
                seconds=each.system.seconds,
                before=each.before,
                verdict=verdict or ("the best baseline" if is_best else MISSING),
            )
        )
    return rows


def _verdict(differences: Sequence[Against], best: str) -> str:
    """The first difference from each baseline that there is one from; those other than the best are named."""
    from zhixing.cli.task_rows import told_difference

    firsts: dict[str, str] = {}
    for each in differences:
        named = "" if each.baseline == best else f" ({each.baseline})"
        firsts.setdefault(each.baseline, f"{told_difference(each.difference)}{named}")
    return "; ".join(firsts.values())


def as_values(folder: Path, contest: "Contest[Any]", found: Sequence[Measured]) -> dict[str, Any]:
    """What --json prints of one folder."""
    return {
        "data": str(folder),
        "told": list(contest.told()),
        "systems": [
            {
                "name": each.system.name,
                "told": each.system.told,
                "scores": {score.name: asdict(score) for score in (*each.scores, *each.more)},
                "details": dict(each.details),
                "parameters": each.system.parameters,
                "seconds": each.system.seconds,
                "seconds_before": each.before,
                "notes": list(each.notes),
                "against_best_baseline": [
                    {"baseline": one.baseline, **difference_values(one.difference)}
                    for one in each.differences
                ],
            }
            for each in found
        ],
    }


def as_table(contest: "Contest[Any]", found: Sequence[Measured]) -> str:
    """What is printed of one folder."""
    from zhixing.cli.task_rows import told_count, told_difference, told_score, told_seconds

    lines = [*contest.told()]
    for each in found:
        lines += ["", _named(each.system)]
        lines += [f"  {told_score(score)}" for score in each.scores]
        cost = told_seconds(each.system.seconds, each.before)
        lines.append(f"  parameters {told_count(each.system.parameters)}, training {cost}")
        lines += [
            f"  against {one.baseline}: {told_difference(one.difference)}"
            for one in each.differences
        ]
    lines += ["", *dict.fromkeys(f"note: {note}" for each in found for note in each.notes)]
    return "\n".join(lines).rstrip()
