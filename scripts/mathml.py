"""Formulas of the pages as MathML, made when the site is built, so that a reader needs no network and no script.

A Python-Markdown extension to stand after pymdownx.arithmatex (generic mode), which finds `$…$` and `$$…$$`. A formula
that cannot be read stops the build. It also joins lines of Chinese, where a line break would be shown as a space.
"""

import html
import re

from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor
from math_core import LatexToMathML

FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)
CHINESE = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
BROKEN_LINE = re.compile(rf"(<pre.*?</pre>)|(?<={CHINESE})\n(?={CHINESE})", re.DOTALL)


class MathExtension(Extension):
    """Turns what arithmatex marked into MathML."""

    def extendMarkdown(self, md: Markdown) -> None:
        """Run after every other postprocessor."""
        md.postprocessors.register(MathPostprocessor(md), "mathml", 0)
        md.postprocessors.register(LinePostprocessor(md), "chinese-lines", -1)


class MathPostprocessor(Postprocessor):
    """Converts the formulas of one page."""

    def run(self, text: str) -> str:
        """The page with MathML in place of LaTeX."""
        convert = LatexToMathML().convert_with_local_state

        def mathml(formula: re.Match[str]) -> str:
            is_block = formula["tag"] == "div"
            made = convert(html.unescape(formula["latex"]), displaystyle=is_block)
            return f'<div class="formula">{made}</div>' if is_block else str(made)

        return FORMULA.sub(mathml, text)


class LinePostprocessor(Postprocessor):
    """Removes line breaks between two Chinese characters, except in code."""

    def run(self, text: str) -> str:
        """The page with its lines of Chinese joined."""
        return BROKEN_LINE.sub(lambda found: found[1] or "", text)


def makeExtension() -> MathExtension:
    """What Python-Markdown calls; there is nothing to set."""
    return MathExtension()
