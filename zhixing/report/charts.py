"""The two pictures of a report: quality against training time, and the ladder with its intervals.

Each is drawn twice, wide and narrow, because a picture that is merely shrunk cannot be read on a telephone. Every
series has its own colour, marker and name beside it, so colour is never the only carrier of meaning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from unicodedata import east_asian_width

import numpy as np

from zhixing.report import numbers
from zhixing.report.canvas import FONT_SIZE, Canvas, color, text_width
from zhixing.report.ladder import Interval, Report, Rung
from zhixing.report.overtake import Kind, Overtake, reference_level
from zhixing.report.words import Words, as_words, both, language_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SLOTS = {"ngram": 0, "rnn": 1, "lstm": 2, "gpt": 3, "mixture": 4}
MARKERS = ("D", "^", "s", "o", "*", "v", "p", "h")
MARKER_SIZES = (9, 11, 9, 10, 16, 11, 11, 11)
TICK_SECONDS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18_000),
    *(36_000, 86_400, 172_800, 432_000, 864_000, 2_592_000),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Sizes in pixels."""

    name: str
    width: float
    height: float
    left: float
    bottom: float
    top: float
    tick_gap: float


WIDE = Layout(name="wide", width=880, height=500, left=48, bottom=58, top=30, tick_gap=62)
NARROW = Layout(name="narrow", width=380, height=440, left=40, bottom=58, top=30, tick_gap=52)


def slots(report: Report) -> Mapping[str, int]:
    """The colour and marker of every model: fixed for those of the quickstart, the free ones for others."""
    free = [slot for slot in range(8) if slot not in SLOTS.values()]
    others = [rung.model for rung in report.rungs if rung.model not in SLOTS]
    return SLOTS | {model: free[i % len(free)] for i, model in enumerate(others)}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Series:
    """One rung in the picture: measured points, and what follows them up to the right edge."""

    rung: Rung
    slot: int
    seconds: tuple[float, ...]
    bits: tuple[float, ...]
    overtake: Overtake | None

    def at_edge(self, right: float) -> float:
        """Where its line leaves the picture."""
        if self.overtake is None or self.overtake.law is None:
            return self.bits[-1]
        return self.overtake.law.at(right)


def learning_chart(report: Report, overtakes: Sequence[Overtake], layout: Layout) -> str:
    """Bits per byte on the validation split against training time on a logarithmic axis, as SVG."""
    series = _series(report, overtakes)
    names = max(text_width(_short(one.rung.title)) for one in series)
    canvas = Canvas(f"learning-{layout.name}", layout.width, layout.height)
    right = layout.width - names - 22
    frame = _Frame.around(series, overtakes, layout, right)
    axes = canvas.axes(
        layout.left,
        layout.bottom,
        right - layout.left,
        layout.height - layout.bottom - layout.top,
    )
    axes.set_xscale("log")
    axes.set_xlim(frame.first, frame.last)
    axes.set_ylim(frame.low, frame.high)
    _scales(canvas, axes, frame, layout)
    for one in series:
        _draw_series(axes, one, frame, is_reference=one.rung.model == report.reference)
    _drop_lines(canvas, axes, frame, series)
    _names_at_edge(canvas, frame, series)
    return canvas.svg()


