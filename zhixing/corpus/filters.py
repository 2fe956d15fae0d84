"""Is a document prose worth learning from? Named thresholds, each with a default for each language.

The ideas are those of the Gopher rules (Rae et al. 2021, appendix A1.1) and of C4 (Raffel et al. 2020, section 2.2): length,
share of symbols, and repetition of lines and of phrases. They counted English words; here a unit is a word or a
Han character, so the same rules hold for Chinese. Left out: stop-word and bad-word lists, and any learned
classifier. Each rule is `(text) -> score`; the first one over its threshold names the reason.
"""

import numpy as np

from zhixing.corpus.config import LanguageThresholds
from zhixing.corpus.document import Verdict
from zhixing.corpus.units import Hashes, Units, ngrams

_PROSE_PUNCTUATION = ".,;:!?'\"()-–—…‘’“”，。、；：？！（）《》「」『』【】〈〉·—"
_MIN_LINE = 4


def judge(text: str, found: Units, limits: LanguageThresholds) -> Verdict:
    """Apply every rule to a text and its units; `score` is the value that decided.

    The reason of a kept document is `kept` and its score 0.
    """
    if len(found) < limits.min_units:
        return Verdict(keep=False, reason="too_short", score=len(found))
    if len(found) > limits.max_units:
        return Verdict(keep=False, reason="too_long", score=len(found))
    for reason, score in (
        *_character_scores(text, found),
        *_run_scores(text, found.hashes, limits),
    ):
        if score > threshold(reason, limits):
            return Verdict(keep=False, reason=reason, score=round(score, 4))
    return Verdict(keep=True, reason="kept", score=0.0)


def threshold(reason: str, limits: LanguageThresholds) -> float:
    """The threshold that a reason is about."""
    return {
        "too_short": limits.min_units,
        "too_long": limits.max_units,
        "symbols": limits.max_symbol_ratio,
        "few_letters": 1 - limits.min_letter_ratio,
        "repeated_lines": limits.max_duplicate_line_ratio,
        "repeated_phrase": limits.max_top_ngram_ratio,
        "repeated_text": limits.max_duplicate_ngram_ratio,
    }[reason]


def _character_scores(text: str, found: Units) -> tuple[tuple[str, float], ...]:
    """Shares of the characters that are no spaces: `few_letters` is the share that is not letters."""
    num_visible = len(text) - sum(map(text.count, " \n\t\u3000"))
    num_punctuation = sum(map(text.count, _PROSE_PUNCTUATION))
    num_letters = found.num_characters - found.num_digits
    symbols = max(0, num_visible - found.num_characters - num_punctuation)
    return (
        ("symbols", symbols / num_visible),
        ("few_letters", 1 - num_letters / num_visible),
    )


def _run_scores(
    text: str, hashes: Hashes, limits: LanguageThresholds
) -> tuple[tuple[str, float], ...]:
    return (
        ("repeated_lines", duplicate_line_ratio(text)),
        ("repeated_phrase", top_ngram_ratio(hashes, limits.top_ngram)),
        ("repeated_text", duplicate_ngram_ratio(hashes, limits.duplicate_ngram)),
    )


def duplicate_line_ratio(text: str) -> float:
    """Share of the characters of a text that lie in lines it had before (lines of a few characters aside)."""
    lines = [line.strip() for line in text.split("\n")]
    if len(set(lines)) == len(lines):
        return 0.0
    seen: set[str] = set()
    num_all = num_repeated = 0
    for line in lines:
        num_all += len(line)
        if line in seen:
            num_repeated += len(line)
        elif len(line) >= _MIN_LINE:
            seen.add(line)
    return num_repeated / num_all if num_all else 0.0


def top_ngram_ratio(hashes: Hashes, length: int) -> float:
    """Share of units in the most frequent run of `length` units; 0 when no run comes twice."""
    if len(hashes) < 2 * length:
        return 0.0
    _, counts = np.unique(ngrams(hashes, length), return_counts=True)
    top = int(counts.max())
    return min(1.0, top * length / len(hashes)) if top > 1 else 0.0


def duplicate_ngram_ratio(hashes: Hashes, length: int) -> float:
    """Share of the runs of `length` units that came before in the text."""
    if len(hashes) <= length:
        return 0.0
    runs = ngrams(hashes, length)
    return 1 - len(np.unique(runs)) / len(runs)
