"""Strict TOML recipes: an unknown key, a wrong type or a value out of range is an error that says where.

A recipe may name one `base`, whose tables it overrides key by key; `--set train.steps=200` overrides both.
The result is a frozen pydantic object; nothing changes it afterwards.
"""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from zhixing.core.errors import ConfigError, DataError
from zhixing.core.files import decode_utf8, sha256_json

Table = dict[str, Any]


class Config(BaseModel):
    """Base of every configuration: frozen, unknown keys forbidden, defaults checked too."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_conversions(cls, values: Any) -> Any:
        """Pydantic would take "200" or true for a number; in a file with types that is a slip."""
        for name, value in values.items() if isinstance(values, Mapping) else ():
            if problem := _conversion(cls.model_fields.get(name), value):
                raise PydanticCustomError(
                    "wrong_kind", "{problem}", {"key": name, "problem": problem}
                )
        return values

    def hash(self) -> str:
        """A hash of every value, whatever the order of the keys in the file."""
        return sha256_json(self.model_dump(mode="json"))

    def _refuse_unused(self, name: str, is_used: bool, by: str) -> None:
        """A setting that would silently do nothing is a mistake; at its default it is not a setting."""
        value, default = getattr(self, name), type(self).model_fields[name].default
        if not is_used and value != default:
            raise ValueError(f"{name} = {value} does nothing with {by}; leave it out")


_PLAIN_TYPES = ("str", "int", "float", "bool", "none")
"""How pydantic calls these where a value may be of several types; no key has such a name."""
AnyConfig = TypeVar("AnyConfig", bound=BaseModel)


def key_of(fault: Mapping[str, Any]) -> str:
    """The key, with dots, that one of pydantic's errors about a Config is about; empty for the whole table."""
    parts = [str(part) for part in fault["loc"]]
    if fault["type"] == "wrong_kind":
        parts.append(fault["ctx"]["key"])
    return ".".join(parts)


def _conversion(field: FieldInfo | None, value: Any) -> str:
    """What is wrong with the kind of `value`; empty when nothing is, or when pydantic will say it."""
    annotation = field.annotation if field is not None else None
    is_union = get_origin(annotation) in (Union, UnionType)
    wanted = set(get_args(annotation) if is_union else (annotation,)) - {NoneType, None}
    if wanted and wanted <= {int, float} and isinstance(value, str | bool):
        return "must be a number, without quotes"
    if wanted == {bool} and not isinstance(value, bool | None):
        return "must be true or false, without quotes"
    return ""


def read_recipe(path: Path, schema: type[AnyConfig], overrides: Sequence[str] = ()) -> AnyConfig:
    """Read a TOML recipe with its `base` and `key=value` overrides into `schema`.

    Raises ConfigError naming the file, the line, the key and the nearest valid key.
    """
    table = merge_overrides(read_table(path), overrides)
    return build(table, schema, origin=path, overrides=overrides)


def read_table(path: Path) -> Table:
    """Read a TOML file merged over its `base` (one level only, relative to the file)."""
    table = _parse(path)
    base = table.pop("base", None)
    if base is None:
        return table
    if not isinstance(base, str):
        raise ConfigError(f"{path}: base = {base!r} must be the name of another recipe, in quotes")
    if not (path.parent / base).is_file():
        raise ConfigError(
            f"{path}: its base {base!r} is not there{_similar_files(path.parent / base)}"
        )
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
        parts = [part.strip() for part in key.split(".")]
        if not equals or not all(parts):
            raise ConfigError(f"--set {override!r}: write it as section.key=value")
        nested: Any = _toml_value(text.strip())
        for part in reversed(parts):
            nested = {part: nested}
        merged = merge(merged, nested)
    return merged


