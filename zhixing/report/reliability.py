"""A reliability plot: how often a model is right among the answers that it is equally sure of.

right  1 ┤         ╱       below the diagonal: too sure;  above: not sure enough
         │     ╱ ○          a point for each bin with items, its area after how many they are
       0 ┼────────── 1      confidence
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zhixing.report.canvas import Canvas, color
from zhixing.report.charts import MARKERS
from zhixing.report.words import Words, both

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 490.0, 500.0
LEFT, BOTTOM, SIDE = 62.0, 62.0, 390.0
"""Where the square with the points lies, in pixels."""
LARGEST = 420.0
"""Area of the point of the fullest bin, in square points; others in proportion, from SMALLEST on."""
SMALLEST = 24.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """The items of one bin: their mean confidence, the share that is right, how many they are."""

    confidence: float
    right: float
    count: int


def reliability_chart(series: Mapping[str, Sequence[Point]], names: Mapping[str, Words]) -> str:
    """The picture as an SVG file; `names` says what each series is called. Raises MissingExtraError without matplotlib."""
    canvas = Canvas("reliability", WIDTH, HEIGHT)
    axes = canvas.axes(LEFT, BOTTOM, SIDE, SIDE)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for level in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        axes.plot([level, level], [0, 1], color=color("grid"), linewidth=1, zorder=0)
        axes.plot([0, 1], [level, level], color=color("grid"), linewidth=1, zorder=0)
        told = both(f"{level:.1f}", f"{level:.1f}")
        canvas.text((LEFT + level * SIDE, BOTTOM - 18), told, align="center")
        canvas.text((LEFT - 10, BOTTOM + level * SIDE), told, align="right")
    axes.plot([0, 1], [0, 1], color=color("muted"), linewidth=1.2, linestyle=(0, (5, 4)), zorder=1)
    most = max((point.count for points in series.values() for point in points), default=1)
    for slot, (name, points) in enumerate(series.items(), start=2):
        role = f"rung-{slot}"
        _draw(axes, points, role, MARKERS[slot], most)
        y = BOTTOM + SIDE - 20 - 22 * (slot - 2)
        canvas.text((LEFT + 34, y), names[name], role=role)
        axes.scatter(
            [20 / SIDE],
            [(y - BOTTOM) / SIDE],
            s=60,
            marker=MARKERS[slot],
            color=color(role),
            linewidth=0,
        )
    title = both("share that is right", "答对的比例")
    canvas.text((LEFT - 30, BOTTOM + SIDE + 22), title)
    canvas.text((LEFT + SIDE / 2, 14), both("confidence", "置信度"), align="center")
    return canvas.file()


def _draw(axes: "Axes", points: Sequence[Point], role: str, marker: str, most: int) -> None:
    """A line through the bins, and a point for each of them."""
    across, up = [point.confidence for point in points], [point.right for point in points]
    sizes = [max(SMALLEST, LARGEST * point.count / most) for point in points]
    axes.plot(across, up, color=color(role), linewidth=1.6, zorder=2)
    axes.scatter(
        across,
        up,
        s=sizes,
        marker=marker,
        color=color(role),
        edgecolor=color("surface"),
        linewidth=1,
        zorder=3,
        clip_on=False,
    )
