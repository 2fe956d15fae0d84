"""The official metrics of the nine GLUE tasks (Wang et al. 2018, table 1), and of its diagnostic set.

F1 is that of label 1. WNLI's and MNLI's score is accuracy; MNLI has two test sets, matched and mismatched, scored apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zhixing.core.errors import DataError, UsageError
from zhixing.evaluate.tasks.labels import judge_labels
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.numbers import judge_numbers

METRICS: Mapping[str, tuple[str, ...]] = {
    "cola": ("matthews",),
    "sst-2": ("accuracy",),
    "mrpc": ("f1", "accuracy"),
    "sts-b": ("pearson", "spearman"),
    "qqp": ("f1", "accuracy"),
    "mnli": ("accuracy",),
    "qnli": ("accuracy",),
    "rte": ("accuracy",),
    "wnli": ("accuracy",),
    "ax": ("matthews",),
}
"""Task -> its official metrics, the first of each first."""
POSITIVE = "1"


def judge_glue(task: str, predictions: Sequence[str], references: Sequence[str]) -> Judged:
    """The official metrics of one task; sts-b takes numbers. UsageError for an unknown task."""
    if task not in METRICS:
        raise UsageError(f"there is no GLUE task {task!r}; there are: {', '.join(METRICS)}")
    if task == "sts-b":
        judged = judge_numbers(_numbers(predictions), _numbers(references))
    else:
        positive = POSITIVE if "f1" in METRICS[task] else ""
        judged = judge_labels(predictions, references, positive=positive)
    kept = {measure.name: measure for measure in judged.measures}
    official = tuple(kept[name] for name in METRICS[task])
    return replace(judged, task=f"glue-{task}", measures=official)


def _numbers(values: Sequence[str]) -> list[float]:
    try:
        return [float(value) for value in values]
    except (TypeError, ValueError) as error:
        raise DataError(f"sts-b: a score is no number: {error}") from error
