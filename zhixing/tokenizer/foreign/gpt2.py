"""Byte-level BPE in two files: a table of ids and a list of merges, the earliest merge first.

GPT-2's form (Radford et al. 2019, section 2.2); RoBERTa and BART use it with special tokens of their own, Qwen2 with
another pattern for words and NFC. OpenAI's release calls the two files encoder.json and vocab.bpe.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Pipeline

from zhixing.core.errors import CheckpointError
from zhixing.tokenizer.foreign.around import frame
from zhixing.tokenizer.foreign.settings import Settings

FILES = (("vocab.json", "merges.txt"), ("encoder.json", "vocab.bpe"))
_HONOURED = ("add_prefix_space", "add_bos_token", "add_eos_token")
_QWEN2_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """What a family adds to GPT-2's form: its special tokens, and whether a text stands between them."""

    specials: Mapping[str, str] = field(default_factory=dict)
    is_framed: bool = False
    is_qwen: bool = False


_END = "<|endoftext|>"
_FAIRSEQ = {
    "bos": "<s>",
    "eos": "</s>",
    "sep": "</s>",
    "cls": "<s>",
    "unk": "<unk>",
    "pad": "<pad>",
}
VARIANTS = {
    "GPT2Tokenizer": Variant(specials={"unk": _END, "bos": _END, "eos": _END}),
    "RobertaTokenizer": Variant(specials=_FAIRSEQ | {"mask": "<mask>"}, is_framed=True),
    "BartTokenizer": Variant(specials=_FAIRSEQ | {"mask": "<mask>"}, is_framed=True),
    "Qwen2Tokenizer": Variant(specials={"unk": _END, "eos": _END, "pad": _END}, is_qwen=True),
}


def open_gpt2(folder: Path, settings: Settings, variant: Variant) -> Pipeline:
    """The pipeline of a folder with vocab.json and merges.txt. Raises CheckpointError when they do not fit."""
    settings.refuse_others(_HONOURED, "a byte-level BPE vocabulary")
    vocab_name, merges_name = next(
        pair for pair in FILES if all((folder / name).is_file() for name in pair)
    )
    vocab = _read_vocab(folder / vocab_name)
    merges = _read_merges(folder / merges_name, vocab)
    pipeline = Pipeline(models.BPE(vocab=vocab, merges=merges, fuse_unk=False))
    prefix = settings.flag("add_prefix_space", False)
    if variant.is_qwen:
        pipeline.normalizer = normalizers.NFC()
        pipeline.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_QWEN2_WORDS), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=False),
            ]
        )
    else:
        pipeline.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    pipeline.decoder = decoders.ByteLevel()
    pipeline.add_tokens(settings.added_tokens(variant.specials))
    _put_around(pipeline, settings, variant)
    return pipeline


def _put_around(pipeline: Pipeline, settings: Settings, variant: Variant) -> None:
    if not variant.is_framed:
        frame(pipeline, settings, variant.specials, begin=False, end=False)
        return
    ends = []
    for role in ("sep", "cls"):
        text = settings.token(role, variant.specials[role]) or ""
        number = pipeline.token_to_id(text)
        assert number is not None  # it was added if it was not there
        ends.append((text, number))
    pipeline.post_processor = processors.RobertaProcessing(
        ends[0], ends[1], trim_offsets=False, add_prefix_space=False
    )


def _read_vocab(path: Path) -> dict[str, int]:
    table: Any = json.loads(path.read_text("utf-8"))
    if not isinstance(table, dict) or not all(isinstance(value, int) for value in table.values()):
        raise CheckpointError(f"{path} must be a table from pieces to ids")
    return table


def _read_merges(path: Path, vocab: Mapping[str, int]) -> list[tuple[str, str]]:
    merges = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        parts = line.split(" ")
        if len(parts) != 2 or not all(part in vocab for part in (*parts, "".join(parts))):
            raise CheckpointError(
                f"{path}:{number}: {line!r} is not a merge of two pieces of the vocabulary beside it"
            )
        merges.append((parts[0], parts[1]))
    return merges
