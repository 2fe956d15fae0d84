"""Systems that answered the test items of one folder, each shown as soon as it is measured; what a stop leaves of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zhixing.cli.scores import MISSING
from zhixing.cli.task_scores import difference_values
from zhixing.core.errors import InterruptedRunError, UnsupportedError, ZhixingError

if TYPE_CHECKING:
    from zhixing.api import Model
    from zhixing.cli.task_rows import TaskRow
    from zhixing.core.progress import Progress
    from zhixing.evaluate.contest import Contest, System
    from zhixing.evaluate.score import Score
    from zhixing.evaluate.tasks.measure import TaskDifference

IN_A_ROW = 3
"""Scores that a row of the table has room for."""
Form = Literal["text", "markdown", "json"]
"""For people, as rows of a Markdown table, or for machines: then nothing is shown but at the end, by the command."""


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


@dataclass(kw_only=True, slots=True)
class Table:
    """What is measured on one folder, called `data`; `title` stands before what is told of it."""

    data: str
    contest: "Contest[Any]"
    form: Form
    title: str = ""
    found: list[Measured] = field(default_factory=list)

    def begin(self) -> None:
        """Show what is known of the folder."""
        if self.form == "text":
            print(self.title + "\n".join(self.contest.told()), flush=True)

    def add(self, each: Measured) -> None:
        """Show a system."""
        from zhixing.cli.task_rows import markdown

        self.found.append(each)
        if self.form == "text":
            print("", *_lines(each), sep="\n", flush=True)
        elif self.form == "markdown":
            print(markdown(_row(self.data, each, self.found[0])), flush=True)

    def end(self) -> None:
        """Show what was odd."""
        notes = dict.fromkeys(f"note: {note}" for each in self.found for note in each.notes)
        if self.form == "text" and notes:
            print("", *notes, sep="\n", flush=True)


def form_of(*, markdown: bool, as_json: bool) -> Form:
    """The form that was asked for."""
    return "json" if as_json else "markdown" if markdown else "text"


def told_of(count: int) -> str:
    """What a stop says of so many systems."""
    return f"what was measured is shown (systems: {count})" if count else "nothing was measured yet"


@contextmanager
def kept_on_stop(progress: "Progress", keep: Callable[[], str]) -> Iterator[None]:
    """Before Ctrl-C or an error ends the block, keep what is finished; `keep` gives a word about it."""
    try:
        yield
    except KeyboardInterrupt as stop:
        progress.stop()  # while a bar is shown, what is printed goes to it
        raise InterruptedRunError(f"interrupted; {keep()}") from stop
    except ZhixingError:
        progress.stop()
        keep()
        raise


def require(model: "Model", folder: Path, method: str) -> None:
    """Raise UnsupportedError, naming the folder, unless the model of it answers to `method`."""
    try:
        model.require(method)
    except UnsupportedError as error:
        raise UnsupportedError(f"{folder}: {error}") from error


def named(system: "System[Any]") -> str:
    """A system and how it was made."""
    return f"{system.name}{f' ({system.told})' * bool(system.told)}"


def _row(data: str, each: Measured, first: Measured) -> "TaskRow":
    """A row of the table of applications, for the folder called `data`; the best baseline is the first."""
    from zhixing.cli.task_rows import TaskRow, told_system

    verdict = _verdict(each.differences, first.system.name)
    is_best = each is first and not each.is_model
    return TaskRow(
        data=data,
        system=told_system(each.system.name, is_model=each.is_model),
        scores=each.scores[:IN_A_ROW],
        parameters=each.system.parameters,
        seconds=each.system.seconds,
        before=each.before,
        verdict=verdict or ("the best baseline" if is_best else MISSING),
    )


def _verdict(differences: Sequence[Against], best: str) -> str:
    """The first difference from each baseline that there is one from; those other than the best are named."""
    from zhixing.cli.task_rows import told_difference

    firsts: dict[str, str] = {}
    for each in differences:
        named = "" if each.baseline == best else f" ({each.baseline})"
        firsts.setdefault(each.baseline, f"{told_difference(each.difference)}{named}")
    return "; ".join(firsts.values())


def _lines(each: Measured) -> list[str]:
    """A system for people."""
    from zhixing.cli.task_rows import told_count, told_difference, told_score, told_seconds

    cost = told_seconds(each.system.seconds, each.before)
    return [
        named(each.system),
        *(f"  {told_score(score)}" for score in each.scores),
        f"  parameters {told_count(each.system.parameters)}, training {cost}",
        *(
            f"  against {one.baseline}: {told_difference(one.difference)}"
            for one in each.differences
        ),
    ]


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
