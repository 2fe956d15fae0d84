"""Slices of the test items: what `zhixing evaluate baselines --slice` measures of each, and how it is printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhixing.core.errors import UsageError

if TYPE_CHECKING:
    from zhixing.cli.contest_table import Measured
    from zhixing.evaluate.contest import Contest
    from zhixing.evaluate.score import Score

Places = Mapping[tuple[str, str], Sequence[int]]
"""What was sliced by, and the name of a slice -> places of its items."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slice:
    """What a system scores on the items of one slice."""

    by: str
    name: str
    count: int
    system: str
    is_model: bool
    scores: Sequence["Score"]


def places_of(contest: "Contest[Any]", by: Sequence[str], folder: Path) -> Places:
    """Raises UsageError for a kind of examples that has no slices, or a field that they do not have."""
    from zhixing.evaluate.baselines.labels import LabelContest

    if not by:
        return {}
    if not isinstance(contest, LabelContest):
        raise UsageError(
            f"--slice {by[0]} would do nothing: the examples of {folder} have no label"
        )
    return {(each, name): places for each in by for name, places in contest.slices(each).items()}


def measure_slices(
    contest: Any, places: Places, found: "Sequence[Measured]", seed: int
) -> list[Slice]:
    """Every system on every slice; a measure that a slice does not define is left out."""
    from zhixing.evaluate.tasks.measure import score

    made = []
    for (by, name), chosen in places.items():
        part = contest.at(chosen)
        for each in found:
            judged = part.judge([each.system.answers[place] for place in chosen])
            measures = {one.name: one for one in judged.measures}
            scores = [score(measures[n], seed=seed) for n in part.shown if n in measures]
            made.append(
                Slice(
                    by=by,
                    name=name,
                    count=len(chosen),
                    system=each.system.name,
                    is_model=each.is_model,
                    scores=[one for one in scores if one is not None],
                )
            )
    return made


def told_slices(sliced: Sequence[Slice]) -> list[str]:
    """Lines for people."""
    from zhixing.cli.task_rows import told_score

    lines = []
    for title in dict.fromkeys((each.by, each.name, each.count) for each in sliced):
        by, name, count = title
        lines += ["", f"{by} {name}: {count:,} texts"]
        lines += [
            f"  {each.system}: {' · '.join(map(told_score, each.scores))}"
            for each in sliced
            if (each.by, each.name) == (by, name)
        ]
    return lines


def slices_as_markdown(sliced: Sequence[Slice]) -> str:
    """A table with a row for each slice and system."""
    from zhixing.cli.task_rows import row_of, told_score, told_system

    lines = ["| slice | texts | system | scores [95 %] |", "|---|---|---|---|"]
    for each in sliced:
        system = told_system(each.system, is_model=each.is_model)
        scores = " · ".join(map(told_score, each.scores))
        lines.append(row_of((f"{each.by} {each.name}", f"{each.count:,}", system, scores)))
    return "\n".join(lines)
