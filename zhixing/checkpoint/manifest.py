"""What is in a model folder, and proof that it is whole."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Written last, read first. `files` maps each file name of the folder to its SHA-256."""

    format: int
    step: int
    tokens: int
    model_kind: str
    config_hash: str
    tokenizer_hash: str
    files: Mapping[str, str]
