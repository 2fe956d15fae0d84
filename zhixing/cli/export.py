"""`zhixing export`: a model as a folder or file that other programs open."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from zhixing.cli.console import Json, Log, print_json, reporter
from zhixing.core.errors import UsageError

if TYPE_CHECKING:
    from zhixing.checkpoint.gguf import Precision as GgufPrecision

Form = Literal["hf", "gguf"]
Precision = Literal["float32", "bfloat16", "float16", "q8_0"]
PRECISIONS: dict[Form, tuple[Precision, ...]] = {
    "hf": ("float32", "bfloat16", "float16"),
    "gguf": ("float16", "float32", "q8_0"),
}
"""Form -> the kinds of numbers it can hold; the first is taken when none is asked for."""


def export(
    model: Path,
    out: Path,
    *,
    to: Form,
    dtype: Precision | None = None,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Write a model for other programs: `zhixing export runs/quickstart/gpt exported --to gguf`.

    Parameters
    ----------
    model
        A model folder.
    out
        The folder to write.
    to
        hf: a Hugging Face folder of its family (transformers, vLLM). gguf: OUT/model.gguf (llama.cpp).
    dtype
        Kind of number. hf: float32 (default), bfloat16, float16. gguf: float16 (default), float32, q8_0.
    as_json
        Print the result as one line of JSON.
    log
        How to report progress.
    """
    precision = dtype or PRECISIONS[to][0]
    if precision not in PRECISIONS[to]:
        raise UsageError(
            f"--dtype {precision} does not go with --to {to}; choose from {', '.join(PRECISIONS[to])}"
        )
    from zhixing.checkpoint.export import export_gguf, export_hf

    progress = reporter(log)
    progress.start(f"opening {model}")
    if to == "hf":
        made = export_hf(model, out, dtype=precision)
    else:
        made = export_gguf(model, out, precision=cast("GgufPrecision", precision))
    progress.finish(f"{made}: {precision}")
    if as_json:
        print_json({"model": str(model), "to": to, "dtype": precision, "written": str(made)})
