"""`zhixing import`: a folder made elsewhere, checked, as a model folder of ours."""

from pathlib import Path
from typing import TYPE_CHECKING

from zhixing.cli.console import Json, Log, print_json, reporter

if TYPE_CHECKING:
    from zhixing.core.progress import Progress


def import_(
    folder: Path,
    out: Path,
    *,
    allow_pickle: bool = False,
    as_json: Json = False,
    log: Log = "auto",
) -> None:
    """Check a folder or package of a known kind and save it with hashes: `zhixing import downloads/bert runs/bert`.

    Parameters
    ----------
    folder
        A Hugging Face folder; textgenrnn, g2p-en or g2pM, as a package, its folder, or by name.
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
    place = _fetched(folder, progress)
    progress.start(f"opening {place}")
    manifest = import_folder(place, out, allow_pickle=allow_pickle)
    progress.finish(f"{out}: {manifest.model_kind}")
    if as_json:
        print_json({"folder": str(folder), "kind": manifest.model_kind, "written": str(out)})


def _fetched(folder: Path, progress: "Progress") -> Path:
    """The package of a published checkpoint where its name was given and nothing is called so here."""
    from zhixing.corpus.fetch import fetch
    from zhixing.corpus.packages import CHECKPOINTS

    if folder.exists() or folder.name.lower() not in CHECKPOINTS or folder.parent != Path("."):
        return folder
    return fetch(CHECKPOINTS[folder.name.lower()], progress=progress)[0]
