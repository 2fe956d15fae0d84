"""The recipe reference: a page made from the configuration classes, so that it cannot say anything else.

`python -m zhixing.cli.reference` writes docs/en/recipes.md and docs/zh/recipes.md of a checkout. Types,
defaults, ranges and sentences come from the classes. The Chinese page takes its sentences from
docs/zh/recipes.toml, where the English sentence is the key: one that changed loses its translation and
appears in English until it has a new one.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Len, Lt, MaxLen, MinLen, MultipleOf
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zhixing.core.config import to_toml
from zhixing.core.files import write_text

WORDS = {
    "title": "配方参考",
    "Every setting of a recipe, with its type, its default and what is allowed. The page is made from the "
    "program by `python -m zhixing.cli.reference`; do not edit it.": (
        "配方里的每一项设置：类型、默认值和允许的范围。本页由程序用 `python -m zhixing.cli.reference` "
        "生成，请不要手工修改。"
    ),
    "key": "键",
    "type": "类型",
    "default": "默认值",
    "allowed": "允许范围",
    "meaning": "含义",
    "required": "必填",
    "not set": "不设置",
    "whole number": "整数",
    "number": "数",
    "text": "文本",
    "true or false": "true 或 false",
    "path": "路径",
    "list of {}": "列表，元素为{}",
    "table": "表",
    "table of {}": "表，值为{}",
    "multiple of {}": "{} 的倍数",
    "not empty": "不能为空",
    "or": "或",
    "for each {}": "每项 {}",
    "Top of the file": "文件顶部",
    "defaults of its own": "另有默认值",
}
"""The words of the page itself, English to Chinese."""

PLAIN_TYPES = {
    int: "whole number",
    float: "number",
    str: "text",
    bool: "true or false",
    Path: "path",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One table of a recipe: how its header is written, the class behind it, and what it holds by default.

    `values` is None where the table has no default of its own: then each field has that of the class.
    """

    header: str
    config: type[BaseModel]
    values: BaseModel | None


class Translation:
    """English as it is, or Chinese where there is any."""

    def __init__(self, language: Literal["en", "zh"], sentences: Mapping[str, str]) -> None:
        self._table = {**WORDS, **sentences} if language == "zh" else {"title": "Recipe reference"}

    def __call__(self, english: str) -> str:
        """The sentence or word in the language of the page."""
        return self._table.get(english, english)


def main() -> None:
    """Write both pages of this checkout."""
    root = Path(__file__).parents[2]
    for path, page in pages(root).items():
        write_text(path, page)


def pages(root: Path) -> dict[Path, str]:
    """What docs/en/recipes.md and docs/zh/recipes.md of a checkout should hold."""
    from zhixing.cli.recipe import Recipe
    from zhixing.cli.vector_recipe import VectorRecipe

    table = root / "docs/zh/recipes.toml"
    sentences = tomllib.loads(table.read_text("utf-8")) if table.is_file() else {}
    says = {"en": Translation("en", {}), "zh": Translation("zh", sentences)}
    return {
        root
        / f"docs/{language}/recipes.md": f"{page(Recipe, say)}\n{table_of(VectorRecipe, 'vectors', say)}"
        for language, say in says.items()
    }


def page(schema: type[BaseModel], say: Translation) -> str:
    """The reference of every table under `schema`, as Markdown."""
    intro = list(WORDS)[1]
    parts = [f"# {say('title')}\n\n{say(intro)}\n"]
    parts += [_section(section, say) for section in sections(schema)]
    return "\n".join(parts)


def table_of(schema: type[BaseModel], name: str, say: Translation) -> str:
    """The reference of one table that only another kind of recipe has."""
    found = next(s for s in sections(schema) if s.header.startswith(f"[{name}]"))
    return _section(found, say)


def sections(schema: type[BaseModel]) -> list[Section]:
    """`schema` itself and every table below it, in the order of the fields; one that several share comes once."""
    found = [Section(header="", config=schema, values=None), *_below(schema, "", None)]
    return list({(section.header, section.config): section for section in found[::-1]}.values())[
        ::-1
    ]


