"""`zhixing evaluate suite`: texts labelled by a language model that was never taught the labels, from a prompt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from zhixing.cli.baselines import MARKDOWN, against, measured, training_seconds
from zhixing.cli.console import FLAT, Json, Log, check_forms, check_seed, print_json, reporter
from zhixing.cli.contest_table import (
    Form,
    Measured,
    Table,
    as_values,
    form_of,
    kept_on_stop,
    require,
    told_of,
)
from zhixing.core.errors import UsageError

if TYPE_CHECKING:
    from zhixing.api import Model
    from zhixing.core.progress import Progress
    from zhixing.evaluate.baselines.labels import LabelContest
    from zhixing.evaluate.prompting import Wording
    from zhixing.evaluate.score import Score
    from zhixing.evaluate.suite import SetConfig, Suite
    from zhixing.evaluate.tasks.measure import Judged

_SUITE = Parameter(help="A suite that ships (few-shot), or a TOML file of your own.")
_MODELS = Parameter(help="Folders of language models.")
_SHOTS = Parameter(negative="")
_SET = Parameter(name="--set", negative="")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What of the suite is measured, and how examples are drawn."""

    shots: Annotated[tuple[int, ...], _SHOTS] = ()
    """Examples in a prompt, instead of what the suite says; may be repeated."""
    sets: Annotated[tuple[str, ...], _SET] = ()
    """Only this folder of the suite; may be repeated."""
    seed: int = 42
    """Of the examples in the prompts, and of the bootstrap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenSet:
    """One folder, how its texts are asked about, and the examples of a prompt by their number."""

    folder: Path
    contest: "LabelContest"
    wording: "Wording"
    examples: Mapping[int, Sequence[tuple[str, str]]]


def suite(
    name: Annotated[str, _SUITE],
    *models: Annotated[Path, _MODELS],
    options: Annotated[Options, FLAT] = Options(),
    markdown: Annotated[bool, MARKDOWN] = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Label texts from prompts, as they are and calibrated: `zhixing evaluate suite few-shot runs/quickstart/gpt`.

    Every row is shown as soon as it is measured, so that Ctrl-C loses none.
    """
    check_forms(markdown=markdown, as_json=as_json)
    from zhixing.evaluate.suite import find_suite

    chosen = _narrowed(find_suite(name), options.shots, options.sets)
    if not models:
        raise UsageError("name a model folder: zhixing evaluate suite few-shot runs/quickstart/gpt")
    check_seed(options.seed)
    asked = _opened(models)
    sets = [_open(config, options.seed) for config in chosen.sets]
    tables = _tables(sets, form_of(markdown=markdown, as_json=as_json))
    progress = reporter(log)
    with kept_on_stop(progress, lambda: _show(sets, tables, as_json)):
        for each, table in zip(sets, tables, strict=True):
            table.begin()
            for found in _measure(each, asked, options.seed, progress):
                table.add(found)
            table.end()
    _show(sets, tables, as_json)


def _narrowed(found: "Suite", shots: Sequence[int], sets: Sequence[str]) -> "Suite":
    """The suite with what was asked for alone."""
    if any(count < 0 for count in shots):
        raise UsageError(f"--shots {min(shots)}: a number of examples, 0 or more")
    folders = [each.folder for each in found.sets]
    if unknown := [each for each in sets if each not in folders]:
        raise UsageError(f"--set {unknown[0]}: the suite has {', '.join(folders)}")
    kept = [
        each.model_copy(update={"shots": tuple(shots) or each.shots or found.shots})
        for each in found.sets
        if not sets or each.folder in sets
    ]
    return found.model_copy(update={"sets": tuple(kept)})


def _opened(models: Sequence[Path]) -> "list[tuple[Path, Model]]":
    """Every model. Raises UsageError for a folder that is not there, UnsupportedError for a model without next tokens."""
    import zhixing

    for folder in models:
        if not folder.is_dir():
            raise UsageError(f"{folder}: there is no such folder")
    asked = [(folder, zhixing.load(folder)) for folder in models]
    for folder, model in asked:
        require(model, folder, "score")
    return asked


def _tables(sets: Sequence[OpenSet], form: Form) -> list[Table]:
    """One for each set, a blank line between two."""
    titles = [f"{each.folder}: " for each in sets]
    titles[1:] = [f"\n{title}" for title in titles[1:]]
    return [
        Table(data=each.folder.name, contest=each.contest, form=form, title=title)
        for each, title in zip(sets, titles, strict=True)
    ]


def _show(sets: Sequence[OpenSet], tables: Sequence[Table], as_json: bool) -> str:
    """Print what is measured where nothing is shown before; a word about it."""
    made = [(each, table) for each, table in zip(sets, tables, strict=True) if table.found]
    if as_json:
        found = [as_values(each.folder, table.contest, table.found) for each, table in made]
        print_json({"sets": found})
    return told_of(sum(len(table.found) for table in tables))


def _measure(
    opened: OpenSet, asked: "Sequence[tuple[Path, Model]]", seed: int, progress: "Progress"
) -> Iterator[Measured]:
    """The most frequent label, then every model with every number of examples."""
    from zhixing.evaluate.baselines.labels import majority

    contest = opened.contest
    floor = majority(contest.parts)
    rivals = [(floor.name, contest.judge(floor.answers))]
    yield measured(floor, rivals[0][1], contest.shown, seed)
    for folder, model in asked:
        for count in opened.examples:
            progress.start(f"{opened.folder}: {folder}, {count} examples in a prompt")
            found = _of_model(folder, model, opened, count, rivals, seed)
            progress.finish(f"{opened.folder}: {found[-1].system.told}")
            yield from found


def _open(config: "SetConfig", seed: int) -> OpenSet:
    """A set with the examples of every number that is asked for: what there is not is told before any work."""
    from zhixing.evaluate.baselines.labels import LabelContest
    from zhixing.evaluate.prompting import drawn
    from zhixing.evaluate.suite import open_set

    parts = open_set(config)
    return OpenSet(
        folder=Path(config.folder),
        contest=LabelContest(parts=parts),
        wording=config.wording(parts),
        examples={count: drawn(parts.train, count, seed) for count in config.shots},
    )


def _of_model(
    folder: Path,
    model: "Model",
    opened: OpenSet,
    count: int,
    rivals: "Sequence[tuple[str, Judged]]",
    seed: int,
) -> list[Measured]:
    """Labels as they are and calibrated, behind `count` examples, beside what has to be beaten."""
    from zhixing.evaluate.prompting import prompted

    contest = opened.contest
    texts, examples = contest.parts.test.texts, opened.examples[count]
    made = []
    for each in prompted(model, texts, examples, opened.wording, seed=seed):
        mean = f"{each.shots:.2f}"
        read = f"{count}" if float(mean) == count else f"{mean} of {count}"
        system = replace(
            each.system,
            name=f"{folder}, {read} examples, {each.system.name}",
            parameters=model.num_parameters,
            seconds=training_seconds(folder),
        )
        judged = contest.judge(system.answers)
        shown = measured(system, judged, contest.shown, seed)
        made.append(
            replace(
                shown,
                scores=_signed(shown.scores, each.signature),
                more=_signed(shown.more, each.signature),
                is_model=True,
                differences=against(judged, rivals, contest.shown, seed),
            )
        )
    return made


def _signed(scores: "Sequence[Score]", signature: str) -> "list[Score]":
    """Scores that say how the prompts were made."""
    return [replace(each, signature=f"{signature}|{each.signature}") for each in scores]
