"""`zhixing export`: a model as a folder or file that other programs open."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from zhixing.cli.console import Json, Log, print_json, reporter
from zhixing.core.errors import UsageError

if TYPE_CHECKING:
    from zhixing.checkpoint.gguf import Precision as GgufPrecision

Form = Literal["hf", "gguf", "arpa"]
Precision = Literal["float32", "bfloat16", "float16", "q8_0"]
PRECISIONS: dict[Form, tuple[Precision, ...]] = {
    "hf": ("float32", "bfloat16", "float16"),
    "gguf": ("float16", "float32", "q8_0"),
    "arpa": (),
}
"""Form -> the kinds of numbers it can hold; the first is taken when none is asked for. ARPA holds decimal numbers."""


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
        arpa: OUT/model.arpa of an n-gram model (KenLM, SRILM, pocketsphinx).
    dtype
        Kind of number. hf: float32 (default), bfloat16, float16. gguf: float16 (default), float32, q8_0.
    as_json
        Print the result as one line of JSON.
    log
        How to report progress.
    """
    precision = _precision(to, dtype)
    from zhixing.checkpoint.export import export_arpa, export_gguf, export_hf

    progress = reporter(log)
    progress.start(f"opening {model}")
    if to == "hf":
        made = export_hf(model, out, dtype=precision)
    elif to == "gguf":
        made = export_gguf(model, out, precision=cast("GgufPrecision", precision))
    else:
        made = export_arpa(model, out)
    progress.finish(f"{made}: {precision}" if precision else f"{made}")
    if as_json:
        print_json({"model": str(model), "to": to, "dtype": precision, "written": str(made)})


def _precision(to: Form, asked: Precision | None) -> str:
    """The kind of number to write; empty for a form that has none."""
    allowed = PRECISIONS[to]
    if asked is not None and asked not in allowed:
        choice = f"choose from {', '.join(allowed)}" if allowed else "leave it out"
        raise UsageError(f"--dtype {asked} does not go with --to {to}; {choice}")
    return asked or (allowed[0] if allowed else "")
