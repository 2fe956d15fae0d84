"""`zhixing preview RECIPE`: the first training examples as the model will see them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from zhixing.cli.console import Json, Log, Settings, print_json, reporter
from zhixing.core.errors import UsageError

if TYPE_CHECKING:
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

    Nothing is trained; `zhixing train` finds the text prepared.
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
    from zhixing.cli.tasks import make_task
    from zhixing.data.source import first_items
    from zhixing.objective.preview import preview as lines_of

    recipe, origin = begin(recipe, progress)
    prepared = prepare(recipe, folder / "data", progress, origin)
    model = new_model(recipe, prepared)
    task = make_task(recipe, prepared, model, progress)
    return list(lines_of(first_items(task.train, num), task.objective, prepared.tokenizer))
