"""What each picture shows: one function per idea draws on a matplotlib figure, from the numbers of the example."""

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import torch

from zhixing.model.activations import ACTIVATIONS
from zhixing.model.positions import sinusoids
from zhixing.theory import (
    architectures,
    attention,
    cnn,
    embeddings,
    mlp,
    ngram,
    objectives,
    recurrent,
)
from zhixing.theory.block import SHOWN
from zhixing.theory.drawings_training import BLUE, GREY, INK, RED
from zhixing.theory.drawings_training import DRAWINGS as TRAINING
from zhixing.theory.idea import Value
from zhixing.theory.positions import turn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_ngram(figure: "Figure") -> None:
    """What follows a: shares alone, and smoothed."""
    axes = figure.subplots()
    idea = ngram.idea()
    smoothed = cast(tuple[float, ...], idea.value("model"))[1:]
    b, c, a = cast(tuple[float, ...], idea.value("unsmoothed"))
    bars(axes, ["</s>", "a", "b", "c"], {"count / total": (0.0, a, b, c), "Kneser-Ney": smoothed})
    axes.set_ylabel("p(w | a)")


def draw_embeddings(figure: "Figure") -> None:
    """The three words as arrows."""
    axes = figure.subplots()
    for word, (x, y) in zip(embeddings.WORDS, embeddings.TABLE, strict=True):
        arrow(axes, (0, 0), (x, y), BLUE)
        axes.text(x - 0.03, y + 0.04, word, color=BLUE, ha="center")
    cat = torch.tensor(embeddings.TABLE[0])
    gradient = torch.tensor(cast(tuple[float, ...], embeddings.idea().value("gradient")))
    moved = (cat - embeddings.LR * gradient).tolist()
    arrow(axes, embeddings.TABLE[0], moved, RED)
    axes.text(moved[0] + 0.02, moved[1] - 0.08, "cat − ∂ℓ/∂v", color=RED)
    for word, (x, y) in zip(embeddings.WORDS[1:], embeddings.CONTEXTS[1:], strict=True):
        arrow(axes, (0, 0), (x, y), GREY)
        axes.text(x + 0.05, y - 0.03, f"u({word})", color="#777777", va="center")
    axes.set(xlim=(-0.4, 0.8), ylim=(-0.55, 0.75), aspect="equal")


def draw_mlp(figure: "Figure") -> None:
    """The network with its numbers: forwards in blue, backwards in red."""
    axes = figure.subplots()
    axes.set_axis_off()
    idea = mlp.idea()
    layers = [mlp.X, idea.value("h1"), idea.value("h2")]
    errors: list[Value] = ["", idea.value("delta1"), idea.value("delta2")]
    places = [
        [(3.0 * n, 2.0 - row) for row in _rows(len(_numbers(v)))] for n, v in enumerate(layers)
    ]
    for left, right in itertools.pairwise(places):
        for start in left:
            for end in right:
                axes.plot(*zip(start, end, strict=True), color=GREY, linewidth=0.8, zorder=0)
    for n, (column, numbers) in enumerate(zip(places, layers, strict=True)):
        for place, number in zip(column, _numbers(numbers), strict=True):
            node(axes, place, f"{number:.0f}", BLUE)
        for place, delta in zip(column, _numbers(errors[n]), strict=False):
            axes.text(
                place[0], place[1] - 0.42, f"δ = {delta:+.0f}", color=RED, ha="center", va="top"
            )
        axes.text(3.0 * n, 3.6, ("x", "h1", "h2")[n], ha="center", color=INK)
    axes.set(xlim=(-0.8, 7.0), ylim=(0.2, 3.9))


