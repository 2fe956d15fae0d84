"""`zhixing calibrate`: probabilities that mean what they say, kept in the folder of a classifier, and when to abstain.

validation texts ──▶ T with the least cross-entropy of softmax(logits / T) ──▶ objective.json
test texts       ──▶ calibration error before and after; how many are answered, and how well, from a probability on
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from zhixing.cli.console import Json, Log, check_out, print_json, reporter
from zhixing.core.errors import DataError, UnsupportedError, UsageError
from zhixing.core.files import new_folder

if TYPE_CHECKING:
    from zhixing.api import Model
    from zhixing.evaluate.baselines.labels import Labelled
    from zhixing.evaluate.score import Score
    from zhixing.objective.learnt import Learnt

EDGE = 1.02
"""How near, as a factor, a temperature may come to the highest that is searched before it is taken for none at all."""
_EXAMPLES = Parameter(
    help="A folder with train, validation and test .jsonl of {text, label}, as `zhixing data examples` writes."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """From a probability on: the share of test texts that are answered, and the share of those that is right."""

    at_least: float
    coverage: "Score"
    accuracy: "Score | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibrated:
    """A temperature, and what it changes on the test texts; `bins` are those of a reliability plot."""

    temperature: float
    validation: int
    test: int
    scores: Mapping[str, Sequence["Score"]]
    bins: Mapping[str, Sequence[Mapping[str, Any]]]
    answered: Sequence[Answered]


def calibrate(
    model: Annotated[Path, Parameter(help="The folder of a model that learnt labels.")],
    examples: Annotated[Path, _EXAMPLES],
    *,
    plot: Annotated[
        Path | None, Parameter(help="Write a reliability plot to this .svg file.")
    ] = None,
    seed: Annotated[int, Parameter(help="Of the bootstrap.")] = 42,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Choose what the logits are divided by on validation texts, and keep it: `zhixing calibrate runs/spam runs/mails`.

    The most probable label stays the same. Calibration and abstention are then measured on the test texts.
    """
    if plot is not None:
        if plot.suffix != ".svg":
            raise UsageError(f"--plot {plot} must end in .svg: that is what is drawn")
        check_out(plot, fresh=True, option="--plot")
    import zhixing
    from zhixing.checkpoint.folder import check_is_model, write_learnt
    from zhixing.evaluate.baselines.labels import read_parts

    check_is_model(model)
    with new_folder(
        model.resolve().parent
    ):  # where it will be written anew: refused before the work
        pass
    progress = reporter(log)
    parts = read_parts(examples)
    opened = zhixing.load(model)
    learnt = _learnt(opened, model)
    for part, held in (("validation", parts.validation), ("test", parts.test)):
        _check_are_known(held.labels, learnt, origin=f"{examples}: the {part}")
    progress.start(f"probabilities of {len(parts.validation.texts):,} validation texts")
    found = _temperature(opened, learnt, parts.validation)
    progress.finish(f"temperature {found:.3f}")
    progress.start(f"probabilities of {len(parts.test.texts):,} test texts")
    result = _measured(opened, learnt, parts.test, found, seed, len(parts.validation.texts))
    write_learnt(model, learnt.model_copy(update={"temperature": found}))
    progress.finish(f"{model}: temperature {found:.3f} is kept in objective.json")
    if plot is not None:
        _draw(plot, result)
    if as_json:
        print_json({"model": str(model), "data": str(examples), **asdict(result)})
    else:
        print(_table(model, result))


def _learnt(opened: "Model", folder: Path) -> "Learnt":
    opened.require("classify")
    if opened.learnt is None:
        raise UnsupportedError(
            f"{folder} was made elsewhere and has no objective.json to keep a temperature in; fine-tune it first: "
            'zhixing train RECIPE with [finetune] folder and objective.kind = "classify"'
        )
    if opened.learnt.loss == "hinge":
        raise UnsupportedError(
            f"{folder} was taught the hinge loss, whose logits are no probabilities; train it with "
            'loss = "cross_entropy" to calibrate it'
        )
    return opened.learnt


def _check_are_known(labels: Sequence[str], learnt: "Learnt", *, origin: str) -> None:
    """Raise DataError for a label that the model cannot give."""
    unknown = sorted({*labels} - {*learnt.labels})
    if unknown:
        raise DataError(
            f"{origin} texts have the label {unknown[0]!r}, which the model has not learnt; its labels are "
            f"{', '.join(learnt.labels)}"
        )


