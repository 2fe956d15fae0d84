"""`zhixing adapter`: what was learnt beside a model (LoRA, DoRA), made a part of it."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from zhixing.cli.console import Json, Log, print_json, reporter

app = App(name="adapter", help="Merge what was learnt beside a model into it.")


@app.command
def merge(
    adapter: Annotated[Path, Parameter(help="The folder of the adapter.")],
    out: Annotated[Path, Parameter(help="The model folder to write.")],
    *,
    base: Annotated[
        Path | None, Parameter(help="The folder of its model, if it is no longer where it was.")
    ] = None,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Write a whole model from an adapter and its model: `zhixing adapter merge runs/mine runs/mine-whole`.

    Both are compared first; nothing is written if they differ by more than rounding.
    """
    from zhixing.checkpoint.export import merge_adapter

    progress = reporter(log)
    progress.start(f"merging {adapter}")
    apart = merge_adapter(adapter, out, base=base)
    progress.finish(f"{out}: a whole model; it and its parts differ by {apart:.1e} at most")
    if as_json:
        print_json({"adapter": str(adapter), "written": str(out), "difference": apart})
