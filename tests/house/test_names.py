"""Names: documented, listed, and none of those that say nothing."""

import ast
import inspect
import re

import zhixing
from tests.house.tree import code_files, modules, parse, short
from zhixing.core.config import Config

EMPTY_NAMES = re.compile(r"(Manager|Helper|Util|Utils|Legacy|V2)$|^Base[A-Z]")


def test_every_module_says_what_it_is_for() -> None:
    silent = [short(path) for path in code_files() if not ast.get_docstring(parse(path))]
    assert silent == []


def test_every_public_name_is_documented() -> None:
    silent = [
        f"{short(path)}:{node.lineno} {name}"
        for path in code_files()
        for name, node in _public_definitions(parse(path))
        if not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_config_field_is_described() -> None:
    silent = [
        f"{config.__module__}.{config.__qualname__}.{name}"
        for config in _configs()
        for name, field in config.model_fields.items()
        if not field.description
    ]
    assert silent == []


def test_no_name_is_an_empty_word() -> None:
    empty = [
        f"{short(path)}:{node.lineno} {node.name}"
        for path in code_files()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ClassDef) and EMPTY_NAMES.search(node.name)
    ]
    empty += [short(path) for path in code_files() if path.stem in ("utils", "util", "helpers")]
    assert empty == []


def test_the_public_list_is_what_can_be_imported() -> None:
    for name in zhixing.__all__:
        assert getattr(zhixing, name) is not None
    own = {
        name
        for name, value in vars(zhixing).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("zhixing")
    }
    assert own <= set(zhixing.__all__)


def test_every_list_of_public_names_is_true() -> None:
    wrong = [
        f"{module.__name__}.__all__ names {name}, which is not there"
        for module in modules()
        for name in getattr(module, "__all__", ())
        if not hasattr(module, name)
    ]
    assert wrong == []


def _public_definitions(tree: ast.AST) -> list[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Public functions and classes, and the public methods of public classes."""
    found: list[tuple[str, ast.ClassDef | ast.FunctionDef]] = []
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        if _is_overload(node):
            continue
        found.append((node.name, node))
        if isinstance(node, ast.ClassDef):
            found += [(f"{node.name}.{name}", inner) for name, inner in _public_definitions(node)]
    return found


def _is_overload(node: ast.ClassDef | ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list)


def _configs() -> list[type[Config]]:
    found = {
        value
        for module in modules()
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Config) and value is not Config
    }
    return sorted(found, key=lambda config: (config.__module__, config.__qualname__))
