"""From a model folder to the forms of other programs, and back."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from zhixing.checkpoint.folder import (
    Loaded,
    ModelInfo,
    contents,
    is_hugging_face,
    load_network,
    save_model,
)
from zhixing.checkpoint.foreign.folder import save_imported
from zhixing.checkpoint.foreign.package import read_package
from zhixing.checkpoint.gguf import Precision, write_gguf
from zhixing.checkpoint.manifest import NAME, Manifest, read_manifest
from zhixing.checkpoint.model_files import CONFIG
from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.core.files import atomic_folder
from zhixing.model.adapter import merged
from zhixing.model.arpa import write_arpa
from zhixing.model.assembly import Network
from zhixing.model.encoder import Encoder
from zhixing.model.encoder_decoder import EncoderDecoder
from zhixing.model.ngram import NGram
from zhixing.model.protocol import LanguageModel
from zhixing.tokenizer.tokenizer import Tokenizer

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""Kinds of number of a Hugging Face folder."""
GGUF = "model.gguf"
ARPA = "model.arpa"
CLOSE = 1e-5
"""How far a merged model may be from its parts."""
PROBE = 16
"""Tokens on which they are compared."""


def export_hf(folder: Path, out: Path, *, dtype: str) -> Path:
    """Write a Hugging Face folder: weights of the given kind, tokenizer, generation settings, chat template.

    Raises UnsupportedError for a model that no family of transformers can hold.
    """
    _check_place(folder, out)
    loaded = _whole(folder)
    if not is_hugging_face(loaded.model, loaded.tokenizer):
        raise UnsupportedError(
            f"{folder} holds a model of the kind {loaded.manifest.model_kind!r} in our own form: no class of transformers "
            "computes it, so there is no Hugging Face folder of it"
        )
    loaded.model.to(DTYPES[dtype])
    save_model(out, loaded.model, loaded.tokenizer, info=_info(loaded))
    return out


def export_gguf(folder: Path, out: Path, *, precision: Precision) -> Path:
    """Write OUT/model.gguf. Raises UnsupportedError for what such a file cannot hold."""
    loaded = _whole(folder)
    _check_single(out, GGUF)
    with atomic_folder(out) as scratch:
        write_gguf(scratch / GGUF, loaded.model, loaded.tokenizer, precision=precision)
    return out / GGUF


def export_arpa(folder: Path, out: Path) -> Path:
    """Write OUT/model.arpa, for KenLM, SRILM, pocketsphinx and others. Raises UnsupportedError for any but an n-gram model.

    Tokens are written as in tokenizer.json, the begin and the end as <s> and </s>.
    """
    loaded = _whole(folder)
    if not isinstance(loaded.model, NGram):
        raise UnsupportedError(
            f"{folder} holds a model of the kind {loaded.manifest.model_kind!r}; an ARPA file holds an n-gram model"
        )
    _check_single(out, ARPA)
    tokenizer = loaded.tokenizer
    with atomic_folder(out) as scratch:
        names = _spellings(tokenizer, loaded.model.vocab)
        write_arpa(loaded.model, scratch / ARPA, names=names, begin=tokenizer.begin)
    return out / ARPA


def import_folder(folder: Path, out: Path, *, allow_pickle: bool) -> Manifest:
    """Check a folder made elsewhere and save it as ours, in safetensors and with hashes.

    The packages of checkpoint/foreign are known by their files, unpacked or not.
    """
    _check_place(folder, out)
    package = read_package(folder) if folder.exists() and not (folder / CONFIG).exists() else None
    if package is not None:
        return save_imported(out, package)
    loaded = load_network(folder, allow_pickle=allow_pickle)
    return save_model(out, loaded.model, loaded.tokenizer, info=_info(loaded))


def _check_single(out: Path, name: str) -> None:
    """Raise CheckpointError where `out` holds anything but the file that is to be written."""
    _refuse_file(out)
    if out.exists() and any(path.name != name for path in out.iterdir()):
        raise CheckpointError(
            f"{out} exists and holds something else ({contents(out)}); choose another name"
        )


