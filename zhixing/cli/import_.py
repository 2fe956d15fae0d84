"""`zhixing import`: a folder made elsewhere, checked, as a model folder of ours."""

from pathlib import Path

from zhixing.cli.console import Json, Log, print_json, reporter


def import_(
    folder: Path,
    out: Path,
    *,
    allow_pickle: bool = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Check a folder of a known family and save it with hashes: `zhixing import downloads/bert runs/bert`.

    Parameters
    ----------
    folder
        A Hugging Face folder.
    out
        The model folder to write.
    allow_pickle
        Read tensors from pytorch_model.bin where there is no safetensors file; nothing in it is run.
    as_json
        Print the result as one line of JSON.
    log
        How to report progress.
    """
    from zhixing.checkpoint.export import import_folder

    progress = reporter(log)
    progress.start(f"opening {folder}")
    manifest = import_folder(folder, out, allow_pickle=allow_pickle)
    progress.finish(f"{out}: {manifest.model_kind}")
    if as_json:
        print_json({"folder": str(folder), "kind": manifest.model_kind, "written": str(out)})