def _series(report: Report, overtakes: Sequence[Overtake]) -> list[_Series]:
    by_model = {overtake.model: overtake for overtake in overtakes}
    slot = slots(report)
    has_curves = any(rung.curve for rung in report.rungs)
    result = []
    for rung in report.rungs:
        if has_curves and not rung.curve and rung.model != report.reference:
            continue  # its test score would stand on another scale than the validation curves
        points = sorted(rung.curve, key=lambda point: point.train_seconds)
        seconds = [max(point.train_seconds, 0.01) for point in points] or [rung.train_seconds]
        bits = [point.bits_per_byte for point in points] or [reference_level(rung)]
        result.append(
            _Series(
                rung=rung,
                slot=slot[rung.model],
                seconds=tuple(seconds),
                bits=tuple(bits),
                overtake=by_model.get(rung.model),
            )
        )
    return result


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    """The part of the world that the axes show, and where they are on the canvas (pixels)."""

    first: float
    last: float
    low: float
    high: float
    box: tuple[float, float, float, float]

    @classmethod
    def around(
        cls,
        series: Sequence[_Series],
        overtakes: Sequence[Overtake],
        layout: Layout,
        right: float,
    ) -> "_Frame":
        """Every level is shown in full; of the first steps, where bits fall from the height of guessing, only the end."""
        ends = [one.seconds[-1] for one in series]
        crossings = [o.seconds for o in overtakes if o.seconds is not None]
        last = max(2.0 * max(ends), 1.5 * max(crossings, default=0.0))
        first = max(min(one.seconds[0] for one in series) / 1.5, last / 3000)
        levels = [min(*one.bits, one.at_edge(last)) for one in series]
        highest = max(max(one.bits) for one in series)
        high = min(highest, 2.1 * min(levels), 1.6 * max(levels))
        high = max(high, max(levels)) + 0.04 * (high - min(levels))
        room = 0.24 if crossings else 0.1
        low = min(levels) - max(room * (high - min(levels)), 0.02)
        box = (layout.left, layout.bottom, right, layout.height - layout.top)
        return cls(first=first, last=last, low=max(low, 0.0), high=high, box=box)

    def place(self, seconds: float, bits: float) -> tuple[float, float]:
        """Pixels of a point."""
        left, bottom, right, top = self.box
        across = np.log(seconds / self.first) / np.log(self.last / self.first)
        up = (bits - self.low) / (self.high - self.low)
        return float(left + across * (right - left)), float(bottom + up * (top - bottom))


def _scales(canvas: Canvas, axes: "Axes", frame: _Frame, layout: Layout) -> None:
    """Horizontal grid with numbers, times below, the titles of both scales."""
    from matplotlib.ticker import MaxNLocator

    left, bottom, right, top = frame.box
    for level in MaxNLocator(6).tick_values(frame.low, frame.high):
        if frame.low <= level <= frame.high:
            axes.axhline(level, color=color("grid"), linewidth=1, zorder=0)
            place = (left - 8, frame.place(frame.first, level)[1])
            canvas.text(
                place,
                as_words(f"{level:.1f}" if level * 10 % 1 < 1e-6 else f"{level:.2f}"),
                align="right",
            )
    axes.axhline(frame.low, color=color("muted"), linewidth=1.2, zorder=1)
    edge = left - layout.tick_gap
    for seconds in TICK_SECONDS:
        x = frame.place(seconds, frame.low)[0]
        if left <= x <= right + 1 and x - edge >= layout.tick_gap:
            axes.plot(
                [seconds], [frame.low], marker=3, color=color("muted"), markersize=5, clip_on=False
            )
            canvas.text((x, bottom - 17), numbers.tick(seconds), align="center")
            edge = x
    canvas.text((2, top + 21), both("bits per byte ↓ lower is better", "每字节比特数 ↓ 越低越好"))
    title = both("training time on this machine (log scale)", "在本机上的训练时间（对数轴）")
    canvas.text(((left + right) / 2, 12), title, align="center")


