"""`zhixing preview RECIPE`: the first training examples as the model will see them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from zhixing.cli.console import Json, Log, Settings, print_json, reporter
from zhixing.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from zhixing.cli.recipe import Recipe
    from zhixing.core.progress import Progress


def preview(
    recipe: Annotated[Path, Parameter(help="A .toml file, or the name of a recipe that ships.")],
    *,
    out: Annotated[Path | None, Parameter(help="Folder of the model; default: runs/NAME.")] = None,
    overrides: Settings = (),
    num: Annotated[int, Parameter(help="How many examples.")] = 2,
    as_json: Json = False,
    log: Log = "auto",
) -> int:
    """Prepare the text of a recipe and print its first training examples: tokens, and what is learnt at each.

    With [objective.augment] it begins with training texts and their changed copies. Nothing is trained; `zhixing train` finds
    the text prepared.
    """
    from zhixing.cli.recipe import load_recipe

    if num < 1:
        raise UsageError(f"--num {num} must be at least 1")
    read = load_recipe(recipe, overrides)
    found = first_examples(read, out or Path("runs") / read.name, num, reporter(log))
    if as_json:
        print_json({"recipe": str(recipe), "examples": found})
    else:
        print("\n\n".join(found))
    return 0


def first_examples(recipe: "Recipe", folder: Path, num: int, progress: "Progress") -> list[str]:
    """The first `num` training examples of `recipe`, prepared in `folder`, each as lines of text."""
    from zhixing.cli.origin import begin
    from zhixing.cli.pipeline import new_model, prepare
    from zhixing.cli.tasks import completed, make_task
    from zhixing.data.source import first_items
    from zhixing.objective.preview import preview as lines_of

    recipe, origin = begin(recipe, progress)
    prepared = prepare(recipe, folder / "data", progress, origin)
    recipe = completed(recipe, prepared.tokenizer)
    model = new_model(recipe, prepared)
    task = make_task(recipe, prepared, model, progress)
    shown = lines_of(first_items(task.train, num), task.objective, prepared.tokenizer)
    return [*_changed(recipe, num, progress), *shown]


def _changed(recipe: "Recipe", num: int, progress: "Progress") -> "Iterator[str]":
    """The first `num` training rows and their changed copies, if the recipe asks for any."""
    from zhixing.cli.augmentation import augment_of, with_copies
    from zhixing.core.files import json_line
    from zhixing.corpus.rows import find_tables, rows
    from zhixing.objective.config import TaskConfig

    config = augment_of(recipe.objective)
    if config is None or not isinstance(recipe.objective, TaskConfig):
        return
    found = rows(find_tables(recipe.objective.examples.train))
    for row, copied in with_copies(found, config, seed=recipe.seed, progress=progress, first=num):
        lines = [json_line(each).decode().rstrip() for each in (row, *copied)]
        yield "\n  becomes ".join(lines)
