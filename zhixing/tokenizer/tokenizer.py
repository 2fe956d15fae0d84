"""Text to ids and back, the same ids as the reference library of each kind of folder gives.

The work is done by the `tokenizers` library; this class adds what training and serving rely on: special tokens
written in a user's text stay ordinary text, every special token's part is known by name, decoding is the same
in one go and in a stream, and a hash says whether two tokenizers give the same ids.

Spans: a token's span holds every character that it has a byte of. When one character is split over several
tokens, each of them has the span of the whole character, so spans may overlap but never leave a gap.

A folder made elsewhere loads too, in the older forms as well (`foreign`). What it puts before, between and after
texts is kept; the one difference is deliberate: special tokens written in the text are ordinary text here as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from zhixing.core.errors import CheckpointError, DataError, UnsupportedError, ZhixingError
from zhixing.core.files import sha256_json
from zhixing.tokenizer.decoder import (
    ByteStream,
    StreamDecoder,
    TidyStream,
    WindowStream,
    byte_pieces,
    tidy,
)
from zhixing.tokenizer.encoding import Encoding, PairEncoding, Special
from zhixing.tokenizer.files import ROLES, TokenizerFiles, read_files, write_files
from zhixing.tokenizer.framing import begun, with_frame
from zhixing.tokenizer.marks import add_marks
from zhixing.tokenizer.pipelines import Part, Pipelines

# Of this class transformers takes the pipeline as it is; others it builds anew from the vocabulary alone.
_AS_IT_IS = "PreTrainedTokenizerFast"


class Tokenizer:
    """One tokenizer. Build it with `load` or `zhixing.tokenizer.train.train`."""

    def __init__(self, files: TokenizerFiles) -> None:
        self._files = files
        self._pipelines = Pipelines(files.pipeline)
        self._table = files.translation.table if files.translation else None
        self._hidden = frozenset(self._pipelines.specials)
        full = self._pipelines.full
        vocab = self._table.vocab if self._table else full.get_vocab(with_added_tokens=True)
        self._ids = frozenset(vocab.values())
        self._specials = {
            special: vocab[text]
            for special in Special
            if (text := files.special_text(special)) is not None and text in vocab
        }
        self._pieces = byte_pieces(full, files.pipeline, self._hidden)
        is_bpe = files.pipeline["model"].get("type", "BPE") == "BPE"
        self._is_tidied = bool(files.config.get("clean_up_tokenization_spaces")) and not is_bpe

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Open a tokenizer folder: ours, or a Hugging Face one with a tokenizer.json or one of the older forms.

        Raises CheckpointError when the folder is missing, is something else, or is broken, UnsupportedError for
        a form or a setting that we do not know.
        """
        try:
            return cls(read_files(Path(folder)))
        except ZhixingError:
            raise
        # The library raises a bare Exception for a pipeline that it cannot build.
        except Exception as error:
            raise CheckpointError(f"the tokenizer in {folder} cannot be used: {error}") from error

    @classmethod
    def from_learnt(cls, learnt: Mapping[str, Any]) -> Self:
        """Finish a pipeline that was just trained: begin token in front, parts of the special tokens named."""
        pipeline = dict(learnt)
        numbers = {token["content"]: token["id"] for token in learnt["added_tokens"]}
        pipeline["post_processor"] = begun(numbers)
        parts = {ROLES[special]: special.value for special in Special}
        config = {
            **parts,
            "tokenizer_class": _AS_IT_IS,
            "clean_up_tokenization_spaces": False,
            "split_special_tokens": True,
        }
        return cls(TokenizerFiles(pipeline=pipeline, config=config, specials_map=parts))

    def with_marks(self, marks: Sequence[str]) -> Self:
        """The same tokenizer with more special tokens, such as a mask; those it has already stay as they are."""
        if not marks:
            return self
        return type(self)(add_marks(self._files, marks, vocab=self.vocab))

    def framed(self, *, with_segments: bool = False) -> Self:
        """The same tokenizer with an end token behind each text: [begin] first [end], [begin] first [end] second [end].

        with_segments: transformers is told to give the model segments too, which some models know nothing of.
        One that puts a token of its own behind texts, as BERT's does, stays as it is.
        Raises UnsupportedError where the folder names no begin or no end token.
        """
        _, behind = self.frame
        if behind:
            return self
        pipeline = with_frame(self._files.pipeline, begin=self.begin, end=self.end)
        config = dict(self._files.config)
        if with_segments:
            config["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
        return type(self)(replace(self._files, pipeline=pipeline, config=config))

    def mark(self, text: str) -> int:
        """The id of a special token by its text. Raises UnsupportedError where there is none."""
        number = self._pipelines.full.token_to_id(text)
        if number is None or number not in self._hidden:
            raise UnsupportedError(f"this tokenizer has no special token {text!r}")
        return int(number)

    def save(self, folder: str | Path, *, max_time: int | None = None) -> None:
        """Write the folder's files; `max_time` is the longest input the model reads (None: not stated)."""
        config = dict(self._files.config)
        if self._table is None:
            config["tokenizer_class"] = _AS_IT_IS
        if max_time is not None:
            config["model_max_length"] = max_time
        write_files(Path(folder), replace(self._files, config=config))

    @property
    def vocab(self) -> int:
        """Number of ids: the largest id plus one."""
        return max(self._ids) + 1

    @property
    def frame(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The special tokens that `encode` puts before a text, and those behind it."""
        one = self.encode("a")
        inside = [place for place, is_special in enumerate(one.specials) if not is_special]
        first, last = (inside[0], inside[-1]) if inside else (len(one.ids), len(one.ids))
        return one.ids[:first], one.ids[last + 1 :]

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
        content = {"pipeline": pipeline, "specials": dict(self._specials)}
        if self._files.translation is not None:
            content["target"] = self._files.translation.target
        return sha256_json(content)

    @cached_property
    def is_lossless(self) -> bool:
        """True when decode(encode(text)) == text for every text: only then may bits per byte be measured."""
        settings = self._files.pipeline
        decoder = (settings.get("decoder") or {}).get("type")
        if (
            decoder != "ByteLevel"
            or settings.get("normalizer")
            or self._pieces is None
            or self._is_tidied
        ):
            return False
        single = {piece for piece in self._pieces if len(piece) == 1}
        return len(single) == 256 and self.decode(self.encode_text("a b")) == "a b"

    @property
    def files(self) -> TokenizerFiles:
        """What the folder holds: settings, chat templates, the pipeline."""
        return self._files

    @cached_property
    def target(self) -> "Tokenizer":
        """The tokenizer of the language that a translation model writes; of any other model, this one."""
        translation = self._files.translation
        if translation is None:
            return self
        swapped = replace(translation, target=self._files.pipeline)
        return Tokenizer(replace(self._files, pipeline=translation.target, translation=swapped))

    def encode(self, text: str) -> Encoding:
        """Ids with their spans, special tokens as the folder says (ours: begin in front, no end).

        Raises DataError when `text` holds a lone surrogate, which no UTF-8 can express.
        """
        if self._table is not None:
            return self._table.encode(self._pipelines.plain, text)
        encoded = self._run([text], with_specials=True, with_spans=True)[0]
        return Encoding(
            ids=tuple(encoded.ids),
            spans=tuple(encoded.offsets),
            specials=tuple(bool(flag) for flag in encoded.special_tokens_mask),
        )

    def encode_pair(self, first: str, second: str) -> PairEncoding:
        """Ids of two texts with what the folder puts around and between them ([CLS] a [SEP] b [SEP]).

        Raises DataError for a lone surrogate, UnsupportedError for a translation model, which reads one text.
        """
        if self._table is not None:
            raise UnsupportedError("a translation model reads one text at a time, not a pair")
        encoded = self._run([(first, second)], with_specials=True, with_spans=True)[0]
        return PairEncoding(
            ids=tuple(encoded.ids),
            segments=tuple(encoded.type_ids),
            texts=tuple(encoded.sequence_ids),
            spans=tuple(encoded.offsets),
        )

    def encode_text(self, text: str) -> list[int]:
        """The ids of the text alone, without any special token."""
        return self.encode_texts([text])[0]

    def encode_texts(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode_text` of many texts, in parallel."""
        if self._table is not None:
            return [self._table.text_ids(self._pipelines.plain, text) for text in texts]
        return [one.ids for one in self._run(texts, with_specials=False, with_spans=False)]

    def encode_marked(self, text: str, users: Sequence[Part] = ()) -> Encoding:
        """Ids of a text in which special tokens count, as a chat template writes it, and none is added.

        `users` are the parts, as (start, end), that a user wrote: what they spell stays ordinary text.
        """
        num_bytes(text)
        ids, spans = self._pipelines.cut_marked(text, users)
        specials = self._hidden - {self._specials.get(Special.UNKNOWN)}
        return Encoding(
            ids=tuple(ids),
            spans=tuple(spans),
            specials=tuple(number in specials for number in ids),
        )

    def look_alikes(self, text: str) -> list[Part]:
        """Where `text` spells a special token, as (start, end)."""
        return self._pipelines.look_alikes(text)

    def encode_document(self, text: str) -> list[int]:
        """Begin (where there is one), text, end: what a model is trained on."""
        return self.encode_documents([text])[0]

    def encode_documents(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode_document` of many texts, in parallel."""
        before = [self.begin] if Special.BEGIN in self._specials else []
        after = [self.end]
        return [before + ids + after for ids in self.encode_texts(texts)]

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
        text = self._decode(ids)
        return tidy(text) if self._is_tidied else text

    def decode_marked(self, ids: Sequence[int]) -> str:
        """The text of `ids` with its special tokens written out, for people to look at."""
        text: str = self._pipelines.full.decode(list(ids), skip_special_tokens=False)
        return text

    def decoder(self) -> StreamDecoder:
        """A decoder for ids as they come; its texts together are `decode` of all ids."""
        known = self._pieces
        stream: StreamDecoder = WindowStream(self._decode) if known is None else ByteStream(known)
        return TidyStream(stream) if self._is_tidied else stream

    def _special(self, special: Special) -> int:
        if special not in self._specials:
            raise UnsupportedError(
                f"this tokenizer names no {special.name.lower()} token; add {ROLES[special]!r} to its "
                "tokenizer_config.json"
            )
        return self._specials[special]

    def _decode(self, ids: Sequence[int]) -> str:
        if self._table is not None:
            return self._table.decode(ids)
        if self._pieces is None:
            text: str = self._pipelines.full.decode(list(ids), skip_special_tokens=True)
            return text
        return b"".join(self._pieces[number] for number in ids).decode("utf-8", "replace")

    def _run(
        self,
        texts: Sequence[str] | Sequence[tuple[str, str]],
        *,
        with_specials: bool,
        with_spans: bool,
    ) -> list[Any]:
        plain = self._pipelines.plain
        run = plain.encode_batch if with_spans else plain.encode_batch_fast
        try:
            return list(run(texts, add_special_tokens=with_specials))
        except (UnicodeEncodeError, TypeError):
            for text in texts:
                for part in (text,) if isinstance(text, str) else text:
                    num_bytes(part)
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
