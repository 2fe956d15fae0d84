"""A model folder: weights, configuration, tokenizer, card and manifest, written in one step and checked when read.

    config.json  model.safetensors  generation_config.json     a Hugging Face folder: AutoModel opens it
    tokenizer.json …                                            what the tokenizer saves
    objective.json                                              what it was taught to answer, if it was
    adapter_config.json  adapter_model.safetensors  base.json   instead of weights: what was learnt beside those elsewhere
    README.md                                                   the model card
    neural/  ngram/                                             a mixture's two models, model folders themselves
    manifest.json                                               SHA-256 of all the others, written last

Nothing here runs code that lies in a folder, and no pickle is opened unless it is asked for.
"""

import difflib
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from zhixing.checkpoint.adapter import (
    FILES,
    Base,
    is_adapter,
    read_adapter,
    read_base,
    write_adapter,
)
from zhixing.checkpoint.card import card_text
from zhixing.checkpoint.foreign.folder import SYMBOLS
from zhixing.checkpoint.manifest import (
    CARD,
    FORMAT,
    NAME,
    Manifest,
    read_manifest,
    verify,
    write_manifest,
)
from zhixing.checkpoint.model_files import (
    CONFIG,
    GENERATION,
    components,
    is_shared,
    model_kind,
    read_model,
    write_model,
)
from zhixing.checkpoint.tensors import INDEX, PICKLES, WEIGHTS, pickles_in, refused_pickle
from zhixing.core.config import key_of
from zhixing.core.errors import CheckpointError, DataError, UnsupportedError
from zhixing.core.files import atomic_folder, read_json, sha256_file, write_json, write_text
from zhixing.model.adapter import adapters_of
from zhixing.model.assembly import Network
from zhixing.model.protocol import LanguageModel
from zhixing.objective.learnt import Learnt, longest_input
from zhixing.tokenizer.encoding import Special
from zhixing.tokenizer.tokenizer import Tokenizer

