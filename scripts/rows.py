"""The rows of docs/en/applications.md, made again by the commands that the page gives: see scripts/row.

The page is the only place where the commands stand. What a command makes and what it needs is read from it and from its
recipe, as `make` would; what is there already is not made twice, and a training that was stopped goes on.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from tests.house.markdown import blocks, commands
from tests.house.tree import ROOT
from zhixing.cli.examples import strings_in
from zhixing.cli.recipe import Recipe
from zhixing.core.config import read_recipe
from zhixing.evaluate.suite import find_suite

PAGE = ROOT / "docs" / "en" / "applications.md"
COMPLETE = ("manifest.json", "result.json", "test.jsonl", "documents.jsonl", "vectors.json")
"""A folder with one of these is finished."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A line of the page: its words, the folder it makes (none for a measurement), and the paths below runs/ that it reads."""

    words: tuple[str, ...]
    makes: str | None
    needs: tuple[str, ...]

    @property
    def is_row(self) -> bool:
        """Whether it prints rows of a table."""
        return "--markdown" in self.words

    def __str__(self) -> str:
        return shlex.join(self.words)


def read_page(page: Path = PAGE) -> list[Command]:
    """Every command of ours on the page, in its order."""
    lines = [line for block in blocks(page) if block.language == "bash" for line in commands(block)]
    split = [tuple(shlex.split(line)) for line in lines]
    return [command_of(words) for words in split if words[0] == "zhixing"]


def command_of(words: tuple[str, ...]) -> Command:
    """What a command line makes and needs."""
    makes = _makes(words)
    named = [word.rpartition("=")[2] for word in words]
    match words[1:]:
        case ("train", recipe, *_):
            named += _paths_of_recipe(recipe, words)
        case ("evaluate", "suite", name, *_):
            named += [each.folder for each in find_suite(name).sets]
    needs = dict.fromkeys(name for name in named if name.startswith("runs/") and name != makes)
    return Command(words=words, makes=makes, needs=tuple(needs))


def plan(names: Sequence[str], page: Sequence[Command]) -> list[Command]:
    """The commands that make the rows of these systems, each behind those that make what it needs.

    Raises LookupError for a system that no measurement of the page names, or a path that no command of it makes.
    """
    systems = {f"runs/{name}" for name in names}
    measured = [command for command in page if command.is_row and systems & {*command.needs}]
    missing = systems - {need for command in measured for need in command.needs}
    if missing:
        raise LookupError(
            f"no row is of {', '.join(sorted(missing))}; these are: {', '.join(rows(page))}"
        )
    ordered: dict[str, Command] = {}
    for command in measured:
        for made in _with_needs(_of_systems(command, systems), page):
            ordered.setdefault(str(made), made)
    return list(ordered.values())


def rows(page: Sequence[Command]) -> list[str]:
    """Names of the systems that have rows: what a measurement reads and a training made."""
    trained = [each.makes for each in page if each.makes and each.words[1] != "data"]
    read = dict.fromkeys(need for each in page if each.is_row for need in each.needs)
    systems = [need for need in read if any(_within(need, made) for made in trained)]
    return [system.removeprefix("runs/") for system in systems if "/data/" not in system]


def run(command: Command, folder: Path) -> int:
    """The exit status of a command, run in a folder; 0 at once where what it makes is there."""
    made = folder / command.makes if command.makes else None
    words = list(command.words)
    if made and made.exists():
        if any((made / name).exists() for name in COMPLETE):
            return 0
        words += ["--resume"] if words[1] == "train" else []
    print(f"$ {shlex.join(words)}", file=sys.stderr, flush=True)
    return subprocess.run(words, cwd=folder, check=False).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the rows there are, or make some."""
    parser = argparse.ArgumentParser(
        prog="scripts/row", description="Make rows of docs/en/applications.md again."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a system of a row, without runs/")
    parser.add_argument("--dry-run", action="store_true", help="print the commands; run nothing")
    given = parser.parse_args(arguments)
    page = read_page()
    if not given.names:
        print("\n".join(rows(page)))
        return 0
    try:
        planned = plan(given.names, page)
    except LookupError as error:
        print(f"scripts/row: {error.args[0]}", file=sys.stderr)
        return 3
    if given.dry_run:
        print("\n".join(map(str, planned)))
        return 0
    return next((status for status in (run(each, Path.cwd()) for each in planned) if status), 0)


def _makes(words: tuple[str, ...]) -> str | None:
    match words[1:]:
        case ("data", "examples", _, folder, *_) | ("import", _, folder, *_):
            return folder
        case ("train", recipe, *_):
            return _option(words, "--out") or f"runs/{recipe_name(recipe)}"
        case ("quickstart", *_):
            return _option(words, "--out") or "runs/quickstart"
        case ("vectors", "train", *_) | ("data", "histories", *_):
            return _option(words, "--out")
    return None


def _option(words: Sequence[str], flag: str) -> str | None:
    return words[words.index(flag) + 1] if flag in words else None


def recipe_name(recipe: str) -> str:
    """The name of a recipe that is given by its name or its file."""
    return PurePosixPath(recipe).name.removesuffix(".toml")


def _paths_of_recipe(recipe: str, words: tuple[str, ...]) -> list[str]:
    changes = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
    path = ROOT / "recipes" / f"{recipe_name(recipe)}.toml"
    return [*strings_in(read_recipe(path, Recipe, changes).model_dump(mode="json"))]


def _of_systems(command: Command, systems: set[str]) -> Command:
    """A measurement without the `--model` of other systems."""
    words, kept = iter(command.words), list[str]()
    for word in words:
        model = next(words) if word == "--model" else None
        if model is None:
            kept.append(word)
        elif model in systems:
            kept += [word, model]
    return command_of(tuple(kept))


def _with_needs(
    command: Command, page: Sequence[Command], below: tuple[str, ...] = ()
) -> Iterator[Command]:
    for need in command.needs:
        makers = [each for each in page if each.makes and _within(need, each.makes)]
        if not makers:
            raise LookupError(f"`{command}` needs {need}, which no command of {PAGE.name} makes")
        for maker in makers:
            if str(maker) not in below:
                yield from _with_needs(maker, page, (*below, str(maker)))
    yield command


def _within(path: str, folder: str) -> bool:
    """Whether a path, in which * may stand for anything, is a folder or below it."""
    parts = PurePosixPath(folder).parts
    return fnmatch(folder, "/".join(PurePosixPath(path).parts[: len(parts)]))


if __name__ == "__main__":
    sys.exit(main())
