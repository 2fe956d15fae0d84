"""The files of a tokenizer folder, as Hugging Face's libraries read them.

    tokenizer.json             the pipeline; older forms are turned into one (`foreign`)
    tokenizer_config.json      which token plays which part, settings, one or several chat templates
    special_tokens_map.json    the same parts, as older versions wrote them
    chat_template.jinja        the chat template, before any in tokenizer_config.json
    additional_chat_templates/ more of them, by name

We keep what we do not understand, so that loading and saving a folder made elsewhere loses nothing. A setting that
contradicts the pipeline is refused: different programs would then give different ids for the same folder.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zhixing.core.errors import CheckpointError, DataError, UnsupportedError
from zhixing.core.files import atomic_open, read_json, write_json, write_text
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.foreign import marian
from zhixing.tokenizer.foreign.convert import ADDED, FILE_NAMES, convert, family_of
from zhixing.tokenizer.foreign.settings import Settings

PIPELINE = "tokenizer.json"
CONFIG = "tokenizer_config.json"
SPECIALS_MAP = "special_tokens_map.json"
TEMPLATE = "chat_template.jinja"
MORE_TEMPLATES = "additional_chat_templates"
NAMES = frozenset({PIPELINE, CONFIG, SPECIALS_MAP, TEMPLATE, MORE_TEMPLATES})
"""What is written for a tokenizer of our own."""
DEFAULT = "default"

ROLES: Mapping[Special, str] = {
    Special.PAD: "pad_token",
    Special.BEGIN: "bos_token",
    Special.END: "eos_token",
    Special.UNKNOWN: "unk_token",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Translation:
    """What a translation model has instead of one pipeline: `target` cuts the other language, `table` the ids.

    `contents` are the files, which are saved as they are.
    """

    target: Mapping[str, Any]
    table: marian.Table
    contents: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenizerFiles:
    """The content of a tokenizer folder. `template_files` are chat templates in files of their own, by name."""

    pipeline: Mapping[str, Any]
    config: Mapping[str, Any]
    specials_map: Mapping[str, Any] = field(default_factory=dict)
    template_files: Mapping[str, str] = field(default_factory=dict)
    translation: Translation | None = None

    def special_text(self, special: Special) -> str | None:
        """The token that plays this part; None where the folder names none."""
        return self.role_text(ROLES[special])

    def role_text(self, key: str) -> str | None:
        """The token under a key such as bos_token; None where the folder names none."""
        token = self.config.get(key) or self.specials_map.get(key)
        return token["content"] if isinstance(token, dict) else token

    @property
    def templates(self) -> dict[str, str]:
        """Every chat template by name; a file goes before tokenizer_config.json."""
        if self.template_files:
            return dict(self.template_files)
        found = self.config.get("chat_template")
        if isinstance(found, str):
            return {DEFAULT: found} if found else {}
        return {entry["name"]: entry["template"] for entry in found or []}


def read_files(folder: Path) -> TokenizerFiles:
    """Read a folder. Raises CheckpointError when it is not a tokenizer folder or a file is broken."""
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise CheckpointError(f"the tokenizer folder {folder} {problem}")
    try:
        files = _read(folder)
    except (DataError, OSError, ValueError) as error:
        raise CheckpointError(f"the tokenizer in {folder} cannot be read: {error}") from error
    if files is None:
        raise CheckpointError(_missing(folder))
    return files


def write_files(folder: Path, files: TokenizerFiles) -> None:
    """Write a folder, each file atomically; the pipeline comes last."""
    for name, text in files.template_files.items():
        place = folder / TEMPLATE if name == DEFAULT else folder / MORE_TEMPLATES / f"{name}.jinja"
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text(place, text)
    if files.specials_map:
        write_json(folder / SPECIALS_MAP, files.specials_map)
    write_json(folder / CONFIG, files.config)
    if files.translation is None:
        write_text(
            folder / PIPELINE, json.dumps(files.pipeline, ensure_ascii=False, indent=1) + "\n"
        )
        return
    for name, content in files.translation.contents.items():
        with atomic_open(folder / name) as file:
            file.write(content)


def _read(folder: Path) -> TokenizerFiles | None:
    files = TokenizerFiles(
        pipeline={},
        config=_read_table(folder / CONFIG),
        specials_map=_read_table(folder / SPECIALS_MAP),
        template_files=_read_templates(folder),
    )
    settings = Settings(
        origin=str(folder),
        config=files.config,
        specials_map=files.specials_map,
        numbers=_read_table(folder / ADDED),
    )
    has_models = all((folder / name).is_file() for name in marian.FILES)
    if has_models and family_of(folder, files.config) == marian.NAME:
        return _read_marian(folder, files, settings)
    if (folder / PIPELINE).is_file():
        pipeline = _read_table(folder / PIPELINE)
        _refuse_contradiction(pipeline, settings)
        return replace(files, pipeline=pipeline)
    converted = convert(folder, settings)
    return converted and replace(files, pipeline=converted[0], config=converted[1])


def _read_marian(folder: Path, files: TokenizerFiles, settings: Settings) -> TokenizerFiles:
    source, target, config, table = marian.open_marian(folder, settings)
    contents = {name: (folder / name).read_bytes() for name in marian.FILES}
    translation = Translation(target=target, table=table, contents=contents)
    return replace(files, pipeline=source, config=config, translation=translation)


def _refuse_contradiction(pipeline: Mapping[str, Any], settings: Settings) -> None:
    """Settings that some programs put over the pipeline must say the same as it does."""
    normalizer, cutter = (pipeline.get(key) or {} for key in ("normalizer", "pre_tokenizer"))
    in_force = {}
    if normalizer.get("type") == "BertNormalizer":
        in_force["do_lower_case"] = normalizer.get("lowercase")
        in_force["tokenize_chinese_chars"] = normalizer.get("handle_chinese_chars")
    if cutter.get("type") == "ByteLevel":
        in_force["add_prefix_space"] = cutter.get("add_prefix_space")
    for name, value in in_force.items():
        said = settings.config.get(name)
        if said is not None and said != value:
            raise UnsupportedError(
                f"{settings.origin}: {name} = {said!r} in {CONFIG} contradicts {PIPELINE}, which has {value!r}; "
                "make them the same"
            )


def _read_templates(folder: Path) -> dict[str, str]:
    paths = {DEFAULT: folder / TEMPLATE} if (folder / TEMPLATE).is_file() else {}
    paths |= {path.stem: path for path in sorted((folder / MORE_TEMPLATES).glob("*.jinja"))}
    return {name: path.read_text("utf-8") for name, path in paths.items()}


def _read_table(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise DataError(f"{path} holds a {type(value).__name__}, not an object of settings")
    return value


def _missing(folder: Path) -> str:
    parts = sorted({path.name for path in folder.iterdir()} & set(FILE_NAMES))
    if not parts:
        return f"{folder} is not a tokenizer folder: it has no {PIPELINE}"
    return (
        f"{folder} has no {PIPELINE} and only a part of a tokenizer in an older form ({', '.join(parts)}); "
        "the forms are vocab.txt, vocab.json with merges.txt, tokenizer.model or spiece.model, and "
        "source.spm with target.spm and vocab.json"
    )
