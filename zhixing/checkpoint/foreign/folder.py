"""An imported model as a folder of ours: what it is, its numbers, its symbols, and proof that all of it is whole.

    config.json         the kind of network and its sizes, as in a recipe
    model.safetensors   weights under our names
    symbols.json        what the ids stand for: a list per side of the model; and what each character may be read as
    manifest.json       SHA-256 of the others, written last

These models have symbols in place of a tokenizer, and often two sets of them (letters in, phonemes out).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zhixing.checkpoint.manifest import FORMAT, Manifest, read_manifest, verify, write_manifest
from zhixing.checkpoint.tensors import WEIGHTS, read_tensors, write_tensors
from zhixing.core.config import Config
from zhixing.core.errors import CheckpointError
from zhixing.core.files import atomic_folder, read_json, sha256_json, write_json
from zhixing.model.averaging import Averaging
from zhixing.model.sequence_config import AveragingConfig, SequenceToSequenceConfig, TaggerConfig
from zhixing.model.sequence_to_sequence import SequenceToSequence
from zhixing.model.tagger import Tagger

CONFIG, SYMBOLS = "config.json", "symbols.json"

KINDS: dict[str, tuple[type[Config], Callable[[Any, int], nn.Module]]] = {
    "averaging": (AveragingConfig, Averaging),
    "seq2seq": (SequenceToSequenceConfig, SequenceToSequence),
    "tagger": (TaggerConfig, Tagger),
}
"""kind -> (configuration, network)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A network made elsewhere; `symbols` has a tuple per side, each symbol at the place of its id."""

    model: nn.Module
    config: Config
    symbols: Mapping[str, tuple[str, ...]]
    main: str
    """The side whose ids the embedding of the network counts (its `vocab`)."""
    ways: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Character -> all that it can be read as, where the model came with a dictionary; empty: there is none."""


def build(
    config: Config, symbols: Mapping[str, tuple[str, ...]], main: str, tensors: Mapping[str, Tensor]
) -> Imported:
    """A network with the given weights. Raises CheckpointError naming tensors that are missing, extra or misshapen."""
    table = config.model_dump(mode="json")
    model = KINDS[table["kind"]][1](config, len(symbols[main]))
    ours = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if ours != theirs:
        wrong = sorted({name for name, _ in ours.items() ^ theirs.items()})
        raise CheckpointError(f"weights that do not fit a {table['kind']}: {', '.join(wrong[:5])}")
    model.load_state_dict(dict(tensors))
    return Imported(model=model.eval(), config=config, symbols=symbols, main=main)


def save_imported(folder: Path, imported: Imported) -> Manifest:
    """Write the folder in one step."""
    table = imported.config.model_dump(mode="json")
    sides = {name: list(symbols) for name, symbols in imported.symbols.items()}
    with atomic_folder(folder) as scratch:
        write_json(scratch / CONFIG, table)
        ways = {"ways": dict(imported.ways)} if imported.ways else {}
        write_json(scratch / SYMBOLS, {"main": imported.main, "sides": sides, **ways})
        write_tensors(scratch / WEIGHTS, imported.model.state_dict())
        manifest = Manifest(
            format=FORMAT,
            step=0,
            tokens=0,
            model_kind=table["kind"],
            config_hash=sha256_json(table),
            tokenizer_hash=sha256_json(sides),
            files={},
        )
        return write_manifest(scratch, manifest)


def open_imported(folder: Path) -> Imported:
    """Read a folder that `save_imported` wrote. Raises CheckpointError when it is not whole or something else."""
    manifest = read_manifest(folder)
    if manifest.model_kind not in KINDS:
        raise CheckpointError(
            f"{folder} holds a {manifest.model_kind}, which was not imported; it is opened by zhixing.load"
        )
    verify(folder, manifest)
    kind, _ = KINDS[manifest.model_kind]
    table = read_json(folder / SYMBOLS)
    sides = {name: tuple(symbols) for name, symbols in table["sides"].items()}
    config = kind.model_validate(read_json(folder / CONFIG))
    ways = {character: tuple(said) for character, said in table.get("ways", {}).items()}
    opened = build(config, sides, table["main"], read_tensors(folder / WEIGHTS))
    return replace(opened, ways=ways)
