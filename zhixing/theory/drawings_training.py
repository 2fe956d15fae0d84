"""The pictures of the ideas about training, generating and measuring."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from zhixing.theory import (
    evaluation,
    losses,
    optimizers,
    parallelism,
    perplexity,
    quantisation,
    sampling,
)
from zhixing.train.config import TrainConfig
from zhixing.train.schedule import rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, BLUE, RED, GREY = "#222222", "#2a6fb0", "#c0432b", "#bbbbbb"


def draw_losses(figure: "Figure") -> None:
    """Losses by margin, and the validation loss that stops a run."""
    left, right = figure.subplots(1, 2)
    margin = torch.linspace(-2, 3, 101)
    left.plot(margin, (1 - margin).clamp_min(0), color=RED, label="hinge")
    left.plot(margin, torch.nn.functional.softplus(-margin), color=BLUE, label="−log σ(ys)")
    left.plot(margin, (1 - margin).square() / 2, color=GREY, label="(1 − ys)²/2")
    left.set(xlabel="y s", ylim=(0, 4))
    left.legend(fontsize=7, frameon=False)
    best, stopped = losses.early_stop(losses.VALIDATION, losses.PATIENCE)
    checks = range(1, len(losses.VALIDATION) + 1)
    right.plot(checks, losses.VALIDATION, "o-", color=GREY)
    right.plot(best, losses.VALIDATION[best - 1], "o", color=BLUE)
    right.plot(stopped, losses.VALIDATION[stopped - 1], "s", color=RED)
    right.set(xlabel="#", ylabel="L")


def draw_optimizers(figure: "Figure") -> None:
    """Four paths down one valley, and the two schedules."""
    left, right = figure.subplots(1, 2)
    x, y = torch.meshgrid(
        torch.linspace(-0.4, 1.2, 41), torch.linspace(-0.6, 1.2, 41), indexing="xy"
    )
    along, across = optimizers.SCALES
    left.contour(
        x,
        y,
        (along * x**2 + across * y**2) / 2,
        levels=[0.1, 0.5, 2, 5, 10],
        colors=GREY,
        linewidths=0.7,
    )
    for rule, color in zip(optimizers.rules(), (INK, "#8a6d3b", BLUE, RED), strict=True):
        left.plot(
            *optimizers.path(rule, optimizers.STEPS).T,
            ".-",
            color=color,
            linewidth=0.8,
            markersize=3,
            label=rule,
        )
    left.legend(fontsize=7, frameon=False, loc="upper left")
    progress = [n / 200 for n in range(201)]
    configs = (
        (TrainConfig(steps=1, schedule="cosine", warmup=0.02), BLUE),
        (TrainConfig(steps=1, schedule="wsd", warmup=0.02), RED),
    )
    for config, color in configs:
        rates = [rate(config, p) for p in progress]
        right.plot(progress, rates, color=color, label=config.schedule)
    right.set(xlabel="progress", ylabel="η / max η", ylim=(0, 1.05))
    right.legend(fontsize=7, frameon=False, loc="lower left")


def draw_sampling(figure: "Figure") -> None:
    """One distribution at three temperatures, with the 0.85 of top-p."""
    logits = torch.tensor(sampling.LOGITS)
    for axes, temperature in zip(figure.subplots(1, 3, sharey=True), (0.5, 1.0, 2.0), strict=True):
        probabilities = (logits / temperature).softmax(0)
        before = probabilities.cumsum(0) - probabilities
        colors = [BLUE if float(b) < 0.85 else GREY for b in before]
        axes.bar(range(len(logits)), probabilities.tolist(), color=colors)
        axes.set(title=f"T = {temperature:g}", xticks=range(len(logits)))
    figure.supylabel("p", fontsize=9)


def draw_perplexity(figure: "Figure") -> None:
    """What a token costs, by its probability; the tokens of the example."""
    axes = figure.subplots()
    at = torch.linspace(0.02, 1, 200)
    axes.plot(at, -at.log2(), color=GREY)
    for name, color, size in (("blind_nats", RED, 11), ("nats", BLUE, 5)):
        p = torch.tensor(_floats(perplexity.idea().value(name))).neg().exp()
        axes.plot(p, -p.log2(), "o", color=color, markersize=size)
    axes.set(xlabel="p(w)", ylabel="−log₂ p(w)")


def draw_quantisation(figure: "Figure") -> None:
    """Weights and what is left of them: int4 with one scale, and with one scale per group."""
    row = torch.tensor([quantisation.ROW])
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, weights, title in ((left, row, "int4"), (right, row.view(2, 4), "int4, 4 + 4")):
        kept = quantisation.restore(*quantisation.quantise(weights, 4)).flatten()
        axes.bar([n - 0.2 for n in range(8)], row[0].tolist(), width=0.4, color=GREY, label="w")
        axes.bar([n + 0.2 for n in range(8)], kept.tolist(), width=0.4, color=BLUE, label="s q")
        axes.set(title=title, xticks=range(8), ylim=(-0.7, 0.9))
    left.legend(fontsize=8, frameon=False, loc="upper left")


def draw_parallelism(figure: "Figure") -> None:
    """A pipeline's timetable: which stage works on which micro-batch, with 1 and with 4 of them."""
    for axes, batches in zip(figure.subplots(2, 1, sharex=True), (1, 4), strict=True):
        stages = parallelism.WORKERS
        for stage in range(stages):
            for time in range(stages + batches - 1):
                is_busy = 0 <= time - stage < batches
                axes.barh(
                    stage, 1, left=time, color=BLUE if is_busy else "#f2f2f2", edgecolor="white"
                )
                if is_busy:
                    axes.text(
                        time + 0.5,
                        stage,
                        str(time - stage + 1),
                        color="white",
                        ha="center",
                        va="center",
                    )
        idle = parallelism.idle(stages, batches)
        axes.set(yticks=range(stages), ylabel=f"m = {batches}", xlim=(0, 8.5))
        axes.text(stages + batches - 0.8, 1.5, f"idle {idle:.0%}", color=RED)
        axes.invert_yaxis()


