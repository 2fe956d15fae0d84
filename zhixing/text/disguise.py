"""Words spelt so that a list misses them and a reader does not: how well a moderator sees through is measured with these.

spaced        a space between all letters, a dot between Han characters
look-alike    Cyrillic letters for the Latin ones that look the same
digits        0 for o, 1 for i, 3 for e, 4 for a, 5 for s, 7 for t
traditional   the whole text in traditional characters
"""

from collections.abc import Callable, Mapping, Sequence

from zhixing.text.han import HAS_HAN
from zhixing.text.normalise import to_traditional

CYRILLIC = str.maketrans("aeopcyxiAEOPCTXBHKM", "аеорсухіАЕОРСТХВНКМ")
NUMBERS = str.maketrans("oieastOIEAST", "013457013457")
_OF_LETTERS: Mapping[str, Callable[[str], str]] = {
    "spaced": " ".join,
    "look-alike": lambda word: word.translate(CYRILLIC),
    "digits": lambda word: word.translate(NUMBERS),
}
_OF_HAN: Mapping[str, Callable[[str], str]] = {"spaced": "·".join}


def disguised(text: str, spans: Sequence[tuple[int, int]]) -> dict[str, str]:
    """The text with its words at `spans` in each spelling that changes it, by the name of the spelling."""
    is_chinese = any(HAS_HAN.search(text[start:end]) for start, end in spans)
    ways = _OF_HAN if is_chinese else _OF_LETTERS
    made = {name: _respelt(text, spans, way) for name, way in ways.items()}
    if is_chinese:
        made["traditional"] = to_traditional(text)
    return {name: found for name, found in made.items() if found != text}


def _respelt(text: str, spans: Sequence[tuple[int, int]], way: Callable[[str], str]) -> str:
    made, at = [], 0
    for start, end in spans:
        made += [text[at:start], way(text[start:end])]
        at = end
    return "".join([*made, text[at:]])
