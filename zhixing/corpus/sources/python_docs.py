"""English that every Python installation carries: language topics and docstrings.

Files are parsed with `ast`; nothing is imported or run. One document is one language topic, one module's
docstring together with its functions', or one class's together with its methods'. Left out: tests, and
docstrings too short to be prose.
"""

import ast
import inspect
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from zhixing.corpus.document import Document

PACKAGES = (
    "numpy",
    "pydantic",
    "cyclopts",
    "jinja2",
    "rich",
    "psutil",
    "safetensors",
    "tokenizers",
)
_SKIPPED = {
    "test",
    "tests",
    "testing",
    "idlelib",
    "lib2to3",
    "site-packages",
    "dist-packages",
    "__pycache__",
}
_SKIPPED |= {"_vendor", "turtledemo", "ensurepip", "pydoc_data", "_core", "f2py"}
_MIN_DOCSTRING = 60

_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def read() -> Iterator[Document]:
    """Yield the topics, then the standard library, then the installed packages we depend on."""
    library = Path(sysconfig.get_path("stdlib"))
    yield from _topics(library / "pydoc_data" / "topics.py")
    for path in _python_files(library):
        yield from _docstrings(path, _module_name(path, library), license_name="PSF-2.0")
    for packages in package_folders():
        for path in _python_files(packages):
            name = _module_name(path, packages.parent)
            yield from _docstrings(path, name, license_name="see the package")


def files() -> list[Path]:
    """Every file that `read` may open, for the fingerprint of the source."""
    library = Path(sysconfig.get_path("stdlib"))
    folders = [library, *package_folders()]
    found = [path for folder in folders for path in _python_files(folder)]
    return [library / "pydoc_data" / "topics.py", *found]


def package_folders() -> list[Path]:
    """Folders of the installed packages whose docstrings are read."""
    roots = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    found = [Path(root) / name for name in PACKAGES for root in roots]
    return [folder for folder in found if folder.is_dir()]


def _topics(path: Path) -> Iterator[Document]:
    tree = ast.parse(path.read_bytes())
    assignment = next(node for node in tree.body if isinstance(node, ast.Assign))
    for name, text in sorted(ast.literal_eval(assignment.value).items()):
        yield _document(f"topic.{name}", text, "PSF-2.0")


def _python_files(root: Path) -> list[Path]:
    found = []
    for path in sorted(root.iterdir()):
        if path.is_dir():
            if path.name not in _SKIPPED and not path.is_symlink():
                found += _python_files(path)
        elif path.suffix == ".py" and not path.name.startswith("test_"):
            found.append(path)
    return found


def _module_name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or path.stem


def _docstrings(path: Path, name: str, *, license_name: str) -> Iterator[Document]:
    content = path.read_bytes()
    if b'"""' not in content and b"'''" not in content:
        return
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # a file of another Python version, a template
        return
    for group, nodes in _groups(tree, name):
        texts = [text for node in nodes if (text := _docstring(node))]
        if texts:
            yield _document(group, "\n\n".join(texts), license_name)


def _groups(tree: ast.Module, name: str) -> Iterator[tuple[str, Sequence[_Documented]]]:
    """The module with its functions, then each class with its methods."""
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    yield name, [tree, *functions]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _class_groups(node, f"{name}.{node.name}")


def _class_groups(node: ast.ClassDef, name: str) -> Iterator[tuple[str, Sequence[_Documented]]]:
    methods = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    yield name, [node, *methods]
    for inner in node.body:
        if isinstance(inner, ast.ClassDef):
            yield from _class_groups(inner, f"{name}.{inner.name}")


def _docstring(node: _Documented) -> str:
    text = ast.get_docstring(node, clean=False) or ""
    return inspect.cleandoc(text) if len(text) >= _MIN_DOCSTRING else ""


def _document(name: str, text: str, license_name: str) -> Document:
    return Document(
        id=name, text=text.strip(), source="python-docs", license=license_name, language="en"
    )
