"""Markdown pages as the house tests see them: fenced blocks, links, symbols."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

FENCE = re.compile(
    r"(?P<mark><!--\s*heavy\s*-->\s*\n)?^```(?P<language>[\w-]*)[^\n]*\n(?P<body>.*?)^```\s*$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"""(?:\]\(|(?:src|href|srcset)=")<?([^)\s">]+)""")
SYMBOL = re.compile(r"(?<![\w./])zhixing(?:\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block; `heavy` when the line before it is `<!-- heavy -->`."""

    page: Path
    language: str
    body: str
    heavy: bool


def blocks(page: Path) -> list[Block]:
    return [
        Block(page=page, language=m["language"], body=m["body"], heavy=m["mark"] is not None)
        for m in FENCE.finditer(page.read_text("utf-8"))
    ]


def commands(block: Block) -> Iterator[str]:
    """The commands of a shell block: continued lines joined, comments and prompts left out."""
    for line in block.body.replace("\\\n", " ").splitlines():
        command = re.sub(r"(^|\s)#.*$", "", line).strip()
        if command:
            yield command


def links(page: Path) -> list[str]:
    """Targets of links and pictures that are not addresses on the web."""
    targets = LINK.findall(_without_code(page))
    return [t for t in targets if not re.match(r"[a-z]+:", t)]


def headings(page: Path) -> list[str]:
    """The names that a page's headings can be linked by, as GitHub makes them, in order."""
    found = re.findall(r"^#+ +(.+?) *#*$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", h) for h in found)
    return [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in plain]


def stars(page: Path) -> list[str]:
    """Text with stars that were to be bold and are shown as stars, as CommonMark and GitHub read the page."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))
    texts = (child for token in tokens for child in token.children or () if child.type == "text")
    return [text.content for text in texts if "**" in text.content]


def symbols(page: Path) -> list[str]:
    """Dotted names that begin with `zhixing`, in order, wherever they stand in the page."""
    return SYMBOL.findall(page.read_text("utf-8"))


def _without_code(page: Path) -> str:
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", page.read_text("utf-8")))
