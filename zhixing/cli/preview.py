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
    from zhixing.cli.tasks import make_task, with_heads
    from zhixing.cli.workshop import prepare
    from zhixing.data.source import first_items
    from zhixing.model.assembly import build_network
    from zhixing.objective.preview import preview as lines_of

    prepared = prepare(recipe, folder / "data", progress)
    model = build_network(with_heads(recipe), prepared.tokenizer.vocab)
    task = make_task(recipe, prepared, model, progress)
    return list(lines_of(first_items(task.train, num), task.objective, prepared.tokenizer))
