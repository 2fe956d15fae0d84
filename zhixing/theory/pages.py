"""The parts of the theory pages that come from the program: formulas, code, examples, sources, the errata.

`python -m zhixing.theory.pages` writes them into docs/{en,zh}/theory/*.md between `<!-- make: … -->` and
`<!-- end -->`; the words around them are written by people. So a page reads well where it lies in the repository,
and a test says when it no longer shows what the program does.

    make: formula                        the formula of the idea, in LaTeX
    make: code zhixing.module.symbol     the source of a function, class or constant
    make: example                        the computed steps
    make: source                         where the idea comes from
    make: errata                         every row of the errata
    make: ideas                          links to all ideas
"""

import ast
import importlib.util
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

from zhixing.core.errors import UsageError
from zhixing.core.files import write_text
from zhixing.theory.catalogue import IDEAS, load
from zhixing.theory.errata import ERRATA
from zhixing.theory.idea import show
from zhixing.theory.words import in_chinese

PART = re.compile(
    r"^(?P<begin><!-- make: (?P<what>\w+)(?: (?P<symbol>[\w.]+))? -->)\n.*?^(?P<end><!-- end -->)$",
    re.MULTILINE | re.DOTALL,
)
LANGUAGES = ("en", "zh")


def main() -> None:
    """Write the made parts of every page of this checkout."""
    for path, text in pages(Path(__file__).parents[2]).items():
        if path.read_text("utf-8") != text:
            write_text(path, text)


def pages(root: Path) -> dict[Path, str]:
    """What each theory page of a checkout should hold."""
    return {
        page: fill(page.read_text("utf-8"), name=page.stem, language=language)
        for language in LANGUAGES
        for page in sorted((root / "docs" / language / "theory").glob("*.md"))
    }


def fill(text: str, *, name: str, language: str) -> str:
    """Make every marked part of a page anew; `name` is that of its idea."""

    def make(part: re.Match[str]) -> str:
        if part["what"] == "code":
            made = quote(part["symbol"])
        else:
            made = MAKERS[part["what"]](name, language)
        return f"{part['begin']}\n\n{made}\n\n{part['end']}"

    return PART.sub(make, text)


def quote(symbol: str) -> str:
    """The name of a function, class or constant, and its source."""
    return f"`{symbol}`\n\n```python\n{source_of(symbol)}\n```"


def source_of(symbol: str) -> str:
    """The source text of what a dotted name stands for, without the docstring of a whole class's neighbours."""
    path, inside = _file_of(symbol)
    text = path.read_text("utf-8")
    node: ast.AST = ast.parse(text)
    for name in inside:
        found = next(
            (child for child in ast.iter_child_nodes(node) if _is_named(child, name)), None
        )
        if found is None:
            raise UsageError(f"{path.name} has no {name}, which a theory page quotes as {symbol}")
        node = found
    lines = text.splitlines()[_first_line(node) - 1 : getattr(node, "end_lineno", None)]
    return textwrap.dedent("\n".join(lines))


def _file_of(symbol: str) -> tuple[Path, list[str]]:
    """The file of the module part of a dotted name, and the names inside it."""
    parts = symbol.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            spec = importlib.util.find_spec(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        if spec is not None and spec.origin is not None:
            return Path(spec.origin), parts[end:]
    raise UsageError(f"there is no module for {symbol}, which a theory page quotes")


def _is_named(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name == name
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name


def _first_line(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])  # type: ignore[attr-defined]


def _formula(name: str, language: str) -> str:
    formula = load(name).formula.strip()
    return f"$$\n{in_chinese(formula) if language == 'zh' else formula}\n$$"


def _example(name: str, language: str) -> str:
    lines = "\n".join(show(load(name), language))
    return f"```text\n{lines}\n```"


def _source(name: str, language: str) -> str:
    return load(name).source


def _errata(name: str, language: str) -> str:
    return "\n\n".join("\n".join(_erratum(number, language)) for number in range(len(ERRATA)))


def _erratum(number: int, language: str) -> Iterator[str]:
    row = ERRATA[number]
    said, right, see = {"en": ("Said", "Right", "See"), "zh": ("原文", "正确", "参见")}[language]
    colon = {"en": ": ", "zh": "："}[language]
    yield f"### {number + 1}. {row.place.of(language)}\n"
    yield f"- **{said}**{colon}{row.said.of(language)}"
    yield f"- **{right}**{colon}{row.right.of(language)}"
    if row.idea is not None:
        yield f"- **{see}**{colon}[{IDEAS[row.idea].of(language)}]({row.idea}.md)"


def _ideas(name: str, language: str) -> str:
    return "\n".join(
        f"{number}. [{title.of(language)}]({idea}.md) `zhixing theory {idea}`"
        for number, (idea, title) in enumerate(IDEAS.items(), start=1)
    )


MAKERS: dict[str, Callable[[str, str], str]] = {
    "formula": _formula,
    "example": _example,
    "source": _source,
    "errata": _errata,
    "ideas": _ideas,
}
"""What makes each kind of part, from the name of the idea and the language."""


if __name__ == "__main__":
    main()
