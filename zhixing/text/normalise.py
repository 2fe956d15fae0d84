"""Repair text without changing what it says, and convert between the two forms of Chinese.

The repair of encodings is ftfy's (Speer, 2019), set up so that Chinese survives: its defaults turn ，！“” and
full-width letters into ASCII. Added to it: UTF-8 that was read as GBK (浣犲ソ for 你好), which ftfy does not know;
invisible characters, kept only where they carry meaning (joiners in emoji and in Indic and Persian words,
direction marks beside right-to-left letters, tags in flag emoji); and odd spaces. `repair(repair(x)) == repair(x)`.

Left out: HTML entities (a reader of HTML knows when they are markup), the ideographic space U+3000 (it indents
Chinese paragraphs), and U+FFFD (it says honestly that something was lost).
"""

import re
import unicodedata
from functools import cache
from typing import Any

from zhixing.core.errors import MissingExtraError
from zhixing.text.han import COMMON

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")
NEVER_NEEDED = re.compile("[\ufeff\u200b\u2060-\u2064\u180e\u00ad\ufff9-\ufffb\u206a-\u206f]+")
DIRECTION_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]+")
IDLE_JOINERS = re.compile(
    # A joiner joins two non-ASCII, non-Han signs; anywhere else it is junk.
    "(?<![\u0300-\u2e7f\uac00-\ud7a3\ufb00-\ufe0f\U00010000-\U0001ffff])[\u200c\u200d]+"
    "|[\u200c\u200d]+(?![\u0300-\u1fff\u2100-\u2e7f\uac00-\ud7a3\ufb00-\ufdff\U00010000-\U0001ffff])"
)
TAGS_OUTSIDE_FLAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0000-\U000e007f]+")
ODD_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f]")
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\u2028\u2029]")
CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f]+")
PLAIN = re.compile(r"[\t\n\x20-\x7e]*")
SOUND = re.compile(
    f"[\t\n\x20-\x7e·–—‘’“”…\u3000-\u3029\u3030-\u303f\u3400-\u4dbf{COMMON}\uff01-\uff5e]*"
)
"""Text of these characters alone can be damaged in one way only: UTF-8 that was read as GBK."""
CHINESE = re.compile(f"[{COMMON}，。！？、；：“”]*")
SURROGATES = re.compile("([\ud800-\udfff]+)")
GBK_LEADS, GBK_TRAILS = (*range(0xE2, 0xEA), 0xEF), range(0x80, 0xC0)
"""The first two bytes of every Chinese character and mark in UTF-8, which GBK reads as one character."""


def repair(text: str) -> str:
    """`text` with broken encodings, controls, invisible junk and line ends mended, in NFC.

    Full-width forms and curly quotes stay. Raises MissingExtraError without ftfy, unless the text is plain ASCII.
    """
    if PLAIN.fullmatch(text):
        return text
    if SOUND.fullmatch(text) and _gbk_run().sub(_undo_gbk, text) == text:
        return text
    while (repaired := _repair_once(text)) != text:  # one mend can bring another to light
        text = repaired
    return text


def to_simplified(text: str) -> str:
    """Chinese in simplified characters, phrase by phrase (頭髮 -> 头发, 發展 -> 发展); other text as it is."""
    return _convert(text, "t2s")


def to_traditional(text: str) -> str:
    """Chinese in traditional characters, phrase by phrase (头发 -> 頭髮); other text as it is."""
    return _convert(text, "s2t")


def _repair_once(text: str) -> str:
    text = LINE_ENDS.sub("\n", text)
    text = _fix_encoding(_gbk_run().sub(_undo_gbk, text))
    text = CONTROLS.sub("", text)
    text = NEVER_NEEDED.sub("", text)
    text = TAGS_OUTSIDE_FLAGS.sub("", text)
    if not RIGHT_TO_LEFT.search(text):
        text = DIRECTION_MARKS.sub("", text)
    text = IDLE_JOINERS.sub("", text)
    return unicodedata.normalize("NFC", ODD_SPACES.sub(" ", text))


@cache
def _gbk_run() -> re.Pattern[str]:
    """A whole run outside ASCII whose first character can be what GBK makes of UTF-8."""
    pairs = bytes(byte for lead in GBK_LEADS for trail in GBK_TRAILS for byte in (lead, trail))
    suspects = re.escape(pairs.decode("gb18030", "ignore"))
    return re.compile(f"[{suspects}](?<![^\x00-\x7f].)[^\x00-\x7f]{{2,}}", re.S)


def _undo_gbk(match: re.Match[str]) -> str:
    """Read a run again as the UTF-8 it was, if all of it is, and it then is Chinese.

    Two characters of Chinese in GBK are almost never valid UTF-8 in threes, so real Chinese stays.
    """
    run = match[0]
    try:
        read_again = run.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return run
    return read_again if CHINESE.fullmatch(read_again) else run


def _fix_encoding(text: str) -> str:
    """Mend line by line, as the library does itself, and only the lines that can need it."""
    if SOUND.fullmatch(text):
        return text
    try:
        import ftfy
    except ImportError as error:
        raise MissingExtraError("ftfy", "data", "repairing text") from error
    config = _ftfy_config()
    lines = text.split("\n")
    return "\n".join(
        line if SOUND.fullmatch(line) else ftfy.fix_text(line, config) for line in lines
    )


@cache
def _ftfy_config() -> Any:
    import ftfy

    return ftfy.TextFixerConfig(
        unescape_html=False,
        fix_character_width=False,
        uncurl_quotes=False,
        normalization="NFC",
        explain=False,
    )


def _convert(text: str, direction: str) -> str:
    if text.isascii():
        return text
    converter = _converter(direction)
    if not SURROGATES.search(text):
        return str(converter.convert(text))
    pieces = SURROGATES.split(text)  # the library takes UTF-8, which cannot hold surrogates
    pieces[::2] = [converter.convert(piece) for piece in pieces[::2]]
    return "".join(pieces)


@cache
def _converter(direction: str) -> Any:
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise MissingExtraError("opencc", "data", "converting Chinese") from error
    return OpenCC(direction)