Model = TypeVar("Model", bound=Network, covariant=True)
OBJECTIVE = "objective.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """Where the weights come from; `card` is Markdown for README.md (empty: a plain one is written)."""

    step: int = 0
    tokens: int = 0
    config_hash: str = ""
    card: str = ""
    ends: tuple[int, ...] = ()
    """Token ids after which generation stops, where they are more than the tokenizer's end token."""
    base: Base | None = None
    """The model that this one is an adapter of; None: its weights are its own."""
    learnt: Learnt | None = None
    """What it was taught to answer; None for a model that continues texts, and for one made elsewhere."""
    length_penalty: float = 1.0
    """What a search divides log-probabilities by: the length to this power (a model that writes targets)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded(Generic[Model]):
    """An opened folder. `ends` are the token ids after which generation stops; see ModelInfo for the others."""

    model: Model
    tokenizer: Tokenizer
    manifest: Manifest
    ends: tuple[int, ...]
    learnt: Learnt | None = None
    base: Base | None = None
    length_penalty: float = 1.0

    def opening(self, text: str) -> list[int]:
        """The ids of a text that goes on: without the end token that some folders append.

        Where one token begins and ends texts, an empty text still has its begin.
        """
        ids = list(self.tokenizer.encode(text).ids)
        if ids == [self.tokenizer.specials.get(Special.BEGIN)]:
            return ids
        return ids[:-1] if ids and ids[-1] in self.ends else ids


def save_model(folder: Path, model: Network, tokenizer: Tokenizer, *, info: ModelInfo) -> Manifest:
    """Write a model folder in one step; an older model folder there is replaced.

    Raises CheckpointError when `folder` holds something that is not a model, or the tokenizer does not fit.
    """
    if folder.exists() and not (folder / NAME).is_file() and not _is_empty(folder):
        raise CheckpointError(
            f"{folder} exists and is not a model folder ({contents(folder)}); choose another name"
        )
    with atomic_folder(folder) as scratch:
        return write_manifest(scratch, write_files(scratch, model, tokenizer, info=info))


def write_learnt(folder: Path, learnt: Learnt) -> None:
    """Change what a finished model folder says of its objective; weights and all the rest stay, and nothing is half written.

    Raises CheckpointError for a folder without a manifest, or one that is not as it was saved.
    """
    folder = folder.resolve()  # behind a link: the link stays
    manifest = read_manifest(folder)
    verify(folder, manifest)
    with atomic_folder(folder) as scratch:
        shutil.copytree(folder, scratch, copy_function=os.link, dirs_exist_ok=True)
        write_json(scratch / OBJECTIVE, learnt.model_dump(mode="json"))
        files = {**manifest.files, OBJECTIVE: sha256_file(scratch / OBJECTIVE)}
        write_json(scratch / NAME, asdict(manifest) | {"files": dict(sorted(files.items()))})


def load_model(folder: Path) -> Loaded[LanguageModel]:
    """Open the folder of a model that predicts the next token; see `load_network`.

    Raises UnsupportedError for an encoder or an encoder-decoder.
    """
    loaded = load_network(folder)
    if not isinstance(loaded.model, LanguageModel):
        raise UnsupportedError(
            f"{folder} holds a model of the kind {loaded.manifest.model_kind!r}, which predicts no next token; "
            "a decoder, recurrent or n-gram model is needed here"
        )
    return cast(Loaded[LanguageModel], loaded)


def load_network(
    folder: Path, *, allow_pickle: bool = False, base: Path | None = None
) -> Loaded[Network]:
    """Open any model folder. With a manifest every hash is checked; without one (Hugging Face) they are unknown.

    That of an adapter is opened with the model that it belongs to.
    allow_pickle: read tensors, and only tensors, from a pickle where there is no safetensors file.
    base: where the model of an adapter is, if it was moved.
    Raises CheckpointError for a broken, edited or unsafe folder, UnsupportedError for a model we cannot compute.
    """
    check_is_model(folder, allow_pickle=allow_pickle)
    if (folder / SYMBOLS).is_file():
        raise UnsupportedError(
            f"{folder} holds a model with symbols in place of a tokenizer ({SYMBOLS}), which is not measured, trained or exported; "
            "zhixing.load opens it, and zhixing apply asks it"
        )
    manifest = _checked_manifest(folder)
    tokenizer = Tokenizer.load(folder)
    adapts = is_adapter(folder)
    if adapts:
        model = read_adapter(folder, _specials(tokenizer), base)
    else:
        model = read_model(folder, allow_pickle=allow_pickle)
    check_vocab(model, tokenizer, f"{folder}")
    if manifest is None:
        manifest = Manifest(
            format=FORMAT,
            step=0,
            tokens=0,
            model_kind=model_kind(model),
            config_hash="",
            tokenizer_hash=tokenizer.hash,
            files={},
        )
    elif manifest.tokenizer_hash != tokenizer.hash:
        raise CheckpointError(
            f"{folder}: the tokenizer is not the one the model was saved with "
            f"({tokenizer.hash[:12]}… instead of {manifest.tokenizer_hash[:12]}…)"
        )
    return Loaded(
        model=model,
        tokenizer=tokenizer,
        manifest=manifest,
        ends=_ends(folder, tokenizer),
        learnt=_learnt(folder),
        base=read_base(folder) if adapts else None,
        length_penalty=_length_penalty(folder),
    )


def write_files(folder: Path, model: Network, tokenizer: Tokenizer, *, info: ModelInfo) -> Manifest:
    """Write every file of a model folder but the manifest, which is returned without its hashes."""
    check_vocab(model, tokenizer, "cannot save")
    specials = _specials(tokenizer)
    manifest = Manifest(
        format=FORMAT,
        step=info.step,
        tokens=info.tokens,
        model_kind=model_kind(model),
        config_hash=info.config_hash,
        tokenizer_hash=tokenizer.hash,
        files={},
    )
    for name, part in components(model).items():
        (folder / name).mkdir()
        write_manifest(folder / name, write_files(folder / name, part, tokenizer, info=info))
    repeated: dict[str, Any] = {}
    if info.base is None and adapters_of(model):
        raise UnsupportedError(
            "this model has adapters, which only a folder of their own can hold; write a whole model with: "
            "zhixing adapter merge ADAPTER OUT"
        )
    if info.base is not None:
        write_adapter(folder, model, info.base, specials)
    else:
        repeated = write_model(folder, model, specials)
    penalty = {} if info.length_penalty == 1.0 else {"length_penalty": info.length_penalty}
    write_json(folder / GENERATION, specials | repeated | penalty | _all_ends(specials, info.ends))
    if info.learnt is not None:
        write_json(folder / OBJECTIVE, info.learnt.model_dump(mode="json"))
    tokenizer.save(folder, max_time=longest_input(model, info.learnt))
    write_text(folder / CARD, card_text(info.card, manifest, is_shared=is_shared(model, specials)))
    return manifest


def is_hugging_face(model: Network, tokenizer: Tokenizer) -> bool:
    """Whether the folder of a model is one that transformers opens too."""
    return is_shared(model, _specials(tokenizer))


def check_is_model(folder: Path, *, allow_pickle: bool = False) -> None:
    """Raise CheckpointError unless `folder` is a folder with a configuration and safe weights, or a pickle if allowed."""
    if folder.is_file():
        if folder.suffix in PICKLES:
            raise refused_pickle(folder)
        raise CheckpointError(
            f"{folder} is a file; a model is a folder with {CONFIG} and {WEIGHTS}"
        )
    if not folder.is_dir():
        raise CheckpointError(f"there is no folder {folder}{_similar(folder)}")
    if is_adapter(folder):
        return
    if any((folder / name).is_file() for name in (WEIGHTS, INDEX)) and (folder / CONFIG).is_file():
        return
    pickles = pickles_in(folder)
    if pickles and not (folder / WEIGHTS).is_file():
        if allow_pickle and (folder / CONFIG).is_file():
            return
        raise refused_pickle(pickles[0])
    if (folder / NAME).is_file():
        verify(folder, read_manifest(folder))
    within = sorted(path.parent for path in folder.glob(f"*/{CONFIG}"))
    inside = f"; inside it are models: {', '.join(map(str, within))}" if within else ""
    raise CheckpointError(
        f"{folder} is not a model folder: it needs {CONFIG} and {WEIGHTS}, and {contents(folder)}{inside}"
    )


def check_vocab(model: Network, tokenizer: Tokenizer, origin: str) -> None:
    """Raise CheckpointError when the tokenizer makes ids that the model has no embedding for."""
    if tokenizer.vocab > model.vocab:
        raise CheckpointError(
            f"{origin}: the tokenizer has {tokenizer.vocab} ids and the model knows {model.vocab}; "
            "they do not belong together"
        )


def contents(folder: Path) -> str:
    """What is in a folder, in a few words."""
    if not folder.is_dir():
        return "it is a file"
    names = sorted(path.name + ("/" if path.is_dir() else "") for path in folder.iterdir())
    if not names:
        return "it is empty"
    return (
        f"it holds {', '.join(names[:6])}{f' and {len(names) - 6} more' if len(names) > 6 else ''}"
    )


def _checked_manifest(folder: Path) -> Manifest | None:
    if not (folder / NAME).is_file():
        return None
    manifest = read_manifest(folder)
    needed = {*(FILES if is_adapter(folder) else (CONFIG, WEIGHTS))} - set(manifest.files)
    if needed:
        raise CheckpointError(f"{folder / NAME} does not list {', '.join(sorted(needed))}")
    verify(folder, manifest)
    return manifest


def _specials(tokenizer: Tokenizer) -> dict[str, int]:
    """The special tokens that the tokenizer has, under Hugging Face's keys."""
    keys = {"bos_token_id": Special.BEGIN, "eos_token_id": Special.END, "pad_token_id": Special.PAD}
    found = tokenizer.specials
    return {key: found[special] for key, special in keys.items() if special in found}


