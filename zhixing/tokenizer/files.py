"""The files of a tokenizer folder, as Hugging Face's libraries read them.

`tokenizer.json` holds the pipeline; `tokenizer_config.json` and `special_tokens_map.json` say which token plays
which part. We keep what we do not understand (a chat template, a class name), so that loading and saving a
folder made elsewhere loses nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zhixing.core.errors import CheckpointError, DataError
from zhixing.core.files import read_json, write_json, write_text
from zhixing.tokenizer.encoding import Special

PIPELINE = "tokenizer.json"
CONFIG = "tokenizer_config.json"
SPECIALS_MAP = "special_tokens_map.json"
TEMPLATE = "chat_template.jinja"

ROLES: Mapping[Special, str] = {
    Special.PAD: "pad_token",
    Special.BEGIN: "bos_token",
    Special.END: "eos_token",
    Special.UNKNOWN: "unk_token",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizerFiles:
    """The content of a tokenizer folder. `template` is the chat template's text, empty when there is none."""

    pipeline: Mapping[str, Any]
    config: Mapping[str, Any]
    specials_map: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""

    def special_text(self, special: Special) -> str | None:
        """The token that plays this part; None where the folder names none."""
        key = ROLES[special]
        token = self.config.get(key) or self.specials_map.get(key)
        return token["content"] if isinstance(token, dict) else token


def read_files(folder: Path) -> TokenizerFiles:
    """Read a folder. Raises CheckpointError when it is not a tokenizer folder or a file is broken."""
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise CheckpointError(f"the tokenizer folder {folder} {problem}")
    if not (folder / PIPELINE).is_file():
        raise CheckpointError(_missing_pipeline(folder))
    try:
        return TokenizerFiles(
            pipeline=_read_table(folder / PIPELINE),
            config=_read_table(folder / CONFIG) if (folder / CONFIG).exists() else {},
            specials_map=_read_table(folder / SPECIALS_MAP)
            if (folder / SPECIALS_MAP).exists()
            else {},
            template=(folder / TEMPLATE).read_text("utf-8") if (folder / TEMPLATE).exists() else "",
        )
    except (DataError, OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"the tokenizer in {folder} cannot be read: {error}") from error


def write_files(folder: Path, files: TokenizerFiles) -> None:
    """Write a folder, each file atomically; the pipeline comes last."""
    if files.template:
        write_text(folder / TEMPLATE, files.template)
    if files.specials_map:
        write_json(folder / SPECIALS_MAP, files.specials_map)
    write_json(folder / CONFIG, files.config)
    write_text(folder / PIPELINE, json.dumps(files.pipeline, ensure_ascii=False, indent=1) + "\n")


def _read_table(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(f"{path} holds a {type(value).__name__}, not an object of settings")
    return value


def _missing_pipeline(folder: Path) -> str:
    names = {file.name for file in folder.iterdir()}
    old = names & {"vocab.json", "merges.txt", "vocab.txt", "tokenizer.model", "spiece.model"}
    if old:
        return (
            f"{folder} holds a tokenizer in an older form ({', '.join(sorted(old))}) and no {PIPELINE}; convert it "
            'once: python -c "from transformers import AutoTokenizer as T; '
            f"T.from_pretrained('{folder}').save_pretrained('{folder}')\""
        )
    return f"{folder} is not a tokenizer folder: it has no {PIPELINE}"
