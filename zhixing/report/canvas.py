"""A matplotlib figure as an inline SVG that belongs to its page: its colours, its fonts, its two languages.

matplotlib does the drawing and knows nothing of the page. Colours are drawn as stand-ins and become the page's
CSS variables, so dark mode and print need no second picture. Texts are drawn as short numbers and become real text in
both languages, of which the page shows one; so there are no missing glyphs, and no font is looked for. Ids get the
picture's name, because several pictures share a page.
"""

import html
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from zhixing.core.errors import MissingExtraError
from zhixing.report.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROLES = ("ink", "muted", "grid", "surface", *(f"rung-{slot}" for slot in range(8)))
"""What a colour is for; each is a CSS variable of the page."""
FONT_SIZE = 13.0


def color(role: str) -> str:
    """The stand-in colour of a role, for matplotlib."""
    return f"#0f1e{ROLES.index(role):02x}"


class Canvas:
    """A picture of `width` times `height` CSS pixels, drawn in pixels from the lower left corner."""

    def __init__(self, name: str, width: float, height: float) -> None:
        self.name = name
        self.width = width
        self.height = height
        self._texts: list[Words] = []
        self.figure = _new_figure(width, height)

    def axes(self, left: float, bottom: float, width: float, height: float) -> "Axes":
        """Bare axes in a box given in pixels: no frame, no ticks, no margins."""
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.set_axis_off()
        axes.margins(0)
        return axes

    def text(
        self,
        place: tuple[float, float],
        words: Words,
        *,
        role: str = "muted",
        align: str = "left",
        size: float = FONT_SIZE,
    ) -> None:
        """Write at a place given in pixels; `place` is the middle of the letters' height."""
        x, y = place
        self.figure.text(
            x / self.width,
            (y - 0.35 * size) / self.height,
            f"@{len(self._texts)}@",
            color=color(role),
            ha=align,
            va="baseline",
            fontsize=size,
        )
        self._texts.append(words)

    def file(self) -> str:
        """The picture as an SVG file of its own: both languages side by side, the colours of the page, light or dark."""
        told = [words if words.en == words.zh else _side_by_side(words) for words in self._texts]
        picture = _adopt(_draw(self.figure, self.name), self.name, told)
        size = f'width="{self.width:g}" height="{self.height:g}" font-family="sans-serif"'
        opened = picture.replace("<svg ", f'<svg xmlns="http://www.w3.org/2000/svg" {size} ', 1)
        begin = opened.index(">") + 1
        paper = '<rect width="100%" height="100%" fill="var(--paper)"/>'
        return f"{opened[:begin]}<style>{_colours()}</style>{paper}{opened[begin:]}"

    def svg(self) -> str:
        """The picture as one `<svg>` element, without size: it fills what holds it."""
        return _adopt(_draw(self.figure, self.name), self.name, self._texts)


def text_width(words: Words, size: float = FONT_SIZE) -> float:
    """About how many pixels the longer of the two languages takes."""
    return max(sum(_em(letter) for letter in text) for text in (words.en, words.zh)) * size


def _side_by_side(words: Words) -> Words:
    told = f"{words.en} · {words.zh}"
    return Words(en=told, zh=told)


def _colours() -> str:
    """The rules of the page's style that give each role its colour."""
    style = (Path(__file__).parent / "templates" / "report.css").read_text("utf-8")
    return style[: style.index("*, *::before")].strip()


def _em(letter: str) -> float:
    return 1.0 if ord(letter) > 0x2E7F else 0.58


def _new_figure(width: float, height: float) -> "Figure":
    try:
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError(
            "matplotlib", "report", "drawing the pictures of a report"
        ) from error
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    figure.patch.set_visible(False)
    FigureCanvasSVG(figure)
    return figure


def _draw(figure: "Figure", name: str) -> str:
    from matplotlib import rc_context

    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata=nothing)
    return buffer.getvalue()


def _adopt(svg: str, name: str, texts: list[Words]) -> str:
    """From matplotlib's file to an element of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'<svg [^>]*viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" aria-hidden="true">', svg
    )
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    svg = re.sub(r" font-family: [^;]*;", "", svg)
    svg = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", svg)
    svg = re.sub(r"(\d\.\d)\d{3,}", r"\1", svg)
    for role in ROLES:
        svg = svg.replace(color(role), f"var(--{role})")
    return re.sub(r"@(\d+)@", lambda found: _spans(texts[int(found[1])]), svg)


def _spans(words: Words) -> str:
    if words.en == words.zh:
        return html.escape(words.en)
    return (
        f'<tspan class="en" lang="en">{html.escape(words.en)}</tspan>'
        f'<tspan class="zh" lang="zh-Hans">{html.escape(words.zh)}</tspan>'
    )