def draw_cnn(figure: "Figure") -> None:
    """What two filters find, place by place."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 1))
    words = [word for word, _ in cnn.SENTENCE]
    matched = _matrix(cnn.idea().value("slid"))
    pairs = [f"{first}\n{second}" for first, second in itertools.pairwise(["–", *words, "–"])]
    table(left, matched, rows=["w₁ = [0 1]", "w₂ = [−1 1]"], columns=pairs, digits=1)
    table(
        right, [[number] for number in _numbers(cnn.idea().value("kept"))],
        rows=["", ""], columns=["max ReLU"], digits=1,
    )  # fmt: skip


def draw_recurrent(figure: "Figure") -> None:
    """What is left of a gradient after many steps."""
    axes = figure.subplots()
    steps = range(1, 51)
    axes.semilogy(steps, [recurrent.rnn_gradient(0.9, n) for n in steps], color=RED)
    axes.semilogy(steps, [recurrent.lstm_gradient(recurrent.FORGET, n) for n in steps], color=BLUE)
    axes.text(38, 0.02, "RNN  ∂h/∂h₀", color=RED)
    axes.text(36, 0.6, "LSTM  ∂c/∂c₀", color=BLUE)
    axes.set(xlabel="t", ylim=(1e-3, 2))


def draw_attention(figure: "Figure") -> None:
    """Who looks at whom: without and with the causal mask."""
    for axes, name in zip(figure.subplots(1, 2), ("weights", "causal_weights"), strict=True):
        columns = ["k₁", "k₂", "k₃"]
        weights = _matrix(attention.idea().value(name))
        table(axes, weights, rows=["q₁", "q₂", "q₃"], columns=columns, highest=1.0)
        axes.set_title(
            {"weights": "softmax(QKᵀ/√d)", "causal_weights": "softmax(QKᵀ/√d + M)"}[name]
        )


def draw_positions(figure: "Figure") -> None:
    """The sinusoidal table, and the rotary score by distance."""
    left, right = figure.subplots(1, 2)
    columns = sinusoids(60, 32, halves=False)
    for column, color in ((4, BLUE), (8, RED), (16, GREY)):
        left.plot(columns[:, column], color=color, label=f"2i = {column}")
    left.set(xlabel="p", ylabel="PE(p, 2i), d = 32")
    left.set_ylim(-1.05, 1.6)
    left.legend(fontsize=7, frameon=False, loc="upper center", ncols=3)
    q, k = torch.tensor([1.0, 0.0]), torch.tensor([0.6, 0.8])
    distances = [n / 4 for n in range(41)]
    right.plot(distances, [float(turn(q, 0) @ rotated(k, d)) for d in distances], color=GREY)
    whole = range(11)
    right.plot(
        whole,
        [float(turn(q, 2) @ turn(k, 2 + d)) for d in whole],
        "o",
        color=BLUE,
        markerfacecolor="none",
        markersize=8,
        label="m = 2",
    )
    right.plot(
        whole, [float(turn(q, 40) @ turn(k, 40 + d)) for d in whole], "x", color=RED, label="m = 40"
    )
    right.set(xlabel="n − m", ylabel="(R_m q)·(R_n k)")
    right.legend(fontsize=7, frameon=False)


def draw_architectures(figure: "Figure") -> None:
    """Who sees whom in the three kinds of model."""
    source, target = architectures.source_influence(), architectures.target_influence()
    kinds = {
        "encoder": (architectures.encoder_influence(), "s"),
        "decoder": (architectures.decoder_influence(), "y"),
        "encoder-decoder": (torch.cat((source, target), dim=1), "sy"),
    }
    for axes, (title, (seen, letters)) in zip(
        figure.subplots(1, 3, width_ratios=(3, 4, 7)), kinds.items(), strict=True
    ):
        names = [f"{letters[0]}{n + 1}" for n in range(seen.shape[1])]
        if len(letters) == 2:
            split = source.shape[1]
            names = [f"s{n + 1}" for n in range(split)] + [f"y{n + 1}" for n in range(len(target))]
            axes.axvline(split, color=RED, linewidth=2, zorder=3)
        axes.pcolormesh(seen.tolist(), cmap="Blues", vmin=0, vmax=1.6, edgecolor="white")
        axes.set_xticks([n + 0.5 for n in range(len(names))], names)
        axes.set_yticks(
            [n + 0.5 for n in range(len(seen))], [f"h{n + 1}" for n in range(len(seen))]
        )
        axes.set_title(title, fontsize=9)
        axes.set_aspect("equal")
        axes.invert_yaxis()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)


def draw_objectives(figure: "Figure") -> None:
    """One sentence, read and asked in three ways."""
    axes = figure.subplots()
    axes.set_axis_off()
    length = len(objectives.SENTENCE)
    names = [f"x{n + 1}" for n in range(length)]
    shown = [("?" if n in objectives.HIDDEN else name) for n, name in enumerate(names)]
    _cells_in_a_row(axes, 5.0, ["<s>", *names])
    for n, name in enumerate([*names, "</s>"]):
        axes.text(n, 6.0, name, ha="center", va="center", color=RED)
        arrow(axes, (n, 5.4), (n, 5.8), RED)
    _cells_in_a_row(axes, 2.6, ["<s>", *shown])
    for n in objectives.HIDDEN:
        axes.text(n + 1, 3.6, names[n], ha="center", va="center", color=RED)
        arrow(axes, (n + 1, 3.0), (n + 1, 3.4), RED)
    _cells_in_a_row(axes, 0.2, ["<s>", "a1", "a2", "</s>", "b1", "b2", "</s>"])
    axes.text(0, 1.2, "0 / 1", ha="center", va="center", color=RED)
    arrow(axes, (0, 0.6), (0, 1.0), RED)
    axes.set(xlim=(-0.8, length + 1.0), ylim=(-0.4, 6.4))


def _cells_in_a_row(axes: "Axes", height: float, names: Sequence[str]) -> None:
    for n, name in enumerate(names):
        axes.text(
            n, height, name, ha="center", va="center", color=BLUE,
            bbox={"boxstyle": "round,pad=0.4", "facecolor": "#e8eef5", "edgecolor": "none"},
        )  # fmt: skip


def rotated(x: torch.Tensor, angle: float) -> torch.Tensor:
    """A vector of two numbers turned by any angle."""
    at = torch.tensor(angle)
    return torch.stack((x[0] * at.cos() - x[1] * at.sin(), x[0] * at.sin() + x[1] * at.cos()))


def draw_block(figure: "Figure") -> None:
    """The pre-norm block, and the activations."""
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    left.set_axis_off()
    for height, text in ((0.8, "Norm"), (1.5, "Attention"), (3.1, "Norm"), (3.8, "FFN")):
        left.text(
            0,
            height,
            text,
            ha="center",
            va="center",
            bbox={"facecolor": "#e8eef5", "edgecolor": BLUE},
        )
    for height in (2.2, 4.5):
        node(left, (0, height), "+", RED)
    for low, high in ((0.0, 2.0), (2.4, 4.3)):
        left.plot([0, 1.0, 1.0], [low + 0.25] * 2 + [high + 0.2], color=RED, linewidth=1)
        arrow(left, (1.0, high + 0.2), (0.1, high + 0.2), RED)
        left.annotate(
            "", (0, high), (0, low), arrowprops={"arrowstyle": "->", "color": INK}, zorder=0
        )
    left.annotate("", (0, 5.3), (0, 4.7), arrowprops={"arrowstyle": "->", "color": INK})
    left.text(0.15, -0.1, "x")
    left.text(0.15, 5.1, "x'")
    left.set(xlim=(-1.2, 1.4), ylim=(-0.2, 5.4))
    at = torch.linspace(-4, 4, 81)
    for name in SHOWN:
        if name != "relu6":  # the same as relu below 6
            right.plot(at, ACTIVATIONS[name](at), label=name)
    right.set(ylim=(-1.2, 3))
    right.legend(fontsize=7, frameon=False)


def bars(axes: "Axes", names: Sequence[str], groups: dict[str, Sequence[float]]) -> None:
    """Bars side by side, a colour per group."""
    width = 0.8 / len(groups)
    for n, (label, heights) in enumerate(groups.items()):
        places = [i + (n - (len(groups) - 1) / 2) * width for i in range(len(names))]
        axes.bar(places, heights, width=width, label=label, color=(GREY, BLUE, RED)[n])
    axes.set_xticks(range(len(names)), names)
    axes.legend(fontsize=8, frameon=False)


def arrow(axes: "Axes", start: Sequence[float], end: Sequence[float], color: str) -> None:
    """An arrow from one point to another."""
    axes.annotate("", tuple(end), tuple(start), arrowprops={"arrowstyle": "->", "color": color})  # type: ignore[arg-type]


def node(axes: "Axes", place: Sequence[float], text: str, color: str) -> None:
    """A circle with a text in it."""
    axes.text(
        place[0], place[1], text, ha="center", va="center", color=color,
        bbox={"boxstyle": "circle,pad=0.3", "facecolor": "white", "edgecolor": color},
    )  # fmt: skip


def table(
    axes: "Axes",
    numbers: Sequence[Sequence[float]],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    digits: int = 2,
    highest: float | None = None,
) -> None:
    """A matrix as shaded cells with their numbers; `highest` has the darkest shade, the largest number unless given."""
    highest = max(max(row) for row in numbers) if highest is None else highest
    axes.pcolormesh(
        [list(row) for row in numbers], cmap="Blues", vmin=0, vmax=1.6 * highest, edgecolor="white"
    )
    for y, row in enumerate(numbers):
        for x, number in enumerate(row):
            axes.text(x + 0.5, y + 0.5, f"{number:.{digits}f}", ha="center", va="center", color=INK)
    axes.set_xticks([x + 0.5 for x in range(len(columns))], columns)
    axes.set_yticks([y + 0.5 for y in range(len(rows))], rows)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _rows(count: int) -> list[float]:
    return [i - (count - 1) / 2 for i in range(count)]


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(value)


def _matrix(value: Any) -> list[list[float]]:
    return [list(row) for row in value]


DRAWINGS: dict[str, Callable[["Figure"], None]] = {
    "ngram": draw_ngram,
    "embeddings": draw_embeddings,
    "mlp": draw_mlp,
    "cnn": draw_cnn,
    "recurrent": draw_recurrent,
    "attention": draw_attention,
    "positions": draw_positions,
    "block": draw_block,
    "architectures": draw_architectures,
    "objectives": draw_objectives,
    **TRAINING,
}
"""The picture of each idea."""