def _all_ends(specials: Mapping[str, int], ends: tuple[int, ...]) -> dict[str, Any]:
    """eos_token_id as a list, where there is more to it than the tokenizer says."""
    return {"eos_token_id": list(ends)} if set(ends) - {specials.get("eos_token_id")} else {}


def _ends(folder: Path, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The tokenizer's end token, and those that generation_config.json adds (chat models have several)."""
    named = _generation(folder).get("eos_token_id")
    ends = set(named if isinstance(named, list) else [] if named is None else [named])
    if not all(isinstance(token, int) for token in ends):
        raise CheckpointError(f"{folder / GENERATION}: eos_token_id = {named!r} must be token ids")
    if Special.END in tokenizer.specials:
        ends.add(tokenizer.end)
    return tuple(sorted(ends))


def _length_penalty(folder: Path) -> float:
    """What generation_config.json says of it; 1 where it says nothing."""
    named = _generation(folder).get("length_penalty")
    if named is None:  # written as null by some, which says nothing either
        return 1.0
    if not isinstance(named, int | float):
        raise CheckpointError(f"{folder / GENERATION}: length_penalty = {named!r} must be a number")
    return float(named)


def _generation(folder: Path) -> Mapping[str, Any]:
    """The table of generation_config.json; an empty one where there is none."""
    try:
        table = read_json(folder / GENERATION) if (folder / GENERATION).is_file() else {}
    except DataError as error:
        raise CheckpointError(str(error)) from error
    return table if isinstance(table, Mapping) else {}


def _learnt(folder: Path) -> Learnt | None:
    path = folder / OBJECTIVE
    if not path.is_file():
        return None
    try:
        return Learnt.model_validate(read_json(path))
    except DataError as error:
        raise CheckpointError(str(error)) from error
    except ValidationError as error:
        lines = [f"{key_of(fault)}: {fault['msg']}" for fault in error.errors()]
        raise CheckpointError(f"{path}: {'; '.join(lines)}") from error


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _similar(folder: Path) -> str:
    if not folder.parent.is_dir():
        return "; a name on a hub must be downloaded to a folder first"
    names = [path.name for path in folder.parent.iterdir() if path.is_dir()]
    close = difflib.get_close_matches(folder.name, names, n=3, cutoff=0.5)
    return (
        f"; did you mean {', '.join(str(folder.parent / name) for name in close)}?" if close else ""
    )