def _draw_series(axes: "Axes", one: _Series, frame: _Frame, *, is_reference: bool) -> None:
    tone = color(f"rung-{one.slot}")
    marker = MARKERS[one.slot]
    axes.plot(one.seconds, one.bits, color=tone, linewidth=2.4, zorder=4, solid_capstyle="round")
    inner: dict[str, Any] = {
        "color": tone,
        "markeredgecolor": color("surface"),
        "linestyle": "none",
        "zorder": 5,
    }
    axes.plot(one.seconds[:-1], one.bits[:-1], marker=marker, markersize=6, **inner)
    axes.plot(
        one.seconds[-1:],
        one.bits[-1:],
        marker=marker,
        markersize=MARKER_SIZES[one.slot] + 1,
        clip_on=False,
        **inner,
    )
    if one.overtake is not None and one.overtake.law is not None:
        times = np.geomspace(one.seconds[-1], frame.last, 60)
        bits = [one.overtake.law.at(time) for time in times]
        axes.plot(times, bits, color=tone, linewidth=1.8, linestyle=(0, (5, 4)), zorder=3)
    else:
        style = "-" if is_reference else (0, (1, 2.5))
        axes.plot(
            [one.seconds[-1], frame.last],
            [one.bits[-1]] * 2,
            color=tone,
            linewidth=1.6,
            linestyle=style,
            zorder=2,
        )


def _drop_lines(canvas: Canvas, axes: "Axes", frame: _Frame, series: Sequence[_Series]) -> None:
    """A ring where a network overtakes the reference, a line down, and the time beside its foot."""
    taken: list[Taken] = []
    found = [
        (one.overtake.seconds, one, one.overtake)
        for one in series
        if one.overtake and one.overtake.seconds is not None
    ]
    lines = [frame.place(seconds, frame.low)[0] for seconds, _, _ in found]
    for seconds, one, overtake in sorted(found, key=lambda item: item[0]):
        tone = color(f"rung-{one.slot}")
        is_measured = overtake.kind is Kind.MEASURED
        style = "-" if is_measured else (0, (2, 3))
        axes.plot(
            [seconds] * 2,
            [frame.low, overtake.level],
            color=tone,
            linewidth=1.3,
            linestyle=style,
            zorder=3,
        )
        axes.plot(
            [seconds],
            [overtake.level],
            marker="o",
            markersize=11,
            markeredgewidth=2,
            markeredgecolor=tone,
            markerfacecolor=tone if is_measured else color("surface"),
            zorder=6,
        )
        words = both("{name} {time}", "{name} {time}").fill(
            name=_short(one.rung.title), time=numbers.about(seconds)
        )
        x, bottom = frame.place(seconds, frame.low)
        width = text_width(words) + 14
        align, row = beside(x, width, lines, taken, reach=(frame.box[0], canvas.width))
        edge = left_of(x, width, lines) if align == "right" else x
        start = edge - width if align == "right" else edge
        taken.append((row, start, start + width))
        at = (edge - 6 if align == "right" else edge + 6, bottom + 14 + 18 * row)
        canvas.text(at, words, role=f"rung-{one.slot}", align=align)


Taken = tuple[int, float, float]
"""The row, beginning and end of a label that stands already."""


def beside(
    x: float,
    width: float,
    lines: Sequence[float],
    taken: Sequence[Taken],
    *,
    reach: tuple[float, float],
) -> tuple[str, int]:
    """On which side of its line at `x` a label stands, and in which row: crossed by no line, over no other label.

    The alignment "right" is left of the line. Where every place is crossed, a row of its own.
    """
    sides = [("right", x - width), ("left", x)]
    fitting = [(a, start) for a, start in sides if reach[0] <= start and start + width <= reach[1]]
    for row in range(len(taken) + 1):
        for align, start in fitting:
            end = start + width
            is_crossed = any(start < line < end for line in lines if line != x)
            is_taken = any(row == r and start < e and s < end for r, s, e in taken)
            if not is_crossed and not is_taken:
                return align, row
    return (fitting or sides)[0][0], len(taken)


def left_of(x: float, width: float, lines: Sequence[float]) -> float:
    """Where a label of this width ends that stands left of `x` and of every line that would cross it."""
    while crossing := [line for line in lines if x - width < line < x]:
        x = min(crossing)
    return x


def _names_at_edge(canvas: Canvas, frame: _Frame, series: Sequence[_Series]) -> None:
    """Names beside the ends of the lines, pushed apart where the ends are close."""
    order = sorted(series, key=lambda one: one.at_edge(frame.last))
    wanted = [frame.place(frame.last, one.at_edge(frame.last))[1] for one in order]
    for one, y in zip(order, spread(wanted, FONT_SIZE + 5), strict=True):
        canvas.text((frame.box[2] + 9, y), _short(one.rung.title), role=f"rung-{one.slot}")


def spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Ascending places at least `gap` apart, as close as possible to the ascending `wanted` ones."""
    groups: list[tuple[float, int]] = []  # (middle, members) of runs that touch
    for place in wanted:
        middle, members = place, 1
        while groups and middle - groups[-1][0] < gap * (members + groups[-1][1]) / 2:
            before, count = groups.pop()
            middle = (before * count + middle * members) / (count + members)
            members += count
        groups.append((middle, members))
    return [
        middle + gap * (member - (members - 1) / 2)
        for middle, members in groups
        for member in range(members)
    ]


def _short(title: Words) -> Words:
    return both(_cut(title.en, 16), _cut(title.zh, 20))


def _cut(text: str, width: int) -> str:
    """At most `width` letters, of which a Han character takes the place of two."""
    widths = accumulate(2 if east_asian_width(character) in "WF" else 1 for character in text)
    fitting = [end for end, used in enumerate(widths, start=1) if used <= width]
    return text if len(fitting) == len(text) else text[: len(fitting) - 1] + "…"


def ladder_chart(report: Report, layout: Layout) -> str:
    """Bits per byte of every rung per language, bars from zero with 95 % intervals, as SVG."""
    languages = languages_of(report)
    is_wide = layout.name == "wide"
    names = max(text_width(_short(rung.title)) for rung in report.rungs) + 16
    bar = 27.0
    panel_height = bar * len(report.rungs)
    columns = min(3, len(languages)) if is_wide else 1
    rows = -(-len(languages) // columns)
    height = rows * (panel_height + 44) + 6
    canvas = Canvas(f"ladder-{layout.name}", layout.width, height)
    room = (layout.width - names) / columns
    most = max(_top(v) for rung in report.rungs for v in rung.bits_per_byte.values())
    for index, language in enumerate(languages):
        row, column = divmod(index, columns)
        left = names + column * room
        bottom = height - (row + 1) * (panel_height + 44) + 6
        canvas.text(
            (left, bottom + panel_height + 14), language_name(language), role="ink", size=14
        )
        axes = canvas.axes(left, bottom, room - 16, panel_height)
        axes.set_xlim(0, most * (room - 16) / (room - 16 - 52))
        axes.set_ylim(len(report.rungs), 0)
        axes.axvline(0, color=color("muted"), linewidth=1.5)
        for place, rung in enumerate(report.rungs):
            y = bottom + panel_height - (place + 0.5) * bar
            if column == 0:
                canvas.text((names - 10, y), _short(rung.title), role="ink", align="right")
            if language in rung.bits_per_byte:
                tone = f"rung-{slots(report)[rung.model]}"
                _bar(axes, place + 0.5, rung.bits_per_byte[language], tone)
                top = _top(rung.bits_per_byte[language]) / axes.get_xlim()[1] * (room - 16)
                value = numbers.bits(rung.bits_per_byte[language].value)
                canvas.text((left + top + 7, y), value, role="ink")
    return canvas.svg()


def _top(value: Interval) -> float:
    return value.value if value.high is None else max(value.high, value.value)


def _bar(axes: "Axes", y: float, value: Interval, role: str) -> None:
    """A pale bar up to the value; its 95 % interval as a solid block at the end."""
    axes.barh([y], [value.value], height=0.62, color=color(role), alpha=0.3, linewidth=0)
    if value.low is not None and value.high is not None:
        width = value.high - value.low
        axes.barh([y], [width], left=[value.low], height=0.62, color=color(role), linewidth=0)


def languages_of(report: Report) -> list[str]:
    """The languages in alphabetical order, after "all"."""
    tags = {tag for rung in report.rungs for tag in rung.bits_per_byte}
    return ["all", *sorted(tags - {"all"})]