def draw_evaluation(figure: "Figure") -> None:
    """The table of answers, and F1 over precision and recall."""
    left, right = figure.subplots(1, 2)
    right_, found, true = (int(n) for n in evaluation.count(evaluation.TRUTH, evaluation.GUESS, 1))
    rest = len(evaluation.TRUTH) - found - true + right_
    table = [[right_, true - right_], [found - right_, rest]]
    cells(left, table, [["TP", "FN"], ["FP", "TN"]])
    p, r = torch.meshgrid(torch.linspace(0.02, 1, 50), torch.linspace(0.02, 1, 50), indexing="xy")
    lines = right.contour(p, r, 2 * p * r / (p + r), levels=[0.2, 0.4, 0.6, 0.8], colors=BLUE)
    right.clabel(lines, fontsize=7)
    right.plot(right_ / found, right_ / true, "o", color=RED)
    right.set(xlabel="precision", ylabel="recall", aspect="equal")


def cells(axes: "Axes", numbers: Sequence[Sequence[int]], names: Sequence[Sequence[str]]) -> None:
    """A table of named counts; what is right is blue."""
    for y, row in enumerate(numbers):
        for x, number in enumerate(row):
            color = "#cfe0f0" if x == y else "#f3d9d3"
            axes.barh(y, 0.96, left=x, height=0.96, color=color)
            axes.text(x + 0.48, y, f"{names[y][x]} = {number}", ha="center", va="center", color=INK)
    axes.set(xticks=(0.48, 1.48), yticks=(0, 1))
    axes.set_xticklabels(["ŷ = 1", "ŷ = 0"])
    axes.set_yticklabels(["y = 1", "y = 0"])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _floats(value: Any) -> list[float]:
    return [float(number) for number in value]


DRAWINGS: dict[str, Callable[["Figure"], None]] = {
    "losses": draw_losses,
    "optimizers": draw_optimizers,
    "sampling": draw_sampling,
    "perplexity": draw_perplexity,
    "quantisation": draw_quantisation,
    "parallelism": draw_parallelism,
    "evaluation": draw_evaluation,
}
"""The picture of each of these ideas."""
