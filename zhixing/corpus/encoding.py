"""Which encoding is this file in? UTF-8, UTF-16 and UTF-32 with a byte-order mark, GB18030, Big5, Latin-1, or none.

Bytes that are valid UTF-8 are UTF-8: other text hardly ever is. GB18030 and Big5 can decode almost any bytes, so the
one is taken in which the commonest Chinese characters turn up: they are a sixth or more of real text and almost none
of text read wrongly. For the same reason a file with lines of UTF-8 and lines of another encoding would be read as one of
those, and wrongly: such a file is refused. Left out: single-byte encodings other than Latin-1 (a Cyrillic or Greek file must be converted
first).
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from zhixing.core.errors import DataError
from zhixing.corpus.raw import pieces_of_file
from zhixing.text.han import BASIC

_SAMPLE_BYTES = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMON_CHINESE = frozenset(
    "的一是不了在人有我他这中大来上个国和说们为子要你时会地出就生到以后年着那得下自之过家可里天去能"
    "這個們來國說為時會過後對無學與還開經長樣從動發問麼業見當於現種點頭進實將裡"
    "也多好小么起都把好看还没没事想成心对已用方前又其如只从主样但定做道经开关，。、"
)
_MIN_COMMON = 0.06
_MAX_DAMAGED = 0.01
_MAX_HIGH_LATIN = 0.3
_MAX_LATIN_RUNS = 0.2
"""Share of the bytes outside ASCII that stand three or more together: letters with accents hardly ever do, Chinese always."""
_LATIN_RUN = re.compile(rb"[\x80-\xff]{3,}")
_REPLACEMENT = "\ufffd".encode()
_HAN = re.compile(f"[{BASIC}]")
_MIN_HAN = 4
"""Chinese characters in a line that is valid UTF-8, from which on it is no accident."""
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b"))


@dataclass(slots=True)
class TextFile:
    """A file as text. `num_replaced` counts, while it is read, the places where bytes were no text."""

    path: Path
    encoding: str = ""
    num_replaced: int = 0

    def pieces(self) -> Iterator[str]:
        """Yield the text in pieces, bytes that are not text as U+FFFD; raises DataError for a binary file."""
        content = pieces_of_file(self.path)
        sample = b""
        for piece in content:
            sample += piece
            if len(sample) >= _SAMPLE_BYTES:
                break
        self.encoding = detect_encoding(sample, self.path)
        lines = None if self.encoding.startswith("utf-") else _Lines(path=self.path)
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        end = b""
        for piece in chain([sample], content):
            if lines is not None:
                lines.see(piece)
            # A U+FFFD that the file itself holds was lost by somebody else, and is text.
            seen = end + piece
            self.num_replaced -= seen.count(_REPLACEMENT) if "utf-8" in self.encoding else 0
            end = seen[-2:]
            yield self._counted(decoder.decode(piece))
        yield self._counted(decoder.decode(b"", final=True))

    def sound_pieces(self) -> Iterator[str]:
        """Like `pieces`, but DataError names the line of the first bytes that are no text."""
        number = 1
        for piece in self.pieces():
            if self.num_replaced:
                number += piece.count("\n", 0, max(piece.find("\ufffd"), 0))
                raise DataError(
                    f"{self.path}:{number} has bytes that are no {self.encoding} text; save the file as UTF-8 again"
                )
            number += piece.count("\n")
            yield piece

    def _counted(self, text: str) -> str:
        self.num_replaced += text.count("\ufffd")
        return text


def detect_encoding(sample: bytes, path: Path) -> str:
    """The Python codec of the text that `sample` begins; raises DataError when it is not text."""
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return encoding
    if _is_binary(sample):
        raise DataError(
            f"{path} is not text: it is binary, or UTF-16 without its mark (then type: iconv -f UTF-16LE -t UTF-8). "
            "Allowed: UTF-8, UTF-16 with a mark, GB18030, Big5, Latin-1"
        )
    damage = _damage(sample)
    if damage <= _MAX_DAMAGED:
        return "utf-8"
    scores = {name: _commonness(sample, name) for name in ("gb18030", "big5")}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] >= _MIN_COMMON:
        return "big5hkscs" if best == "big5" else best
    if _may_be_latin(sample):
        return "latin-1"
    mixture = _Lines(path=path)
    mixture.see(sample)
    raise DataError(
        f"the encoding of {path} is not recognised; save it as UTF-8. "
        "Allowed: UTF-8, UTF-16 with a mark, GB18030, Big5, Latin-1"
    )


@dataclass(slots=True)
class _Lines:
    """Lines of a file that is not UTF-8 as a whole; when some of them are UTF-8 all the same, the file mixes encodings."""

    path: Path
    number: int = 0
    utf8: int = 0
    """The first line that is clearly UTF-8; 0 before one is seen."""
    other: int = 0
    """The first line that cannot be UTF-8; 0 before one is seen."""
    rest: bytes = b""

    def see(self, piece: bytes) -> None:
        """Look at the whole lines of a piece. Raises DataError for a mixture."""
        *lines, self.rest = (self.rest + piece).split(b"\n")
        self.rest = self.rest[:_SAMPLE_BYTES]
        for line in lines:
            self.number += 1
            self._look(line)

    def _look(self, line: bytes) -> None:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            self.other = self.other or self.number
        else:
            is_chinese = len(_HAN.findall(text)) >= _MIN_HAN
            self.utf8 = self.utf8 or (self.number if is_chinese else 0)
        if self.utf8 and self.other:
            raise DataError(
                f"{self.path} mixes encodings: line {self.utf8} is UTF-8 and line {self.other} is not; save all of it as UTF-8"
            )


def _is_binary(sample: bytes) -> bool:
    """Text has no zero bytes and hardly any control characters."""
    num_controls = len(sample) - len(sample.translate(None, _CONTROLS))
    return b"\0" in sample or num_controls > 0.005 * len(sample)


def _may_be_latin(sample: bytes) -> bool:
    """Letters with accents are few, and stand among others."""
    num_high = len(sample.translate(None, bytes(range(128))))
    in_runs = sum(map(len, _LATIN_RUN.findall(sample)))
    return num_high <= _MAX_HIGH_LATIN * len(sample) and in_runs <= _MAX_LATIN_RUNS * num_high


def _damage(sample: bytes) -> float:
    """Share of the bytes outside ASCII that are not UTF-8; a character cut by the sample's end does not count."""
    num_high = len(sample.translate(None, bytes(range(128))))
    if num_high == 0:
        return 0.0
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    return decoder.decode(sample).count("\ufffd") / num_high


def _commonness(sample: bytes, encoding: str) -> float:
    """Share of the commonest characters among those outside ASCII, 0 when the bytes do not fit."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    text = [character for character in decoder.decode(sample) if character > "\x7f"]
    if not text or text.count("\ufffd") > _MAX_DAMAGED * len(text):
        return 0.0
    return sum(character in _COMMON_CHINESE for character in text) / len(text)
