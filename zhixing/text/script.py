"""Which writing system a text uses, from Unicode alone; for Chinese also simplified or traditional.

A character's script is the first word of its Unicode name. Simplified and traditional are told apart by the
two national standards that Python carries: a character that only GB 2312 has is simplified, one that only
Big5 has is traditional, and one that both have says nothing. (A conversion dictionary is worse at this: it
calls 后 and 里 simplified, which are also traditional words.)
Left out: scripts that no living language uses are all `Zzzz`.
"""

import unicodedata
from collections import Counter
from functools import lru_cache

from zhixing.text.sample import spread

SAMPLE_CHARACTERS = 16_384
EAST_ASIAN = ("Hani", "Hira", "Kana", "Bopo", "Hang")
EAST_ASIAN_WEIGHT = 3
"""One Chinese character says about as much as three letters (and takes as many bytes)."""
EAST_ASIAN_SHARE = 1 / 3
"""From this share on a mixed text is East Asian: Chinese quotes English words far more than the reverse."""
KANA_SHARE = 0.1
"""Japanese has at least this share of kana among its East Asian characters; Chinese borrows only a の."""

CODES = {
    "LATIN": "Latn",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "GREEK": "Grek",
    "IDEOGRAPHIC": "Hani",
    "HIRAGANA": "Hira",
    "HENTAIGANA": "Hira",
    "KATAKANA": "Kana",
    "HANGUL": "Hang",
    "BOPOMOFO": "Bopo",
    "ARABIC": "Arab",
    "HEBREW": "Hebr",
    "DEVANAGARI": "Deva",
    "BENGALI": "Beng",
    "GURMUKHI": "Guru",
    "GUJARATI": "Gujr",
    "ORIYA": "Orya",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "KANNADA": "Knda",
    "MALAYALAM": "Mlym",
    "SINHALA": "Sinh",
    "THAI": "Thai",
    "LAO": "Laoo",
    "TIBETAN": "Tibt",
    "MYANMAR": "Mymr",
    "KHMER": "Khmr",
    "GEORGIAN": "Geor",
    "ARMENIAN": "Armn",
    "ETHIOPIC": "Ethi",
    "MONGOLIAN": "Mong",
    "SYRIAC": "Syrc",
    "THAANA": "Thaa",
    "CHEROKEE": "Cher",
    "CANADIAN": "Cans",
    "YI": "Yiii",
    "TIFINAGH": "Tfng",
    "NKO": "Nkoo",
}
NO_SCRIPT = ("MODIFIER", "KATAKANA-HIRAGANA", "FEMININE", "MASCULINE", "MICRO", "MATHEMATICAL")


def script_of(text: str) -> str:
    """The ISO 15924 code of the leading script.

    Chinese is Hans, Hant or, undecided, Hani; Japanese Jpan; Korean Kore; without letters Zyyy. Long texts are
    sampled, so the cost does not grow with the length.
    """
    counts = Counter(spread(text, SAMPLE_CHARACTERS))
    scripts = count_scripts(counts)
    leader = leading_script(scripts)
    return chinese_variant(counts) if leader == "Hani" else leader


def count_scripts(counts: Counter[str]) -> Counter[str]:
    """Number of letters per script, from the number of each character."""
    scripts: Counter[str] = Counter()
    for script, count in zip(map(_script_of_character, counts), counts.values(), strict=True):
        if script:
            scripts[script] += count
    return scripts


def leading_script(scripts: Counter[str]) -> str:
    """The script that carries the text: East Asian characters weigh more than letters."""
    east = {name: scripts[name] for name in EAST_ASIAN if scripts[name]}
    west = {name: count for name, count in scripts.items() if name not in EAST_ASIAN}
    east_weight = EAST_ASIAN_WEIGHT * sum(east.values())
    if not east and not west:
        return "Zyyy"
    if not east or east_weight < EAST_ASIAN_SHARE * (east_weight + sum(west.values())):
        return max(west, key=lambda name: (west[name], name))
    kana = east.get("Hira", 0) + east.get("Kana", 0)
    if east.get("Hang", 0) > max(kana, east.get("Hani", 0)):
        return "Kore"
    if kana and kana >= KANA_SHARE * sum(east.values()):
        return "Jpan"
    return "Hani" if "Hani" in east else max(east, key=lambda name: (east[name], name))


def chinese_variant(counts: Counter[str]) -> str:
    """Hans or Hant by the characters that only one of them has; Hani when there are none, or as many."""
    simplified = traditional = 0
    for variant, count in zip(map(_variant_of_character, counts), counts.values(), strict=True):
        simplified += count * (variant == "Hans")
        traditional += count * (variant == "Hant")
    if simplified == traditional:
        return "Hani"
    return "Hans" if simplified > traditional else "Hant"


@lru_cache(maxsize=65_536)
def _script_of_character(character: str) -> str:
    """The script of a letter; empty for what is not a letter or belongs to every script."""
    if not character.isalpha():
        return ""
    name = unicodedata.name(character, "").removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
    first = name.split(" ", 1)[0]
    return "" if first in NO_SCRIPT else CODES.get(first, "Zzzz")


@lru_cache(maxsize=65_536)
def _variant_of_character(character: str) -> str:
    if _script_of_character(character) != "Hani":
        return ""
    in_mainland = can_encode(character, "gb2312")
    in_taiwan = can_encode(character, "big5")
    if in_mainland == in_taiwan:
        return ""
    return "Hans" if in_mainland else "Hant"


def can_encode(character: str, charset: str) -> bool:
    """Whether a national character set, by Python's name for it, has the character."""
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