def _below(config: type[BaseModel], prefix: str, values: BaseModel | None) -> Iterator[Section]:
    for name, field in config.model_fields.items():
        inside = getattr(values, name) if values is not None else _value(field)
        is_array = get_origin(field.annotation) in (list, tuple)
        for inner in _configs(field.annotation):
            header = f"[[{prefix}{name}]]" if is_array else f"[{prefix}{name}]"
            if kinds := _kinds(inner):
                header += f" kind = {' | '.join(kinds)}"
            own = inside if isinstance(inside, inner) else None
            yield Section(header=header, config=inner, values=own)
            yield from _below(inner, f"{prefix}{name}.", own)


def _configs(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for inner in get_args(annotation) for found in _configs(inner)]


def _kinds(config: type[BaseModel]) -> list[str]:
    field = config.model_fields.get("kind")
    is_choice = field is not None and get_origin(field.annotation) is Literal
    return [f'"{kind}"' for kind in get_args(field.annotation)] if field and is_choice else []


def _section(section: Section, say: Translation) -> str:
    title = f"`{section.header}`" if section.header else say("Top of the file")
    columns = [say(word) for word in ("key", "type", "default", "allowed", "meaning")]
    lines = [f"## {title}", "", say(_sentence(section.config.__doc__)), ""]
    lines += [f"| {' | '.join(columns)} |", "|---|---|---|---|---|"]
    fields = section.config.model_fields
    defaults = dict(section.values) if section.values else {n: _value(f) for n, f in fields.items()}
    for name, field in fields.items():
        cells = (
            f"`{name}`",
            _type(field.annotation, say),
            _default(field, defaults[name], say),
            _allowed(field, say),
            say(_sentence(field.description)),
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split())


def _type(annotation: Any, say: Translation) -> str:
    """How a person would name a type: `whole number`, `list of text`, `"en" or "zh"`."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if annotation in PLAIN_TYPES:
        return say(PLAIN_TYPES[annotation])
    if origin is Annotated:
        return _type(inner[0], say)
    if origin is Literal:
        return f" {say('or')} ".join(f"`{_toml(choice)}`" for choice in inner)
    if origin in (Union, UnionType):
        kinds = [_type(kind, say) for kind in inner if kind is not NoneType]
        return f" {say('or')} ".join(dict.fromkeys(kinds))
    if origin in (list, tuple):
        elements = [_type(kind, say) for kind in inner if kind is not ...]
        if origin is tuple and ... not in inner:
            return f"[{', '.join(elements)}]"
        return say("list of {}").format(elements[0])
    if origin is dict or origin is Mapping or origin is not None:
        return say("table of {}").format(_type(inner[-1], say))
    return say("table")


def _value(field: FieldInfo) -> Any:
    if field.is_required():
        return None
    return field.get_default(call_default_factory=True, validated_data={})


def _default(field: FieldInfo, value: Any, say: Translation) -> str:
    if value is None:
        return say("required" if field.is_required() else "not set")
    if _configs(field.annotation):
        return say("defaults of its own") if value else "`[]`"
    return f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    if value == {}:
        return "{}"  # which TOML writes as a table of its own
    if isinstance(value, Path):
        value = str(value)
    return to_toml({"value": value}).removeprefix("value = ").strip()


def _allowed(field: FieldInfo, say: Translation) -> str:
    """The limits of a number or a length, such as `> 0, <= 1`; those of elements after `for each`."""
    own = _limits(field.metadata, say)
    elements: list[str] = []
    for inner in get_args(field.annotation):
        if get_origin(inner) is Annotated:
            elements += _limits(_flat(get_args(inner)[1:]), say)
    if elements:
        own.append(say("for each {}").format(", ".join(dict.fromkeys(elements))))
    return ", ".join(own)


def _flat(metadata: tuple[Any, ...]) -> list[Any]:
    """The limits inside `Annotated[float, Field(ge=0)]`."""
    return [limit for item in metadata for limit in getattr(item, "metadata", [item])]


def _limits(metadata: list[Any], say: Translation) -> list[str]:
    shown = []
    for limit in metadata:
        match limit:
            case Ge(ge=bound):
                shown.append(f"≥ {bound}")
            case Gt(gt=bound):
                shown.append(f"> {bound}")
            case Le(le=bound):
                shown.append(f"≤ {bound}")
            case Lt(lt=bound):
                shown.append(f"< {bound}")
            case MultipleOf(multiple_of=factor):
                shown.append(say("multiple of {}").format(factor))
            case Len(min_length=1) | MinLen(min_length=1):
                shown.append(say("not empty"))
            case MaxLen(max_length=length):
                shown.append(f"≤ {length}")
    return shown


if __name__ == "__main__":
    main()
