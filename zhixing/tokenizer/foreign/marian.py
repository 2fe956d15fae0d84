r"""Marian's translation models: two SentencePiece models, and a table of ids that both share.

    source.spm  cuts what is translated       vocab.json  gives each piece its id, whichever model made it
    target.spm  cuts what it becomes          a piece that is not in it is the unknown one

A pipeline numbers the pieces of its own model, so the pieces are put in the order of vocab.json: where an id's piece
belongs to the other language only, a name that no text can spell holds its place; a piece without an id is numbered
behind the last one, and means the unknown one. `>>fr<<` at the start of a text names the language
to translate into and is one token (Junczys-Dowmunt et al. 2018, arXiv:1804.00344; OPUS-MT).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Encoding as Encoded
from tokenizers import Tokenizer as Pipeline
from tokenizers import processors

from zhixing.core.errors import CheckpointError, UnsupportedError
from zhixing.tokenizer.encoding import Encoding
from zhixing.tokenizer.foreign.sentencepiece import (
    SPACE,
    Piece,
    PieceType,
    build_pipeline,
    read_model,
)
from zhixing.tokenizer.foreign.settings import Settings

SOURCE, TARGET, VOCAB = "source.spm", "target.spm", "vocab.json"
FILES = (SOURCE, TARGET, VOCAB)
NAME = "MarianTokenizer"
_HIDDEN = "\ufdd0\ufdd1\ufdd0"  # noncharacters: never in interchanged text
_DEFAULTS = {"unk": "<unk>", "eos": "</s>", "pad": "<pad>"}


@dataclass(frozen=True, kw_only=True)
class Table:
    """The ids that both languages share; `specials` begins with the unknown token."""

    vocab: Mapping[str, int]
    specials: tuple[str, ...]

    def encode(self, pipeline: Pipeline, text: str) -> Encoding:
        """Ids and spans of a text, with its language code in front and the end token behind."""
        codes, rest = self._split_code(text)
        encoded = pipeline.encode(rest)
        start = len(text) - len(rest)
        return Encoding(
            ids=(*codes, *self._ids(encoded)),
            spans=(
                *((0, start) for _ in codes),
                *((start + left, start + right) for left, right in encoded.offsets[:-1]),
                (0, 0),
            ),
            specials=(*(False for _ in codes), *map(bool, encoded.special_tokens_mask)),
        )

    def text_ids(self, pipeline: Pipeline, text: str) -> list[int]:
        """The ids of a text alone."""
        codes, rest = self._split_code(text)
        return codes + self._ids(pipeline.encode(rest, add_special_tokens=False))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of shared ids; special tokens are left out."""
        pieces = (self._texts[number] for number in ids)
        text = "".join(piece for piece in pieces if piece not in self.specials)
        return text.replace(SPACE, " ").strip(" ")

    @cached_property
    def _texts(self) -> list[str]:
        return sorted(self.vocab, key=lambda text: self.vocab[text])

    @property
    def unknown(self) -> int:
        """The id of a piece that the table does not have."""
        return self.vocab[self.specials[0]]

    def _ids(self, encoded: Encoded) -> list[int]:
        """Shared ids; text that no piece of this language covers may be a piece of the other one."""
        return [
            self.vocab.get(text, self.unknown)
            if number == self.unknown
            else (number if number < len(self.vocab) else self.unknown)
            for number, text in zip(encoded.ids, encoded.tokens, strict=True)
        ]

    def _split_code(self, text: str) -> tuple[list[int], str]:
        """The id of the language code that `text` begins with, and what comes after it."""
        end = text.find("<<")
        if not text.startswith(">>") or end == -1:
            return [], text
        return [self.vocab.get(text[: end + 2], self.unknown)], text[end + 2 :]


def open_marian(
    folder: Path, settings: Settings
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], Table]:
    """Source pipeline, target pipeline, settings, ids. Raises CheckpointError, UnsupportedError."""
    settings.refuse_others((), "a Marian vocabulary")
    if any((folder / name).is_file() for name in ("target_vocab.json",)):
        raise UnsupportedError(
            f"{folder}: a Marian model with two vocabularies (target_vocab.json) is not supported"
        )
    vocab: Any = json.loads((folder / VOCAB).read_text("utf-8"))
    tokens = {role: settings.token(role, text) or text for role, text in _DEFAULTS.items()}
    if not isinstance(vocab, dict) or sorted(vocab.values()) != list(range(len(vocab))):
        raise CheckpointError(f"{folder / VOCAB} must number its pieces from 0 without gaps")
    if missing := [text for text in tokens.values() if text not in vocab]:
        raise CheckpointError(f"{folder / VOCAB} has no {missing[0]!r}")
    pipelines = [_pipeline(folder / name, vocab, tokens) for name in (SOURCE, TARGET)]
    parts = {f"{role}_token": text for role, text in tokens.items()}
    config = {**settings.config, **parts, "tokenizer_class": NAME}
    table = Table(vocab=vocab, specials=(tokens["unk"], tokens["eos"], tokens["pad"]))
    source, target = (json.loads(pipeline.to_str()) for pipeline in pipelines)
    return source, target, config, table


def _pipeline(path: Path, vocab: Mapping[str, int], tokens: Mapping[str, str]) -> Pipeline:
    model = read_model(path)
    if not model.is_unigram or model.byte_fallback:
        raise UnsupportedError(f"{path}: Marian models are Unigram without byte fallback")
    known = {piece.text: piece for piece in model.pieces if piece.type == PieceType.NORMAL}
    best = max((piece.score for piece in known.values()), default=0.0)
    pieces = []
    for text in sorted(vocab, key=lambda text: vocab[text]):
        if text in known:
            pieces.append(known[text])
        elif text in tokens.values():
            kind = PieceType.UNKNOWN if text == tokens["unk"] else PieceType.CONTROL
            pieces.append(Piece(text=text, score=best, type=kind))
        else:
            pieces.append(Piece(text=_HIDDEN + text, score=best))
    pieces += [piece for text, piece in known.items() if text not in vocab]
    ordered = replace(model, pieces=tuple(pieces))
    pipeline = build_pipeline(ordered, pieces, legacy=True)
    end = tokens["eos"]
    pipeline.post_processor = processors.TemplateProcessing(
        single=["$A", end], pair=["$A", "$B", end], special_tokens=[(end, vocab[end])]
    )
    return pipeline
