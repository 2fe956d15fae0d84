"""E-mail of the SpamAssassin public corpus: subject and body as text, labelled ham or spam.

HTML parts lose their tags with the standard library's parser; attachments are left out, and headers but the subject, unless
the whole mail is asked for. Nothing in a message is fetched or opened.
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
_PAGE = re.compile(r"<html|<body", re.IGNORECASE)
_BLOCKS = {"p", "br", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "title"}


def read(archive: Archive) -> Iterator[Document]:
    """Yield one Document per message; `meta` has label and subject."""
    for identity, label, message in _messages(archive):
        subject = _header(message, "Subject")
        yield Document(
            id=identity,
            text=f"{subject}\n\n{_body(message)}".strip(),
            source="spam-assassin",
            meta={"label": label, "subject": subject},
        )


def read_whole(archive: Archive) -> Iterator[Document]:
    """Yield the same messages with their headers before the body, one a line; without what another spam filter wrote."""
    for identity, label, message in _messages(archive):
        names = (name for name in dict.fromkeys(message) if not name.lower().startswith("x-spam"))
        lines = [
            f"{name}: {' '.join(_plain(value).split())}"
            for name in names
            for value in message.get_all(name, ())
        ]
        yield Document(
            id=identity,
            text="\n".join(lines) + f"\n\n{_body(message)}",
            source="spam-assassin-whole",
            meta={"label": label},
        )


def what_it_says(text: str) -> str:
    """Subject and body of a text of `read_whole`, as `read` gives them: copies differ in their headers."""
    headers, _, body = text.partition("\n\n")
    lines = headers.splitlines()
    subject = next((line[9:] for line in lines if line.lower().startswith("subject: ")), "")
    return f"{subject}\n\n{body}".strip()


def _messages(archive: Archive) -> Iterator[tuple[str, str, Message]]:
    """Identity, label and message."""
    for name, content in archive.members("*/data/*ham-*/*.json", "*/data/spam-*/*.json"):
        record = json.loads(content)
        group = record["group"]
        identity = f"{group}:{name.rsplit('/', 1)[1].split('.')[0]}"
        message = email.message_from_string(record["text"], policy=email.policy.compat32)
        yield identity, "spam" if "spam" in group else "ham", message


def _header(message: Message, name: str) -> str:
    return " ".join(_plain(message.get(name, "")).split())


def _plain(value: str) -> str:
    """A header as people read it."""
    try:
        parts = email.header.decode_header(value)
        return "".join(_decoded(p, c or "latin-1") if isinstance(p, bytes) else p for p, c in parts)
    except (email.errors.HeaderParseError, ValueError):
        return str(value)


def _body(message: Message) -> str:
    """The plain text parts; where there are none, the HTML parts without their tags."""
    plain = [_text(part) for part in message.walk() if part.get_content_type() == "text/plain"]
    if any(text.strip() for text in plain):  # some senders call a page of HTML plain text
        shown = (strip_tags(text) if _PAGE.search(text) else text for text in plain)
        return "\n\n".join(shown).strip()
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
