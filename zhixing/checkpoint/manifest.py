"""What is in a model folder, and proof that it is whole.

The manifest is written last and read first: a folder with a manifest was finished, and the SHA-256 of every
file tells a truncated or edited one. It is a check against accidents, not a signature: whoever can edit the
files can edit the manifest too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from zhixing.core.errors import CheckpointError, DataError, UnsupportedError
from zhixing.core.files import read_json, sha256_file, sha256_json, write_json

FORMAT = 1
NAME = "manifest.json"
_OF_A_MODEL = (
    *("config.json", "model*.safetensors", "model*.index.json"),
    *("tokenizer*", "vocab.*", "merges.txt", "*.model", "*.spm"),
    *("special_tokens_map.json", "added_tokens.json"),
)
"""Files on which depends what a model computes of a text."""
CARD = "README.md"
"""The model card: for people, who may write in it. Nothing is computed from it, so an edited one is no damage."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Written last, read first. `files` maps each file name of the folder to its SHA-256.

    A Hugging Face folder made elsewhere has none; then `files` is empty and the hashes are empty strings.
    """

    format: int
    step: int
    tokens: int
    model_kind: str
    config_hash: str
    tokenizer_hash: str
    files: Mapping[str, str]

    @property
    def is_verified(self) -> bool:
        """Whether there were hashes to check."""
        return bool(self.files)


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Hash every file in `folder` and write the manifest with them; returns it."""
    table = asdict(manifest) | {"files": hashes(folder)}
    write_json(folder / NAME, table)
    return Manifest(**table)


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below `folder` but its manifest, by name relative to it, sorted."""
    return {name: sha256_file(folder / name) for name in sorted(_names(folder)) if name != NAME}


def model_hash(folder: Path) -> str:
    """One SHA-256 of what a model folder computes: its configuration, weights and tokenizer, by whatever path."""
    chosen = {path for pattern in _OF_A_MODEL for path in folder.glob(pattern) if path.is_file()}
    return sha256_json({path.name: sha256_file(path) for path in sorted(chosen)})


def read_manifest(folder: Path) -> Manifest:
    """Read and check the form of a manifest. Raises CheckpointError, or UnsupportedError for a newer format."""
    path = folder / NAME
    try:
        table = read_json(path)
    except DataError as error:
        raise CheckpointError(f"{error}; the folder was not finished or was damaged") from error
    found = table.get("format") if isinstance(table, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise UnsupportedError(
            f"{path}: format {found}; this version of Zhixing reads up to {FORMAT}: install a newer one"
        )
    return _parse(table, path)


def verify(folder: Path, manifest: Manifest) -> None:
    """Compare every listed file with its hash. Raises CheckpointError naming those that differ."""
    wrong = list(_problems(folder, manifest))
    if wrong:
        raise CheckpointError(
            f"{folder} is not as it was saved: {'; '.join(wrong[:5])}"
            f"{f'; and {len(wrong) - 5} more' if len(wrong) > 5 else ''}. "
            "Copy it again from its source, or use an earlier checkpoint"
        )


def _problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    for name, expected in manifest.files.items():
        path = folder / name
        if path.name == CARD:
            continue
        if not path.is_file():
            yield f"{name} is missing"
        elif sha256_file(path) != expected:
            yield f"{name} was changed or cut short ({path.stat().st_size} bytes, other SHA-256)"


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _parse(table: Any, path: Path) -> Manifest:
    expected = {field.name for field in fields(Manifest)}
    if not isinstance(table, dict) or set(table) != expected:
        raise CheckpointError(f"{path} must have exactly the keys {', '.join(sorted(expected))}")
    try:
        manifest = TypeAdapter(Manifest).validate_python(table)
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(str(part) for part in fault["loc"])
        raise CheckpointError(f"{path}: {key} = {fault['input']!r}: {fault['msg']}") from error
    for name in manifest.files:
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts:
            raise CheckpointError(f"{path}: {name!r} points outside the folder")
    return manifest
