"""Functions fit a screen, files are read in one sitting, and no option travels through unseen."""

import ast

from tests.house.tree import ROOT, Function, code_files, functions, short

MOST_FUNCTION_LINES = 60
MOST_FILE_LINES = 500
MOST_PARAMETERS = 7


def test_functions_have_at_most_60_lines() -> None:
    long = [
        f"{short(path)}:{function.lineno} {function.name} has {size} lines"
        for path in code_files()
        for function in functions(path)
        if (size := _lines(function)) > MOST_FUNCTION_LINES
    ]
    assert long == []


def test_files_have_at_most_500_lines() -> None:
    shell = [file for file in (ROOT / "scripts").iterdir() if file.is_file()]
    long = [
        f"{short(path)} has {size} lines"
        for path in {*code_files(), *shell}
        if (size := len(path.read_text("utf-8").splitlines())) > MOST_FILE_LINES
    ]
    assert long == []


def test_functions_have_at_most_7_parameters() -> None:
    wide = [
        f"{short(path)}:{function.lineno} {function.name} has {count} parameters"
        for path in code_files()
        for function in functions(path)
        if (count := len(_parameters(function))) > MOST_PARAMETERS
    ]
    assert wide == []


def test_no_function_passes_its_keyword_arguments_through() -> None:
    through = [
        f"{short(path)}:{function.lineno} {function.name} passes **{function.args.kwarg.arg} on"
        for path in code_files()
        for function in functions(path)
        if function.args.kwarg is not None
        and not _is_closed(function.args.kwarg)
        and _passes_on(function, function.args.kwarg.arg)
    ]
    assert through == []


def test_the_rules_catch_what_they_forbid() -> None:
    bad = ast.parse("def f(self, a, *, b, **options):\n    return g(**options)\n").body[0]
    assert isinstance(bad, ast.FunctionDef)
    assert _lines(bad) == 2
    assert _parameters(bad) == ["a", "b", "options"]
    assert _passes_on(bad, "options")
    closed = ast.parse("def f(**options: Unpack[Table]): ...").body[0]
    assert isinstance(closed, ast.FunctionDef)
    assert closed.args.kwarg is not None
    assert _is_closed(closed.args.kwarg)


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _parameters(function: Function) -> list[str]:
    given = function.args
    names = [p.arg for p in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    names += [p.arg for p in (given.vararg, given.kwarg) if p is not None]
    return [name for name in names if name not in ("self", "cls")]


def _fills_a_text(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr in ("format", "fill")


def _is_closed(options: ast.arg) -> bool:
    """`**options: Unpack[Table]` names every option and its type; mypy checks each caller."""
    return options.annotation is not None and ast.unparse(options.annotation).startswith("Unpack[")


def _passes_on(function: Function, name: str) -> bool:
    """Whether a call gets `**name`; filling the places of a text passes no options."""
    return any(
        keyword.arg is None and isinstance(keyword.value, ast.Name) and keyword.value.id == name
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and not _fills_a_text(call)
        for keyword in call.keywords
    )
