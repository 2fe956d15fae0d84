"""Strict TOML recipes: an unknown key, a wrong type or a value out of range is an error that says where.

A recipe may name one `base`, whose tables it overrides key by key; `--set train.steps=200` overrides both.
The result is a frozen pydantic object; nothing changes it afterwards.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from zhixing.core.errors import ConfigError
from zhixing.core.files import sha256_json

Table = dict[str, Any]


class Config(BaseModel):
    """Base of every configuration: frozen, unknown keys forbidden, defaults checked too."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )

    def hash(self) -> str:
        """A hash of every value, whatever the order of the keys in the file."""
        return sha256_json(self.model_dump(mode="json"))


AnyConfig = TypeVar("AnyConfig", bound=BaseModel)


def read_recipe(path: Path, schema: type[AnyConfig], overrides: Sequence[str] = ()) -> AnyConfig:
    """Read a TOML recipe with its `base` and `key=value` overrides into `schema`.

    Raises ConfigError naming the file, the line, the key and the nearest valid key.
    """
    table = merge_overrides(read_table(path), overrides)
    return build(table, schema, origin=path)


def read_table(path: Path) -> Table:
    """Read a TOML file merged over its `base` (one level only, relative to the file)."""
    table = _parse(path)
    base = table.pop("base", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise ConfigError(f"{path}: base = {base!r} must be the name of another recipe, in quotes")
    below = _parse(path.parent / base)
    if "base" in below:
        raise ConfigError(
            f"{path}: its base {base} has a base of its own; one level is allowed, so that a "
            "reader needs to open two files at most"
        )
    return merge(below, table)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Table:
    """Tables are merged key by key; every other value of `above`, lists included, replaces."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if not isinstance(old, dict) or not isinstance(value, dict):
            merged[key] = value
            continue
        # Another `kind` is another set of keys: nothing of the old kind may leak in.
        same_kind = value.get("kind", old.get("kind")) == old.get("kind")
        merged[key] = merge(old, value) if same_kind else value
    return merged


def merge_overrides(table: Mapping[str, Any], overrides: Iterable[str]) -> Table:
    """Apply `section.key=value` strings; a value is read as TOML and, failing that, as plain text."""
    merged = dict(table)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {override!r}: write it as section.key=value")
        nested: Any = _toml_value(text.strip())
        for part in reversed(key.strip().split(".")):
            nested = {part: nested}
        merged = merge(merged, nested)
    return merged


def build(table: Mapping[str, Any], schema: type[AnyConfig], *, origin: Path) -> AnyConfig:
    """Validate `table`; every fault is reported at once, each with its place in `origin`."""
    try:
        return schema.model_validate(table)
    except ValidationError as error:
        source = origin.read_text("utf-8") if origin.is_file() else ""
        lines = [_describe(fault, schema, source, origin) for fault in error.errors()]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from error


def to_toml(value: Mapping[str, Any], prefix: str = "") -> str:
    """A TOML text of plain values and tables; None is left out (TOML has no null)."""
    plain = {k: v for k, v in value.items() if not isinstance(v, Mapping) and v is not None}
    text = "".join(f"{_toml_key(key)} = {_toml_text(item)}\n" for key, item in plain.items())
    for key, item in value.items():
        if isinstance(item, Mapping):
            name = f"{prefix}{_toml_key(key)}"
            text += f"\n[{name}]\n" + to_toml(item, f"{name}.")
    return text


def _parse(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no recipe {path}{_similar_files(path)}") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path} is a folder; a recipe is a .toml file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text ({error})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def _similar_files(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    names = [file.name for file in path.parent.glob("*.toml")]
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"; did you mean {', '.join(close)}?" if close else ""


def _describe(fault: Any, schema: type[BaseModel], source: str, origin: Path) -> str:
    """One line for one fault: file:line, key, what was given, what is allowed."""
    # pydantic names the chosen member of a tagged union in the path; users never typed it.
    fields, valid = _resolve(schema, fault["loc"])
    key = ".".join(fields)
    place = f"{origin}:{line}" if (line := _line_of(source, fields)) else str(origin)
    if fault["type"] == "extra_forbidden":
        close = difflib.get_close_matches(fields[-1], valid, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"{place}: unknown key {key!r}; {hint}valid keys here: {', '.join(sorted(valid))}"
    if fault["type"] == "missing":
        return f"{place}: {key!r} is required and not set"
    message = fault["msg"].removeprefix("Value error, ")
    return f"{place}: {key} = {fault['input']!r}: {message}"


def _resolve(schema: type[BaseModel], location: Sequence[int | str]) -> tuple[list[str], list[str]]:
    """The keys a user typed to get to `location`, and the keys allowed in the innermost table."""
    fields: list[str] = []
    here: list[type[BaseModel]] = [schema]
    for index, part in enumerate(location):
        name = str(part)
        known = [model for model in here if name in model.model_fields]
        is_tag = not known and isinstance(part, str) and index < len(location) - 1 and fields
        if is_tag:
            here = [m for m in here if _has_kind(m, name)] or here
            continue
        fields.append(name)
        if known and index < len(location) - 1:
            here = [
                m for model in known for m in _models_in(model.model_fields[name].annotation)
            ] or here
    return fields, sorted({key for model in here for key in model.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every config class that an annotation such as `list[A | B] | None` mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _has_kind(model: type[BaseModel], tag: str) -> bool:
    kind = model.model_fields.get("kind")
    return kind is not None and tag in get_args(kind.annotation)


def _line_of(source: str, fields: Sequence[str]) -> int | None:
    """The line of `fields` in a TOML text: last table header first, then the key below it."""
    if not fields:
        return None
    table, key = fields[:-1], fields[-1]
    inside = not table
    found = None
    for number, line in enumerate(source.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            inside = header.group(1).split(".") == [part for part in table if not part.isdigit()]
            if header.group(1).split(".") == [part for part in fields if not part.isdigit()]:
                found = number
        elif inside and re.match(rf'\s*"?{re.escape(key)}"?\s*=', line):
            return number
    return found


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _toml_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(
            f"{_toml_key(k)} = {_toml_text(v)}" for k, v in value.items() if v is not None
        )
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_text(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return repr(value)
