"""The pictures of the theory pages: `python -m zhixing.theory.pictures` draws docs/pictures/theory/NAME.svg.

They show symbols, numbers and names of variables only, so one picture serves both languages and no font is looked
for: letters stay letters in the SVG. What is drawn is what the examples compute. The same libraries draw the same
bytes.
"""

import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from zhixing.core.errors import MissingExtraError
from zhixing.core.files import write_text
from zhixing.theory.drawings import DRAWINGS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTINGS: Mapping[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "zhixing",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.simplify": True,
}
SIZE = (6.4, 2.8)
"""Inches; the pages show them at 96 pixels each."""


def main() -> None:
    """Draw every picture of this checkout."""
    folder = Path(__file__).parents[2] / "docs/pictures/theory"
    folder.mkdir(parents=True, exist_ok=True)
    for name in DRAWINGS:
        write_text(folder / f"{name}.svg", draw(name))


def draw(name: str) -> str:
    """The picture of an idea as SVG; MissingExtraError without matplotlib."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "report", "a picture") from error
    with matplotlib.rc_context(dict(SETTINGS)):  # type: ignore[arg-type]
        figure = Figure(figsize=SIZE, layout="constrained")
        DRAWINGS[name](figure)
        return _svg(figure)


def _svg(figure: "Figure") -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return re.sub(r"[ \t]+$", "", out.getvalue(), flags=re.MULTILINE)


if __name__ == "__main__":
    main()
