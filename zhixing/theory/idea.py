"""What an idea consists of: its formula and the steps of an example, each a named value with words in two languages."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

Value = float | int | str | tuple["Value", ...]
"""A number, a word, or rows of them (at most two levels deep)."""


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text in both languages."""

    en: str
    zh: str

    def of(self, language: str) -> str:
        """The text in "en" or "zh"."""
        return {"en": self.en, "zh": self.zh}[language]


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One line of a computation: what is done, in words and in plain symbols, and what comes out.

    `digits` are shown after the point; whole numbers are shown as they are.
    """

    name: str
    says: Bilingual
    formula: str
    value: Value
    digits: int = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Idea:
    """A formula in LaTeX and in plain symbols, its computed example, and where it comes from."""

    formula: str
    plain: str
    steps: Sequence[Step]
    source: str
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        assert len(set(names)) == len(names), "every step has a name of its own"
        object.__setattr__(self, "names", frozenset(names))

    def value(self, name: str) -> Value:
        """What the step called `name` computed."""
        return next(step.value for step in self.steps if step.name == name)


def values(tensor: Tensor) -> tuple[Value, ...]:
    """A vector or a matrix as a value."""
    assert tensor.ndim in (1, 2)
    if tensor.ndim == 1:
        return tuple(tensor.tolist())
    return tuple(tuple(row) for row in tensor.tolist())


def show(idea: Idea, language: str) -> list[str]:
    """The example as numbered lines of text: the words of a step, then formula and value."""
    lines: list[str] = []
    for number, step in enumerate(idea.steps, start=1):
        lines.append(f"{number}. {step.says.of(language)}")
        shown = show_value(step.value, step.digits)
        if len(shown) == 1:
            lines.append(f"   {step.formula} = {shown[0]}")
        else:
            lines += [f"   {step.formula} =", *(f"     {row}" for row in shown)]
    return lines


def show_value(value: Value, digits: int) -> list[str]:
    """A value as text, a row of a matrix per line, its columns aligned."""
    if not isinstance(value, tuple):
        return [_cell(value, digits)]
    if not any(isinstance(row, tuple) for row in value):
        return ["[" + "  ".join(_cell(cell, digits) for cell in value) + "]"]
    rows = [row if isinstance(row, tuple) else (row,) for row in value]
    cells = [[_cell(cell, digits) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "[" + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) + "]" for row in cells
    ]


def _cell(value: Value, digits: int) -> str:
    if isinstance(value, float):
        shown = f"{value:.{digits}f}"
        return shown.removeprefix("-") if float(shown) == 0.0 else shown  # no "-0.0000"
    return str(value)
