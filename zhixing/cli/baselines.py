"""`zhixing evaluate baselines`: what a classifier of texts has to beat, and whether a model does, on the same test texts."""

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.console import Json, Log, print_json, reporter
from zhixing.cli.scores import MISSING
from zhixing.cli.task_scores import difference_values
from zhixing.core.errors import UsageError

if TYPE_CHECKING:
    from zhixing.cli.task_rows import TaskRow
    from zhixing.core.progress import Progress
    from zhixing.evaluate.baselines.labels import Parts, System
    from zhixing.evaluate.score import Score
    from zhixing.evaluate.tasks.measure import Judged, TaskDifference

SHOWN = ("accuracy", "f1_macro", "f1_micro", "f1")
"""Scores that are shown; the last is that of one label."""
LEARNT = ("validation", "seconds")
"""The record of a run that says for how long it had learnt."""
_FOLDER = Parameter(
    help="A folder with train, validation and test .jsonl of {text, label}, as `zhixing data examples` writes."
)
_MODELS = Parameter(
    name="--model", negative="", help="A model folder to set beside them; may be repeated."
)
_MARKDOWN = Parameter(negative="", help="Print rows of a Markdown table.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """A system, its scores, and how it differs from the best baseline (nothing for a baseline)."""

    system: "System"
    scores: Sequence["Score"]
    notes: Sequence[str]
    before: float | None
    differences: Sequence["TaskDifference"]

    def difference(self, name: str) -> "TaskDifference | None":
        """In one measure."""
        return next((each for each in self.differences if each.name == name), None)


def baselines(
    folder: Annotated[Path, _FOLDER],
    *,
    models: Annotated[tuple[Path, ...], _MODELS] = (),
    positive: Annotated[str, Parameter(help="The label whose F1 counts.")] = "",
    seed: Annotated[int, Parameter(help="Of the baselines and of the bootstrap.")] = 42,
    markdown: Annotated[bool, _MARKDOWN] = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Label the test texts by baselines and by models: `zhixing evaluate baselines runs/reviews --model runs/mine`."""
    if markdown and as_json:
        raise UsageError("--markdown and --json print the same in two forms; give one of them")
    from zhixing.evaluate.baselines.labels import read_parts

    if seed < 0:
        raise UsageError(f"--seed {seed}: a seed is zero or larger")
    for model in models:
        if not model.is_dir():
            raise UsageError(f"--model {model}: there is no such folder")
    parts = read_parts(folder)
    found = measure(parts, models, positive=positive, seed=seed, progress=reporter(log))
    if as_json:
        print_json(_as_json(folder, parts, found))
    elif markdown:
        from zhixing.cli.task_rows import markdown as line

        print("\n".join(line(row) for row in _rows(folder.name, found, positive)))
    else:
        print(_table(parts, found))


def measure(
    parts: "Parts", models: Sequence[Path], *, positive: str, seed: int, progress: "Progress"
) -> list[Measured]:
    """Baselines, the best first, then each model with its difference from the best."""
    from zhixing.evaluate.baselines.labels import baselines as made_of
    from zhixing.evaluate.baselines.labels import judge
    from zhixing.evaluate.tasks.measure import compare

    progress.start(f"baselines of {len(parts.train.texts):,} texts")
    floor = made_of(parts, seed=seed)
    judged = [judge(system, parts, positive=positive) for system in floor]
    progress.finish("; ".join(f"{system.name}: {system.told}" for system in floor))
    found = [_measured(system, each, seed) for system, each in zip(floor, judged, strict=True)]
    for model in models:
        system = _of_model(model, parts, progress)
        other = judge(system, parts, positive=positive)
        differences = compare(other, judged[0], seed=seed)
        before = _seconds_before(model)
        found.append(_measured(system, other, seed, before=before, differences=differences))
    return found


def _measured(
    system: "System",
    judged: "Judged",
    seed: int,
    *,
    before: float | None = None,
    differences: Sequence["TaskDifference"] = (),
) -> Measured:
    from zhixing.evaluate.tasks.measure import scores

    made = {each.name: each for each in scores(judged, seed=seed)}
    return Measured(
        system=system,
        scores=[made[name] for name in SHOWN if name in made],
        notes=judged.notes,
        before=before,
        differences=differences,
    )


def _of_model(folder: Path, parts: "Parts", progress: "Progress") -> "System":
    """The labels that a model gives the test texts, which are cut as in training."""
    import zhixing
    from zhixing.evaluate.baselines.labels import System

    progress.start(f"labels of {folder}")
    model = zhixing.load(folder)
    model.require("classify")
    texts, limit = parts.test.texts, model.limit
    labels = tuple(each.label for each in model.classify(texts, cut=True))
    long = 0 if limit is None else sum(len(model.encode(text)) > limit for text in texts)
    told = f"{long:,} of {len(texts):,} texts cut to {limit} tokens" if long else ""
    progress.finish(f"{folder}: {len(labels):,} texts labelled{f'; {told}' * bool(told)}")
    return System(
        name=str(folder),
        labels=labels,
        parameters=model.num_parameters,
        seconds=training_seconds(folder),
        told=told,
    )


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


def _rows(data: str, found: Sequence[Measured], positive: str) -> "list[TaskRow]":
    from zhixing.cli.task_rows import TaskRow, told_difference

    main = "f1" if positive else "accuracy"
    rows = []
    for place, each in enumerate(found):
        difference = each.difference(main)
        verdict = told_difference(difference) if difference else ""
        rows.append(
            TaskRow(
                data=data,
                system=f"`{each.system.name}`" if each.differences else each.system.name,
                scores=[score for score in each.scores if score.name != "f1_micro"],
                parameters=each.system.parameters,
                seconds=each.system.seconds,
                before=each.before,
                verdict=verdict or ("the best baseline" if place == 0 else MISSING),
            )
        )
    return rows


def _as_json(folder: Path, parts: "Parts", found: Sequence[Measured]) -> dict[str, Any]:
    return {
        "data": str(folder),
        "train": len(parts.train.texts),
        "validation": len(parts.validation.texts),
        "test": len(parts.test.texts),
        "test_also_learnt": parts.num_copies,
        "systems": [
            {
                "name": each.system.name,
                "told": each.system.told,
                "scores": {score.name: asdict(score) for score in each.scores},
                "parameters": each.system.parameters,
                "seconds": each.system.seconds,
                "seconds_before": each.before,
                "notes": list(each.notes),
                "against_best_baseline": [
                    difference_values(one) for one in each.differences if one.name in SHOWN
                ],
            }
            for each in found
        ],
    }


def _table(parts: "Parts", found: Sequence[Measured]) -> str:
    from zhixing.cli.task_rows import told_count, told_difference, told_score, told_seconds

    lines = [
        f"{len(parts.train.texts):,} texts to learn from, {len(parts.validation.texts):,} to choose on, "
        f"{len(parts.test.texts):,} to test on"
    ]
    if copies := parts.num_copies:
        lines.append(
            f"note: {copies:,} of the texts to test on are also learnt from: the scores are too good"
        )
    for each in found:
        lines += ["", f"{each.system.name}{f' ({each.system.told})' * bool(each.system.told)}"]
        lines += [f"  {told_score(score)}" for score in each.scores]
        cost = told_seconds(each.system.seconds, each.before)
        lines.append(f"  parameters {told_count(each.system.parameters)}, training {cost}")
        lines += [
            f"  against {found[0].system.name}: {told_difference(one)}"
            for one in each.differences
            if one.name in SHOWN
        ]
    lines += ["", *dict.fromkeys(f"note: {note}" for each in found for note in each.notes)]
    return "\n".join(lines).rstrip()