def _temperature(opened: "Model", learnt: "Learnt", held: "Labelled") -> float:
    """Raises DataError where every temperature below or above another is better."""
    import numpy as np

    from zhixing.evaluate.tasks.calibration import HIGHEST, temperature

    logits = np.array([[*each.scores.values()] for each in opened.classify(held.texts, cut=True)])
    places = {label: place for place, label in enumerate(learnt.labels)}
    truths = np.array([places[label] for label in held.labels])
    found = temperature(logits, truths.tolist())
    is_always_right = bool((logits.argmax(axis=1) == truths).all())
    if is_always_right or found > HIGHEST / EDGE:
        reason = "right on every one of" if is_always_right else "no better than chance on"
        raise DataError(
            f"the model is {reason} the {len(held.texts):,} validation texts, so no temperature fits them best; "
            "give it more, or others"
        )
    return found


def _measured(
    opened: "Model", learnt: "Learnt", test: "Labelled", found: float, seed: int, held: int
) -> Calibrated:
    import numpy as np

    from zhixing.evaluate.tasks.calibration import THRESHOLDS, abstention, reliability
    from zhixing.evaluate.tasks.measure import score

    logits = np.array([[*each.scores.values()] for each in opened.classify(test.texts, cut=True)])
    given = {
        name: _shares(logits / at, learnt.labels)
        for name, at in (("before", learnt.temperature), ("after", found))
    }
    answered = []
    for at_least in THRESHOLDS:
        each = abstention(given["after"], test.labels, at_least=at_least, documents=test.documents)
        coverage = score(each.coverage, seed=seed)
        assert coverage is not None, "a share of one text or more is defined"
        accuracy = score(each.accuracy, seed=seed)
        answered.append(Answered(at_least=at_least, coverage=coverage, accuracy=accuracy))
    return Calibrated(
        temperature=found,
        validation=held,
        test=len(test.texts),
        scores={name: _scores(shares, test, seed) for name, shares in given.items()},
        bins={
            name: [asdict(each) for each in reliability(shares, test.labels)]
            for name, shares in given.items()
        },
        answered=answered,
    )


def _shares(logits: Any, labels: Sequence[str]) -> list[dict[str, float]]:
    """Softmax by label."""
    from scipy.special import softmax

    return [dict(zip(labels, row, strict=True)) for row in softmax(logits, axis=1).tolist()]


def _scores(shares: Sequence[Mapping[str, float]], test: "Labelled", seed: int) -> "list[Score]":
    """Accuracy, calibration error and cross-entropy, in this order."""
    from zhixing.evaluate.tasks.calibration import surprise
    from zhixing.evaluate.tasks.labels import judge_labels
    from zhixing.evaluate.tasks.measure import score

    guesses = [max(each, key=each.__getitem__) for each in shares]
    judged = judge_labels(guesses, test.labels, probabilities=shares, documents=test.documents)
    measures = [m for m in judged.measures if m.name in ("accuracy", "calibration_error")]
    measures.append(surprise(shares, test.labels, documents=test.documents))
    return [made for made in (score(each, seed=seed) for each in measures) if made is not None]


def _draw(plot: Path, result: Calibrated) -> None:
    from zhixing.core.files import write_text
    from zhixing.report.reliability import Point, reliability_chart
    from zhixing.report.words import both

    names = {"before": both("before", "校准前"), "after": both("after", "校准后")}
    series = {
        name: [
            Point(confidence=each["confidence"], right=each["accuracy"], count=each["count"])
            for each in bins
            if each["count"]
        ]
        for name, bins in result.bins.items()
    }
    write_text(plot, reliability_chart(series, names))


def _table(model: Path, result: Calibrated) -> str:
    from zhixing.cli.scores import MISSING
    from zhixing.cli.task_rows import told_score

    lines = [
        f"{model}: temperature {result.temperature:.3f}, chosen on {result.validation:,} validation texts",
        f"on {result.test:,} test texts:",
    ]
    for name, scores in result.scores.items():
        lines.append(f"  {name:7}{' · '.join(map(told_score, scores))}")
    lines += ["", "what is answered from a probability on, and how much of that is right:"]
    for each in result.answered:
        right = MISSING if each.accuracy is None else told_score(each.accuracy)
        lines.append(f"  --at-least {each.at_least:<5g} {told_score(each.coverage)} · {right}")
    return "\n".join(lines)
