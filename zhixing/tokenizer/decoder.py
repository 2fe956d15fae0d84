"""Ids back to text, all at once or one by one, never half a character.

Most tokenizers give every id a fixed run of bytes (`byte_pieces`): text is then the bytes joined and read as
UTF-8, and a stream holds back the bytes of an unfinished character. Bytes that are no UTF-8 become U+FFFD, one
per maximal invalid run (Unicode 16, section 3.9, as Python and Rust both do), so that a stream adds up to
exactly what decoding all ids at once gives. A folder made elsewhere may decode in ways that depend on the
neighbours (SentencePiece, BERT): there `WindowStream` decodes a small window twice and emits the difference.
"""

import codecs
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from tokenizers import Tokenizer as Pipeline

from zhixing.tokenizer.kinds import CONTINUES

REPLACEMENT = "�"
MAX_WAIT = 8


class StreamDecoder(Protocol):
    """Turns ids into text as they come."""

    def push(self, token: int) -> str:
        """The text that `token` completes; empty while a character is unfinished."""

    def finish(self) -> str:
        """What is still held back; an unfinished character comes out as U+FFFD."""


class ByteStream:
    """A stream over fixed bytes per id. Each id costs its own bytes only."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """The text that `token` completes; empty while a character is unfinished."""
        return self._decoder.decode(self._pieces[token])

    def finish(self) -> str:
        """What is still held back; an unfinished character comes out as U+FFFD."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest


class WindowStream:
    """A stream over any decoder: the text of the last few ids, minus the text that is already out."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._told: list[int] = []  # ids whose text is out, as context for the next
        self._held: list[int] = []  # ids whose text is not

    def push(self, token: int) -> str:
        """The text that `token` completes; empty while a character is unfinished."""
        self._held.append(token)
        text = self._new_text()
        is_unfinished = text.endswith(REPLACEMENT) and len(self._held) < MAX_WAIT
        return "" if is_unfinished or not text else self._tell(text)

    def finish(self) -> str:
        """What is still held back; an unfinished character comes out as U+FFFD."""
        rest = self._new_text()
        self._told, self._held = [], []
        return rest

    def _new_text(self) -> str:
        before = self._decode(self._told)
        return self._decode(self._told + self._held)[len(before) :]

    def _tell(self, text: str) -> str:
        self._told, self._held = self._held, []
        return text


class TidyStream:
    """A stream whose text is tidied (`tidy`) on its way, the same as tidying all of it at once.

    Held back is what the next characters could still change: an end such as ` n`, from the last space that no
    replacement can reach across, which is one between neither spaces nor apostrophes.
    """

    def __init__(self, stream: StreamDecoder) -> None:
        self._stream = stream
        self._held = ""

    def push(self, token: int) -> str:
        """The text that `token` completes; empty while it may still change."""
        self._held += self._stream.push(token)
        return self._release(self._settled())

    def finish(self) -> str:
        """What is still held back."""
        self._held += self._stream.finish()
        return self._release(len(self._held))

    def _settled(self) -> int:
        text = self._held
        if not text.endswith(_UNFINISHED):
            return len(text)
        places = range(len(text) - 2, 0, -1)
        return next((n for n in places if text[n] == " " and _is_cut(text, n)), 0)

    def _release(self, size: int) -> str:
        out, self._held = tidy(self._held[:size]), self._held[size:]
        return out


_TIDY = (
    *((f" {mark}", mark) for mark in ".?!,"),
    (" ' ", "'"),
    *((f" {end}", end) for end in ("n't", "'m", "'s", "'ve", "'re")),
)
_LONGEST = " n ' t"  # two replacements in a row
_UNFINISHED = tuple(
    {
        old[:size]
        for old in (_LONGEST, *(old for old, _ in _TIDY))
        for size in range(1, len(old) + 1)
    }
)


def _is_cut(text: str, place: int) -> bool:
    """Whether no replacement reaches across the space at `place`."""
    return text[place - 1] not in " '" and text[place + 1] not in " '"


def tidy(text: str) -> str:
    """The text without the spaces that cutting English into words put in (clean_up_tokenization_spaces)."""
    for old, new in _TIDY:
        text = text.replace(old, new)
    return text


def byte_pieces(
    pipeline: Pipeline, settings: Mapping[str, Any], specials: frozenset[int]
) -> list[bytes] | None:
    """The bytes of every id, special tokens empty; None when the decoder looks at the neighbours."""
    convert = _converter(settings)
    if convert is None:
        return None
    vocab = pipeline.get_vocab(with_added_tokens=True)
    pieces = [b""] * (max(vocab.values(), default=-1) + 1)
    for token, number in vocab.items():
        if number not in specials:
            pieces[number] = convert(token)
    return pieces


def byte_alphabet() -> dict[str, int]:
    """The printable character that stands for each byte in byte-level vocabularies (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + place): byte for place, byte in enumerate(others)}


def _converter(settings: Mapping[str, Any]) -> Callable[[str], bytes] | None:
    decoder = settings.get("decoder")
    kind = decoder["type"] if decoder else ""
    if kind == "ByteLevel":
        return _bytes_of_byte_level()
    if kind == "Fuse":
        return str.encode
    parts = decoder.get("decoders", []) if decoder else []
    if [part["type"] for part in parts] == ["Replace", "Fuse"]:
        is_ours = parts[0]["pattern"] == {"Regex": f"^{CONTINUES}"} and parts[0]["content"] == ""
        return (lambda token: token.removeprefix(CONTINUES).encode()) if is_ours else None
    return None


def _bytes_of_byte_level() -> Callable[[str], bytes]:
    alphabet = byte_alphabet()

    def convert(token: str) -> bytes:
        if all(character in alphabet for character in token):
            return bytes(alphabet[character] for character in token)
        return token.encode()  # an added token is written as it is

    return convert