def build(
    table: Mapping[str, Any],
    schema: type[AnyConfig],
    *,
    origin: Path,
    overrides: Sequence[str] = (),
) -> AnyConfig:
    """Validate `table`; every fault is reported at once, each with the place where it was written.

    Raises ConfigError. `overrides` only serve to name the place: they are merged already.
    """
    try:
        return schema.model_validate(table)
    except ValidationError as error:
        faults = [fault for fault in error.errors() if not _follows(fault, error.errors())]
        lines = [_describe(fault, schema, _Places(origin, overrides)) for fault in faults]
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
        return tomllib.loads(decode_utf8(path.read_bytes(), str(path)))
    except FileNotFoundError as error:
        raise ConfigError(f"there is no recipe {path}{_similar_files(path)}") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path} is a folder; a recipe is a .toml file") from error
    except DataError as error:  # not UTF-8
        raise ConfigError(str(error)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _similar_files(path: Path) -> str:
    if not path.parent.is_dir():
        return ""
    names = [file.name for file in path.parent.glob("*.toml")]
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    return f"; did you mean {', '.join(close)}?" if close else ""


class _Places:
    """Where a key was written: on the command line, in the recipe, or in its base."""

    def __init__(self, origin: Path, overrides: Sequence[str]) -> None:
        self.origin, self.overrides = origin, overrides
        self._sources = [(origin, _text_of(origin))]
        base = re.search(r"""^base\s*=\s*["'](.+)["']""", self._sources[0][1], re.MULTILINE)
        if base:
            below = origin.parent / base.group(1)
            self._sources.append((below, _text_of(below)))

    def of(self, fields: Sequence[str]) -> str:
        """`--set …`, `file:line`, or the file when no line names the key."""
        for override in reversed(self.overrides):
            parts = [part.strip() for part in override.partition("=")[0].split(".")]
            if parts == list(fields[: len(parts)]):
                return f"--set {override}"
        found = [(*_line_of(source, fields), path) for path, source in self._sources]
        matched, line, path = max(found, key=lambda place: place[0])
        return f"{path}:{line}" if matched else str(self.origin)


def _text_of(path: Path) -> str:
    return path.read_text("utf-8-sig") if path.is_file() else ""


def _follows(fault: Any, faults: Sequence[Any]) -> bool:
    """A list is called too short for want of the items that are faulty themselves: those say it better."""
    place = fault["loc"]
    within = [other for other in faults if other["loc"][: len(place)] == place]
    return fault["type"] == "too_short" and len(within) > 1


def _describe(fault: Any, schema: type[BaseModel], places: _Places) -> str:
    """One line for one fault: file:line, key, what was given, what is allowed."""
    # pydantic names the chosen member of a tagged union in the path; users never typed it.
    fields, valid = _resolve(schema, fault["loc"])
    given = fault["input"]
    if fault["type"] == "wrong_kind":
        fields, given = [*fields, fault["ctx"]["key"]], given[fault["ctx"]["key"]]
    key, place = ".".join(fields), places.of(fields)
    match fault["type"]:
        case "extra_forbidden":
            hint = _nearest(fields[-1], valid)
            return f"{place}: unknown key {key!r}; {hint}valid keys here: {', '.join(valid)}"
        case "missing":
            return f"{place}: {key!r} is required and not set"
        case "union_tag_not_found":
            return f"{place}: '{key}.kind' is required and not set"
        case "union_tag_invalid":
            tag, allowed = fault["ctx"]["tag"], fault["ctx"]["expected_tags"]
            hint = _nearest(tag, re.findall(r"[\w-]+", allowed))
            place = places.of([*fields, "kind"])
            return f"{place}: {key}.kind = {tag!r}; {hint}allowed: {allowed}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{place}: {key} = {_shown(given)} must be a table: [{key}]"
    message = plain_words(fault["msg"])
    if isinstance(given, Mapping | BaseModel):  # a rule about several keys of a table
        return f"{place}: [{key}] {message}" if key else f"{place}: {message}"
    if fault["type"] == "literal_error":
        message += _nearest(str(given), re.findall(r"'([^']+)'", message), start="; ")
    return f"{place}: {key} = {_shown(given)}: {message}"


def plain_words(message: str) -> str:
    """What pydantic says of a value, as the end of a sentence that begins with the key."""
    message = message.removeprefix("Value error, ")
    return re.sub(r"^(Input|String|List|Tuple|Value) should\b", "must", message)


def _nearest(word: str, allowed: Iterable[str], *, start: str = "") -> str:
    close = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.5)
    return f"{start}did you mean {close[0]!r}? " if close else ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _resolve(schema: type[BaseModel], location: Sequence[int | str]) -> tuple[list[str], list[str]]:
    """The keys a user typed to get to `location`, and the keys allowed in the innermost table."""
    fields: list[str] = []
    here: list[type[BaseModel]] = [schema]
    for index, part in enumerate(location):
        name = str(part)
        known = [model for model in here if name in model.model_fields]
        tagged = [model for model in here if _has_kind(model, name)]
        if _is_choice(name):
            continue
        if tagged and fields and (len(here) > 1 or (not known and index < len(location) - 1)):
            here = tagged
            continue
        fields.append(name)
        if known and index < len(location) - 1:
            here = [
                m for model in known for m in _models_in(model.model_fields[name].annotation)
            ] or here
    return fields, sorted({key for model in here for key in model.model_fields})


def _is_choice(name: str) -> bool:
    """Whether pydantic made this up for one of several types of a value, as in "tuple[float, ...]"."""
    return name.endswith("]") or name in _PLAIN_TYPES


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every config class that an annotation such as `list[A | B] | None` mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _has_kind(model: type[BaseModel], tag: str) -> bool:
    kind = model.model_fields.get("kind")
    return kind is not None and tag in get_args(kind.annotation)


def _line_of(source: str, fields: Sequence[str]) -> tuple[int, int]:
    """How many of `fields` a TOML text names, and the line where it names most of them.

    A number among the fields counts the repeated headers `[[name]]` of an array of tables. Keys inside an
    inline table or an array have the line where that begins.
    """
    names = [part for part in fields if not part.isdigit()]
    wanted = next((int(part) for part in fields if part.isdigit()), 0)
    seen: dict[str, int] = {}
    header: list[str] = []
    best = (0, 0)
    for number, line in enumerate(source.splitlines(), start=1):
        if found := re.match(r"\s*(\[\[?)([^\[\]]+)\]", line):
            header = _split_key(found.group(2))
            if found.group(1) == "[[":
                seen[".".join(header)] = seen.get(".".join(header), -1) + 1
            written = header
        elif found := re.match(r"\s*([\w\"'. -]+?)\s*=", line):
            written = [*header, *_split_key(found.group(1))]
        else:
            continue
        repeated = max(
            (seen[k] for k in seen if header[: k.count(".") + 1] == k.split(".")), default=-1
        )
        if repeated not in (-1, wanted):
            continue
        if written == names[: len(written)] and len(written) > best[0]:
            best = (len(written), number)
    return best


def _split_key(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in text.split(".")]


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml_text(key)


def _toml_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        items = [f"{_toml_key(k)} = {_toml_text(v)}" for k, v in value.items() if v is not None]
        return f"{{ {', '.join(items)} }}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_text(item) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"TOML cannot hold {value!r}")
