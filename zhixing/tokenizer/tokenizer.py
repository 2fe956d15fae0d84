"""Text to ids and back, the same ids as `transformers.AutoTokenizer` gives for the same folder.

The work is done by the `tokenizers` library; this class adds what training and serving rely on: special tokens
written in a user's text stay ordinary text, every special token's part is known by name, decoding is the same
in one go and in a stream, and a hash says whether two tokenizers give the same ids.

Spans: a token's span holds every character that it has a byte of. When one character is split over several
tokens, each of them has the span of the whole character, so spans may overlap but never leave a gap.

A folder made elsewhere loads too. What `AutoTokenizer` puts before and after a text is kept; the one difference
is deliberate: special tokens written in the text are ordinary text here as well.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from tokenizers import Tokenizer as Pipeline

from zhixing.core.errors import CheckpointError, DataError, UnsupportedError
from zhixing.core.files import sha256_json
from zhixing.tokenizer.decoder import ByteStream, StreamDecoder, WindowStream, byte_pieces
from zhixing.tokenizer.encoding import Encoding, Special
from zhixing.tokenizer.files import ROLES, TokenizerFiles, read_files, write_files


class Tokenizer:
    """One tokenizer. Build it with `load` or `zhixing.tokenizer.train.train`."""

    def __init__(self, files: TokenizerFiles) -> None:
        self._files = files
        self._pipeline = _open_pipeline(files)
        self._specials = _find_specials(files, self._pipeline)
        added = self._pipeline.get_added_tokens_decoder()
        self._hidden = frozenset(number for number, token in added.items() if token.special)
        self._pieces = byte_pieces(self._pipeline, files.pipeline, self._hidden)
        self._ids = frozenset(self._pipeline.get_vocab(with_added_tokens=True).values())

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open a tokenizer folder, ours or any Hugging Face one with a tokenizer.json.

        Raises CheckpointError when the folder is missing, is something else, or is broken.
        """
        try:
            return cls(read_files(Path(folder)))
        except CheckpointError:
            raise
        # The library raises a bare Exception for a pipeline that it cannot build.
        except Exception as error:
            raise CheckpointError(f"the tokenizer in {folder} cannot be used: {error}") from error

    @classmethod
    def from_learnt(cls, learnt: Mapping[str, Any]) -> Self:
        """Finish a pipeline that was just trained: begin token in front, parts of the special tokens named."""
        pipeline = dict(learnt)
        begin = Special.BEGIN.value
        numbers = {token["content"]: token["id"] for token in learnt["added_tokens"]}
        pipeline["post_processor"] = {
            "type": "TemplateProcessing",
            "single": [_special_part(begin), _sequence_part("A")],
            "pair": [_special_part(begin), _sequence_part("A"), _sequence_part("B")],
            "special_tokens": {begin: {"id": begin, "ids": [numbers[begin]], "tokens": [begin]}},
        }
        parts = {ROLES[special]: special.value for special in Special}
        config = {
            **parts,
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,
        }
        return cls(TokenizerFiles(pipeline=pipeline, config=config, specials_map=parts))

    def save(self, folder: str | Path, *, max_time: int | None = None) -> None:
        """Write the folder's files; `max_time` is the longest input the model reads (None: not stated)."""
        config = dict(self._files.config)
        if max_time is not None:
            config["model_max_length"] = max_time
        files = TokenizerFiles(
            pipeline=self._files.pipeline,
            config=config,
            specials_map=self._files.specials_map,
            template=self._files.template,
        )
        write_files(Path(folder), files)

    @property
    def vocab(self) -> int:
        """Number of ids: the largest id plus one."""
        return max(self._ids) + 1

    @property
    def begin(self) -> int:
        """The id that begins a text. Raises UnsupportedError where the folder names none."""
        return self._special(Special.BEGIN)

    @property
    def end(self) -> int:
        """The id that ends a document. Raises UnsupportedError where the folder names none."""
        return self._special(Special.END)

    @property
    def pad(self) -> int:
        """The id that fills rows. Raises UnsupportedError where the folder names none."""
        return self._special(Special.PAD)

    @property
    def specials(self) -> Mapping[Special, int]:
        """The ids of the special tokens this folder names; ours name all four."""
        return dict(self._specials)

    @cached_property
    def hash(self) -> str:
        """Equal for tokenizers that give equal ids; saving, loading and chat templates do not change it."""
        ignored = ("truncation", "padding", "version")
        pipeline = {key: value for key, value in self._files.pipeline.items() if key not in ignored}
        return sha256_json({"pipeline": pipeline, "specials": dict(self._specials)})

    @cached_property
    def is_lossless(self) -> bool:
        """True when decode(encode(text)) == text for every text: only then may bits per byte be measured."""
        settings = self._files.pipeline
        decoder = (settings.get("decoder") or {}).get("type")
        if decoder != "ByteLevel" or settings.get("normalizer") or self._pieces is None:
            return False
        single = {piece for piece in self._pieces if len(piece) == 1}
        return len(single) == 256 and self.decode(self.encode_text("a b")) == "a b"

    def encode(self, text: str) -> Encoding:
        """Ids with their spans, special tokens as the folder says (ours: begin in front, no end).

        Raises DataError when `text` holds a lone surrogate, which no UTF-8 can express.
        """
        encoded = self._run([text], with_specials=True, with_spans=True)[0]
        return Encoding(
            ids=tuple(encoded.ids),
            spans=tuple(encoded.offsets),
            specials=tuple(bool(flag) for flag in encoded.special_tokens_mask),
        )

    def encode_text(self, text: str) -> list[int]:
        """The ids of the text alone, without any special token."""
        ids: list[int] = self._run([text], with_specials=False, with_spans=False)[0].ids
        return ids

    def encode_document(self, text: str) -> list[int]:
        """Begin (where there is one), text, end: what a model is trained on."""
        return self.encode_documents([text])[0]

    def encode_documents(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode_document` of many texts, in parallel."""
        before = [self.begin] if Special.BEGIN in self._specials else []
        after = [self.end]
        encoded = self._run(texts, with_specials=False, with_spans=False)
        return [before + item.ids + after for item in encoded]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`; special tokens (the unknown one too) are left out.

        Bytes that are not UTF-8, such as half a character, come out as U+FFFD.
        Raises DataError for an id that this tokenizer does not have.
        """
        unknown = [number for number in ids if number not in self._ids]
        if unknown:
            raise DataError(
                f"id {unknown[0]} is not in this tokenizer; its ids are 0 to {self.vocab - 1}"
            )
        if self._pieces is None:
            text: str = self._pipeline.decode(list(ids), skip_special_tokens=True)
            return text
        return b"".join(self._pieces[number] for number in ids).decode("utf-8", "replace")

    def decoder(self) -> StreamDecoder:
        """A decoder for ids as they come; its texts together are `decode` of all ids."""
        return WindowStream(self.decode) if self._pieces is None else ByteStream(self._pieces)

    def _special(self, special: Special) -> int:
        if special not in self._specials:
            raise UnsupportedError(
                f"this tokenizer names no {special.name.lower()} token; add {ROLES[special]!r} to its "
                "tokenizer_config.json"
            )
        return self._specials[special]

    def _run(self, texts: Sequence[str], *, with_specials: bool, with_spans: bool) -> list[Any]:
        run = self._pipeline.encode_batch if with_spans else self._pipeline.encode_batch_fast
        try:
            return list(run(texts, add_special_tokens=with_specials))
        except (UnicodeEncodeError, TypeError):
            for text in texts:
                num_bytes(text)
            raise


def num_bytes(text: str) -> int:
    """Bytes of `text` in UTF-8. Raises DataError when it holds half of a surrogate pair."""
    try:
        return len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise DataError(
            f"character {error.start} of the text is a lone surrogate (U+{ord(text[error.start]):04X}), which is "
            "not a character; zhixing.text.normalise.repair removes such damage"
        ) from error


def _open_pipeline(files: TokenizerFiles) -> Pipeline:
    pipeline = Pipeline.from_str(json.dumps(files.pipeline))
    pipeline.no_truncation()
    pipeline.no_padding()
    pipeline.encode_special_tokens = True  # text is text, whatever it spells
    return pipeline


def _find_specials(files: TokenizerFiles, pipeline: Pipeline) -> dict[Special, int]:
    found = {}
    for special in Special:
        text = files.special_text(special)
        number = None if text is None else pipeline.token_to_id(text)
        if number is not None:
            found[special] = number
    return found


def _special_part(token: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": token, "type_id": 0}}


def _sequence_part(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}
