"""A page of the help of LibreOffice and the pages that it links to, in order: a stand-in for what a reader opens.

    scalc/guide/print_landscape    →    scalc/01/func_page, scalc/guide/print_title_row, …

No reader was ever watched: a page stands for a user who begins there and follows its links from top to bottom. The links are
real, chosen by the authors of the help, and the same in all languages; the texts are the help's in each language. Many
pages share a list of links in one order, as people would not: such users are hardly different, and of a list the last is tested.

The text of an item is the beginning of its page without the words of its links, so that no text names what it links to.
Pages with the same links as another, in the same order, are copies and left out.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from zhixing.corpus.archive import Archive
from zhixing.corpus.cut import pieces
from zhixing.corpus.histories import Interaction
from zhixing.corpus.sources.libreoffice_help import blocks, markups

MOST_CHARACTERS: Mapping[str, int] = {"en": 300, "zh": 120}
"""Characters of a page that are the text of its item, about as many words in each language."""
_BODY = 'id="DisplayArea"'
_FOOT = "<footer>"
_LINK = re.compile(r'<a\b[^>]*\bhref="[^"/]+/text/([^"#]+)\.html(?:#[^"]*)?"[^>]*>(.*?)</a>', re.S)


def read(archive: Archive) -> tuple[Sequence[Interaction], Mapping[str, str]]:
    """Every page with its links as a user with a history, and page -> text."""
    items, linked = dict[str, str](), dict[str, list[str]]()
    for name, language, markup in markups(archive):
        body = markup[markup.find(_BODY) :].partition(_FOOT)[0]
        text = _text(name, body)
        if text:
            items[name] = pieces(text, MOST_CHARACTERS[language])[0]
            linked[name] = [target for target, _ in _LINK.findall(body)]
    return list(_visits(linked, items)), items


def _text(name: str, body: str) -> str:
    """A page without the words of its links to other pages; a heading may link to its own."""
    without = _LINK.sub(lambda link: link[2] if link[1] == name else "", body)
    return "\n".join(block.text for block in blocks(without))


def _visits(linked: Mapping[str, Sequence[str]], items: Mapping[str, str]) -> Iterator[Interaction]:
    """Each page as a user: the page itself, then every page that it links to once."""
    seen = set[tuple[str, ...]]()
    for name, targets in linked.items():
        found = tuple(dict.fromkeys(each for each in targets if each in items and each != name))
        if not found or found in seen:
            continue
        seen.add(found)
        for item in (name, *found):
            yield Interaction(user=name, item=item)
