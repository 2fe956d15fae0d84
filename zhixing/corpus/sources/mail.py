"""E-mail of the SpamAssassin public corpus: subject and body as text, labelled ham or spam.

HTML parts lose their tags with the standard library's parser; attachments and headers but the subject are left
out. Nothing in a message is fetched or opened.
"""

import email
import email.policy
import json
import re
from collections.abc import Iterator
from email.message import Message
from html.parser import HTMLParser

from zhixing.corpus.archive import Archive
from zhixing.corpus.document import Document

_SPACES = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")
_BLOCKS = {"p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "title"}


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per message; `meta` has label and subject."""
    for name, content in archive.members("*/data/*ham-*/*.json", "*/data/spam-*/*.json"):
        record = json.loads(content)
        group = record["group"]
        message = email.message_from_string(record["text"], policy=email.policy.compat32)
        subject = " ".join(_header(message, "Subject").split())
        body = _body(message)
        yield Document(
            id=f"{group}:{name.rsplit('/', 1)[1].split('.')[0]}",
            text=f"{subject}\n\n{body}".strip(),
            source="spam-assassin",
            meta={"label": "spam" if "spam" in group else "ham", "subject": subject},
        )


def _header(message: Message, name: str) -> str:
    try:
        parts = email.header.decode_header(message.get(name, ""))
        return "".join(_decoded(p, c or "latin-1") if isinstance(p, bytes) else p for p, c in parts)
    except (email.errors.HeaderParseError, ValueError):
        return str(message.get(name, ""))


def _body(message: Message) -> str:
    """The plain text parts; where there are none, the HTML parts without their tags."""
    plain = [_text(part) for part in message.walk() if part.get_content_type() == "text/plain"]
    if any(text.strip() for text in plain):
        return "\n\n".join(plain).strip()
    pages = [_text(part) for part in message.walk() if part.get_content_type() == "text/html"]
    return "\n\n".join(map(strip_tags, pages)).strip()


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    return (
        _decoded(content, part.get_content_charset() or "latin-1")
        if isinstance(content, bytes)
        else ""
    )


def _decoded(content: bytes, charset: str) -> str:
    try:
        return content.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return content.decode("latin-1")


def strip_tags(page: str) -> str:
    """The visible words of an HTML page, block elements on lines of their own."""
    words = _Words()
    words.feed(page)
    words.close()
    return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", "".join(words.pieces))).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = max(0, self._hidden - (tag in ("script", "style")))
        if tag in _BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)