def _refuse_file(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise CheckpointError(f"{out} is a file and would be lost; name a folder to write")


def _spellings(tokenizer: Tokenizer, count: int) -> list[str]:
    r"""How each of `count` ids is written; white space, which ends a token there, becomes \uXXXX."""
    pipeline = tokenizer.files.pipeline
    vocab = pipeline["model"]["vocab"]
    if isinstance(vocab, list):  # of a Unigram model: pieces with their scores
        known = {number: piece for number, (piece, _) in enumerate(vocab)}
    else:
        known = {number: piece for piece, number in vocab.items()}
    known |= {added["id"]: added["content"] for added in pipeline.get("added_tokens", [])}
    known |= {tokenizer.begin: "<s>", tokenizer.end: "</s>"}
    names = (known.get(number, f"<unused-{number}>") for number in range(count))
    return ["".join(f"\\u{ord(c):04x}" if c.isspace() else c for c in name) for name in names]


def _check_place(folder: Path, out: Path) -> None:
    """Raise CheckpointError where writing `out` would lose more than an earlier model folder."""
    _refuse_file(out)
    if not out.is_dir():
        return
    if folder.exists() and out.samefile(folder):
        raise CheckpointError(f"{out} is the model itself; choose another name")
    names = sorted(path.name + ("/" if path.is_dir() else "") for path in out.iterdir())
    known = {*read_manifest(out).files, NAME} if NAME in names else set[str]()
    if others := [name for name in names if name not in known]:
        raise CheckpointError(
            f"{out} exists and holds more than a model ({', '.join(others[:6])}); choose another name"
        )


def merge_adapter(folder: Path, out: Path, *, base: Path | None = None) -> float:
    """Write the whole model that the adapter in `folder` makes of its base; return how far their numbers are apart.

    That is the largest difference of what both give for a few tokens, as a share of the largest number (of 1, if all
    are smaller). Raises CheckpointError, before anything is written, when it is more than 1e-5.
    """
    _check_place(folder, out)
    loaded = load_network(folder, base=base)
    if loaded.base is None:
        raise CheckpointError(
            f"{folder} is a whole model and no adapter: there is nothing to merge"
        )
    whole = merged(loaded.model)
    one, other = _answers(loaded.model), _answers(whole)
    apart = float((one - other).abs().max() / one.abs().max().clamp_min(1.0))
    if apart > CLOSE:
        raise CheckpointError(
            f"{folder}: merged and apart differ by {apart:.1e}, more than {CLOSE:.0e}; nothing was written"
        )
    save_model(out, whole, loaded.tokenizer, info=replace(_info(loaded), base=None))
    return apart


@torch.no_grad()
def _answers(model: Network) -> Tensor:
    """What a model gives for a few tokens."""
    tokens = torch.arange(PROBE).remainder(model.vocab).view(2, -1)
    if isinstance(model, EncoderDecoder):
        hidden = model.decode(tokens, model.encode(tokens)).hidden
    else:
        assert isinstance(model, Encoder | LanguageModel), "these can have adapters"
        hidden = model.body(tokens).hidden
    if isinstance(model, EncoderDecoder | LanguageModel):
        return model.head(hidden).float()
    return hidden.float()


def _whole(folder: Path) -> Loaded[Network]:
    loaded = load_network(folder)
    if loaded.base is not None:
        raise UnsupportedError(
            f"{folder} is an adapter of {loaded.base.folder}; write a whole model first: zhixing adapter merge {folder} OUT"
        )
    return loaded


def _info(loaded: Loaded[Network]) -> ModelInfo:
    manifest = loaded.manifest
    return ModelInfo(
        step=manifest.step,
        tokens=manifest.tokens,
        config_hash=manifest.config_hash,
        ends=loaded.ends,
        length_penalty=loaded.length_penalty,
        learnt=loaded.learnt,
        base=loaded.base,
    )
