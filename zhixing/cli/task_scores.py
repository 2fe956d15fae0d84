"""`zhixing evaluate score`: answers in a file against the right ones, with intervals; two systems compared."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from zhixing.cli.console import FLAT, Json, print_json
from zhixing.cli.scores import figure, interval
from zhixing.text.running import aligned, places

if TYPE_CHECKING:
    from zhixing.evaluate.score import Score
    from zhixing.evaluate.tasks.measure import Judged, TaskDifference


@dataclass(frozen=True, kw_only=True)
class How:
    """What to say beside the files."""

    language: str = ""
    """Of the texts, such as en or zh; it picks the tokenizer."""
    positive: str = ""
    """The label whose F1 is wanted (labels)."""
    seed: int = 42
    """Of the bootstrap behind the intervals."""


_TASK = Parameter(
    help="labels, numbers, translation, summary, answers, tags, roles, segmentation, retrieval, writing, or glue-NAME."
)
_RIGHT = Parameter(
    help="A jsonl file with the right answers in the same order; for task writing, the training text."
)


def score(
    predictions: Annotated[Path, Parameter(help="A jsonl file, one answer a line.")],
    references: Annotated[Path, _RIGHT],
    *,
    task: Annotated[str, _TASK],
    how: Annotated[How, FLAT] = How(),
    against: Annotated[
        Path | None, Parameter(help="Another system's answers to the same: is the difference real?")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score answers: `zhixing evaluate score --task labels predictions.jsonl references.jsonl`."""
    from zhixing.evaluate.tasks.files import Options, score_files
    from zhixing.evaluate.tasks.measure import compare, scores, undefined

    options = Options(language=how.language, positive=how.positive)
    judged = score_files(task, predictions, references, options)
    made = scores(judged, seed=how.seed)
    differences: Sequence[TaskDifference] = ()
    if against is not None:
        other = score_files(task, against, references, options)
        differences = compare(judged, other, seed=how.seed)
    if as_json:
        print_json(score_values(judged, made, undefined(judged), differences))
        return
    print(score_table(judged, made, undefined(judged)))
    if differences:
        print(verdicts(str(predictions), str(against), differences))


def score_values(
    judged: "Judged",
    made: Sequence["Score"],
    missing: Sequence[str],
    differences: Sequence["TaskDifference"],
) -> dict[str, object]:
    """Scores, what is not defined, notes, details and comparisons, as values of JSON."""
    return {
        "task": judged.task,
        "scores": {one.name: asdict(one) for one in made},
        "undefined": list(missing),
        "notes": list(judged.notes),
        "details": dict(judged.details),
        "comparisons": [difference_values(one) for one in differences],
    }


def difference_values(difference: "TaskDifference") -> dict[str, object]:
    """A difference of two systems, and whether it is one, as values of JSON."""
    return asdict(difference) | {"is_significant": difference.is_significant}


def score_table(judged: "Judged", made: Sequence["Score"], missing: Sequence[str]) -> str:
    """Scores as aligned lines, with what was odd and what they depend on."""
    width = max([places(one.name) for one in made], default=0)
    lines = [f"{'':{width}} {'value':>9}  95 % interval"]
    lines += [
        f"{aligned(one.name, width)} {figure(one.value, 4):>9}  {interval(one.low, one.high, 4)}"
        for one in made
    ]
    if made:
        lines.append(f"{made[0].count:,} items")
    lines += [f"{name}: not measured, these data do not define it" for name in missing]
    lines += [f"note: {note}" for note in judged.notes]
    lines += dict.fromkeys(one.signature for one in made)
    return "\n".join(lines)


def verdicts(a: str, b: str, differences: Sequence["TaskDifference"]) -> str:
    """Differences of two systems as aligned lines."""
    width = max(places(one.name) for one in differences)
    lines = ["", f"A {a}", f"B {b}"]
    lines.append(f"{'':{width}} {'A - B':>9}  {'95 % interval':20} {'p':>7}")
    for one in differences:
        verdict = "" if one.is_significant else "  no difference was found"
        lines.append(
            f"{aligned(one.name, width)} {one.difference:+9.4f}  {interval(one.low, one.high, 4):20} {one.p_value:7.4f}{verdict}"
        )
    return "\n".join(lines)
