"""One row of the table of applications: a task, a system, its scores with intervals, what it cost, and the verdict.

    | data | system | scores [95 %] | parameters | training | against the best baseline |

Every command that measures a task with `--markdown` prints such rows, so that the page can be made again row by row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zhixing.cli.scores import MISSING
from zhixing.evaluate.score import Score
from zhixing.evaluate.tasks.measure import TaskDifference


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRow:
    """What a row holds; `before` are the training seconds of the model that this one began from."""

    data: str
    system: str
    scores: Sequence[Score]
    parameters: int | None
    seconds: float | None
    before: float | None = None
    verdict: str = MISSING


def markdown(row: TaskRow) -> str:
    """The row as a line of Markdown."""
    cells = (
        row.data,
        row.system,
        " · ".join(map(told_score, row.scores)),
        told_count(row.parameters),
        told_seconds(row.seconds, row.before),
        row.verdict,
    )
    return row_of(cells)


def row_of(cells: Sequence[str]) -> str:
    """Cells as a line of Markdown."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def told_system(name: str, *, is_model: bool) -> str:
    """A model by its folder, as code; a baseline as it is called."""
    return f"`{name}`" if is_model else name


def told_score(score: Score) -> str:
    """Name, value and interval."""
    name = score.name.replace("_", " ")
    if score.low is None or score.high is None:
        return f"{name} {score.value:.3f}"
    return f"{name} {score.value:.3f} [{score.low:.3f}, {score.high:.3f}]"


def told_count(count: int | None) -> str:
    """Thousands and millions as such."""
    if count is None:
        return MISSING
    if count < 1000:
        return f"{count}"
    return f"{count / 1e6:.2f} M" if count >= 1e6 else f"{count / 1e3:.0f} k"


def told_seconds(seconds: float | None, before: float | None) -> str:
    """What training took, and what was spent before on the model that it began from."""
    if seconds is None:
        return MISSING
    own = f"{seconds:,.0f} s"
    return own if before is None else f"{own} after {before:,.0f} s"


def told_difference(difference: TaskDifference) -> str:
    """By how much better, worse or (where neither direction is better) different, and whether that is more than chance."""
    name = difference.name.replace("_", " ")
    span = "" if difference.low is None else f" [{difference.low:+.3f}, {difference.high:+.3f}]"
    told = f"{name} {difference.difference:+.3f}{span}, p = {difference.p_value:.4f}"
    if not difference.is_significant:
        return f"{told}: no difference was found"
    if difference.better not in ("higher", "lower"):  # of a ratio that is best at 1 neither sign is
        return f"{told}: different"
    is_better = (difference.difference > 0) != (difference.better == "lower")
    return f"{told}: {'better' if is_better else 'worse'}"
