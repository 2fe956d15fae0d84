"""`zhixing theory`: an idea's formula and its example, computed now, step by step."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Literal

from zhixing.cli.console import Json, print_json
from zhixing.theory.catalogue import IDEAS, load
from zhixing.theory.idea import Idea, show

Language = Literal["en", "zh"]


def theory(name: str | None = None, /, *, language: Language = "en", as_json: Json = False) -> int:
    """List the ideas behind the models, or work one of them out with small numbers.

    Parameters
    ----------
    name
        The idea to work out; without it all are listed.
    language
        en or zh.
    as_json
        Print one JSON object: the steps with all digits.
    """
    if name is None:
        _list(language, as_json=as_json)
        return 0
    idea = load(name)
    if as_json:
        print_json(_record(name, idea))
    else:
        print("\n".join(_lines(name, idea, language)))
    return 0


def _list(language: Language, *, as_json: bool) -> None:
    if as_json:
        print_json({"ideas": {name: asdict(title) for name, title in IDEAS.items()}})
        return
    width = max(map(len, IDEAS))
    for name, title in IDEAS.items():
        print(f"{name:<{width}}  {title.of(language)}")


def _record(name: str, idea: Idea) -> dict[str, object]:
    steps = [
        {"name": s.name, "says": asdict(s.says), "formula": s.formula, "value": s.value}
        for s in idea.steps
    ]
    return {
        "idea": name,
        "title": asdict(IDEAS[name]),
        "formula": idea.formula,
        "steps": steps,
        "source": idea.source,
    }


def _lines(name: str, idea: Idea, language: Language) -> Iterator[str]:
    yield from (IDEAS[name].of(language), "")
    yield from (f"   {line}" for line in idea.plain.strip().splitlines())
    yield ""
    yield from show(idea, language)
    page = {"en": "page", "zh": "页面"}[language]
    source = {"en": "source", "zh": "出处"}[language]
    yield from ("", f"{page}: docs/{language}/theory/{name}.md", f"{source}: {idea.source}")
