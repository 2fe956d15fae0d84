r"""SentencePiece models (Kudo and Richardson 2018, arXiv:1808.06226), Unigram and BPE, as pipelines.

The model file says how text is normalised (a compiled table, runs of spaces, `▁` for a space, one in front) and which
pieces there are, with a score each and a type. What follows from that here:

* BPE merges the neighbours whose union has the best score, so a merge's rank is the score of its union.
* Control pieces (`<s>`) and bytes (`<0x0A>`) never match in text; user-defined ones always do, whole.
* `▁` is put in front by two steps in a row that each do half of it: the first puts a space in front of the text, the
  second turns spaces into `▁`. A single step would not put one before a `▁` that is there already.
* `legacy` (T5, Llama): whether text after a special token gets a `▁` in front too. It matters for chats only.

The ids are those of the `sentencepiece` library, with one known exception, which transformers shares: the
`tokenizers` library looks up a user-perceived character of up to five bytes as one, and single code points otherwise,
so with a compiled table a letter with several combining marks, か + U+3099, or CR LF may come out otherwise. A setting
that has no exact counterpart is refused.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Pipeline

from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.tokenizer.foreign.around import frame
from zhixing.tokenizer.foreign.protobuf import as_float, fields
from zhixing.tokenizer.foreign.settings import Settings

SPACE = "▁"


class PieceType(IntEnum):
    """What a piece is for."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One entry of the vocabulary; its id is its place."""

    text: str
    score: float = 0.0
    type: PieceType = PieceType.NORMAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """What a model file holds. `table` is the compiled normalisation, empty for none."""

    pieces: tuple[Piece, ...]
    is_unigram: bool
    byte_fallback: bool
    table: bytes
    has_prefix: bool
    removes_spaces: bool

    @property
    def unknown(self) -> int:
        """The id of the unknown piece."""
        return next(n for n, piece in enumerate(self.pieces) if piece.type == PieceType.UNKNOWN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """What a family adds to its model file: special tokens, sentinels (T5's <extra_id_0> …), begin and end."""

    specials: Mapping[str, str] = field(default_factory=dict)
    sentinels: int = 0
    begin: bool = False
    end: bool = False
    legacy: bool = True


_SPECIALS = {"unk": "<unk>", "eos": "</s>"}
FAMILIES = {
    "T5Tokenizer": Family(specials=_SPECIALS | {"pad": "<pad>"}, sentinels=100, end=True),
    "LlamaTokenizer": Family(specials=_SPECIALS | {"bos": "<s>"}, begin=True),
}
_HONOURED = ("add_bos_token", "add_eos_token", "extra_ids", "add_prefix_space")


def read_model(path: Path) -> Model:
    """Read a model file. Raises CheckpointError when it is none, UnsupportedError for what has no counterpart."""
    origin = str(path)
    pieces: list[Piece] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for number, value in fields(path.read_bytes(), origin):
        if number in (1, 2, 3) and not isinstance(value, bytes):
            raise CheckpointError(f"{origin} is not a SentencePiece model")
        if number == 1 and isinstance(value, bytes):
            pieces.append(_read_piece(value, origin))
        elif number == 2 and isinstance(value, bytes):
            trainer = dict(fields(value, origin))
        elif number == 3 and isinstance(value, bytes):
            normalizer = dict(fields(value, origin))
        elif number == 5 and isinstance(value, bytes) and dict(fields(value, origin)).get(2):
            raise UnsupportedError(
                f"{origin}: a SentencePiece model with a denormalizer table is not supported"
            )
    _check(pieces, trainer, normalizer, origin)
    table = normalizer.get(2, b"")
    assert isinstance(table, bytes)
    return Model(
        pieces=tuple(pieces),
        is_unigram=trainer.get(3, 1) == 1,
        byte_fallback=bool(trainer.get(35, 0)),
        table=table,
        has_prefix=bool(normalizer.get(3, 1)),
        removes_spaces=bool(normalizer.get(4, 1)),
    )


def open_sentencepiece(path: Path, settings: Settings, family: Family) -> Pipeline:
    """The pipeline of a folder whose model file is `path`."""
    settings.refuse_others(_HONOURED, "a SentencePiece model")
    model = read_model(path)
    model = replace(model, has_prefix=settings.flag("add_prefix_space", model.has_prefix))
    sentinels = int(settings.config.get("extra_ids", family.sentinels))
    extra = [f"<extra_id_{n}>" for n in reversed(range(sentinels))]
    pieces = [*model.pieces, *(Piece(text=text, type=PieceType.CONTROL) for text in extra)]
    pipeline = build_pipeline(model, pieces, legacy=settings.flag("legacy", family.legacy))
    pipeline.add_tokens(settings.added_tokens(family.specials))
    second = 0 if family.end else 1  # T5 knows no segments
    frame(pipeline, settings, family.specials, begin=family.begin, end=family.end, second=second)
    return pipeline


def build_pipeline(model: Model, pieces: Sequence[Piece], *, legacy: bool) -> Pipeline:
    """A pipeline that cuts text as `model` does, into `pieces` (those of the model, or with more behind them)."""
    if model.is_unigram:
        scores = [(piece.text, piece.score) for piece in pieces]
        inner: models.Model = models.Unigram(
            scores, unk_id=model.unknown, byte_fallback=model.byte_fallback
        )
    else:
        inner = _bpe(model, pieces)
    pipeline = Pipeline(inner)
    pipeline.normalizer = _normalizer(model)
    if cutters := _cutters(model, legacy=legacy):
        pipeline.pre_tokenizer = pre_tokenizers.Sequence(cutters)
    pipeline.decoder = _decoder(model)
    pipeline.add_tokens(
        [
            AddedToken(piece.text, special=True, normalized=False)
            for piece in pieces
            if piece.type in (PieceType.CONTROL, PieceType.UNKNOWN)
        ]
    )
    return pipeline


def _read_piece(message: bytes, origin: str) -> Piece:
    found = dict(fields(message, origin))
    text = found.get(1, b"")
    if not isinstance(text, bytes):
        raise CheckpointError(f"{origin} is not a SentencePiece model")
    kind = int(found.get(3, 1)) if isinstance(found.get(3, 1), int) else 1
    score = as_float(found[2]) if 2 in found else 0.0
    return Piece(text=text.decode("utf-8"), score=score, type=PieceType(kind))


def _check(
    pieces: Sequence[Piece],
    trainer: Mapping[int, Any],
    normalizer: Mapping[int, Any],
    origin: str,
) -> None:
    types = [piece.type for piece in pieces]
    if types.count(PieceType.UNKNOWN) != 1:
        raise CheckpointError(f"{origin} is not a SentencePiece model with one unknown piece")
    if len({piece.text for piece in pieces}) != len(pieces):
        raise CheckpointError(f"{origin} has two pieces with the same text")
    faults = {
        f"model_type = {trainer.get(3)} (only 1, Unigram, and 2, BPE)": trainer.get(3, 1)
        not in (1, 2),
        "treat_whitespace_as_suffix": bool(trainer.get(24, 0)),
        "escape_whitespaces = false": not normalizer.get(5, 1),
        "unused pieces (type 5)": PieceType.UNUSED in types,
    }
    for name, is_there in faults.items():
        if is_there:
            raise UnsupportedError(f"{origin}: a SentencePiece model with {name} is not supported")


def _bpe(model: Model, pieces: Sequence[Piece]) -> models.BPE:
    scores = {piece.text: piece.score for piece in pieces if piece.type == PieceType.NORMAL}
    order = {piece.text: number for number, piece in enumerate(pieces)}
    ranked = []
    for text, score in scores.items():
        for cut in range(1, len(text)):
            if text[:cut] in scores and text[cut:] in scores:
                ranked.append((-score, order[text], cut, (text[:cut], text[cut:])))
    arguments: dict[str, Any] = {
        "vocab": order,
        "merges": [merge for *_, merge in sorted(ranked)],
        "unk_token": pieces[model.unknown].text,
        "fuse_unk": True,
        "byte_fallback": model.byte_fallback,
    }
    inner = models.BPE(**arguments)
    if not any(piece.type == PieceType.USER_DEFINED for piece in pieces):
        return inner
    # A user-defined piece stands alone and must come out whole. That is safe only if looking a word up before
    # merging cannot change what the merges would give.
    for text in scores:
        if [token.value for token in inner.tokenize(text)] != [text]:
            raise UnsupportedError(
                f"this SentencePiece model has user-defined pieces, and its merges never make its piece {text!r}; "
                "such a mixture is not supported"
            )
    return models.BPE(ignore_merges=True, **arguments)


def _normalizer(model: Model) -> normalizers.Normalizer:
    steps: list[normalizers.Normalizer] = []
    if model.table:
        steps.append(normalizers.Precompiled(model.table))
    if model.removes_spaces:
        steps.append(normalizers.Replace(Regex(" {2,}"), " "))
        steps.append(normalizers.Replace(Regex(rf"[ {SPACE}]+\z"), ""))
        if not model.has_prefix:
            steps.append(normalizers.Replace(Regex(r"\A +"), ""))
    if not (model.removes_spaces and model.has_prefix):
        steps.append(normalizers.Replace(" ", SPACE))
    return normalizers.Sequence(steps)


def _cutters(model: Model, *, legacy: bool) -> list[pre_tokenizers.PreTokenizer]:
    """With `removes_spaces` a space at the start serves as the prefix, so that only one is ever there."""
    cutters: list[pre_tokenizers.PreTokenizer] = []
    if model.has_prefix:
        scheme = "always" if legacy else "first"
        cutters = [
            pre_tokenizers.Metaspace(replacement=" ", prepend_scheme=scheme, split=False),
            pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="never", split=False),
        ]
    whole = [piece.text for piece in model.pieces if piece.type == PieceType.USER_DEFINED]
    if whole:
        pattern = "|".join(re.escape(text) for text in sorted(whole, key=len, reverse=True))
        cutters.append(pre_tokenizers.Split(Regex(pattern), behavior="isolated"))
    if model.is_unigram and model.byte_fallback:
        # Else the text `<0x0A>` would match the piece of the byte.
        look_alike = Regex(r"<(?=0x[0-9A-F]{2}>)")
        cutters.append(pre_tokenizers.Split(look_alike, behavior="isolated"))
    return cutters


def _decoder(model: Model) -> decoders.Decoder:
    steps: list[decoders.Decoder] = [decoders.Replace(SPACE, " ")]
    if model.byte_fallback:
        steps.append(decoders.ByteFallback())
    steps.append(decoders.Fuse())
    if model.has_prefix or model.removes_spaces:
        steps.append(decoders.Strip(" ", 1, 0))
    return decoders.Sequence(steps)
