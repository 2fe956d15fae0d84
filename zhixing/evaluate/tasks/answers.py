"""Answers to questions: exact match and F1 as the official scripts count them.

    en   SQuAD v1.1 and v2.0 (Rajpurkar et al. 2016, 2018): lower case, no punctuation, no a/an/the; F1 of shared words
    zh   CMRC 2018 (Cui et al. 2019): lower case, no punctuation; F1 of the longest run of shared characters

The best of several references counts. A question without an answer has no references; the right prediction is then the
empty text. In v1.1 there are no such questions, and an answer of nothing but articles never matches in F1: the scripts differ
there, so the version is a part of the signature. One departure: between Han characters CMRC's script cuts other text with
nltk's tokenizer, here it is runs of letters and digits, and marks one by one.
"""

import math
import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.evaluate.tasks.measure import (
    Judged,
    SumMeasure,
    drawn_together,
    mean,
    require_pairs,
)
from zhixing.evaluate.tasks.perfect import primary, require_perfect, require_written_in

TASK = "answers"
Version = Literal["v1", "v2"]
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_CMRC_MARKS = frozenset("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CMRC_TOKENS = re.compile(r"[\u4e00-\u9fa5]|[^\W\u4e00-\u9fa5_]+|\S")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rules:
    """How one language compares an answer with one reference."""

    exact: Callable[[str, str], float]
    f1: Callable[[str, str], float]
    is_empty: Callable[[str], bool]
    takes_empty: bool


def judge_answers(
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    language: str = "en",
    version: Version = "v2",
    contexts: Sequence[str] = (),
) -> Judged:
    """Exact match and F1 over all questions, and apart for those with and without an answer.

    With `contexts`, predictions that do not occur in theirs are counted in the notes, and where several questions have one
    context, contexts are drawn for the intervals, each with all its questions.
    """
    require_pairs(TASK, predictions, references)
    rules = _rules(language, version)
    if version == "v1" and not all(references):
        place = next(n for n, answers in enumerate(references, start=1) if not answers)
        raise DataError(f"question {place} has no answer, which SQuAD v1.1 does not have; say v2")
    texts = [one for answers in references for one in answers if not rules.is_empty(one)]
    require_written_in(texts, language)
    require_perfect("f1", _self(rules), 1.0, texts, language=language)
    script = {"en": f"squad-{version}", "zh": "cmrc2018"}[primary(language)]
    shared = contexts if len(set(contexts)) < len(contexts) else ()
    signature = f"lang:{language}|{script}|references:best"
    items = [_best(p, r, rules) for p, r in zip(predictions, references, strict=True)]
    answered = [not all(map(rules.is_empty, answers)) for answers in references]
    wanted = {"exact_match": (0, [True] * len(items)), "f1": (1, [True] * len(items))}
    if not all(answered) and any(answered):
        wanted["f1_answerable"] = (1, answered)
        wanted["f1_unanswerable"] = (1, [not each for each in answered])
    measures = [
        _mean(name, [item[column] for item in items], counted, shared, signature)
        for name, (column, counted) in wanted.items()
    ]
    return Judged(
        task=TASK,
        measures=tuple(measures),
        notes=tuple(_notes(predictions, references, contexts)),
    )


def score_answer(
    prediction: str, answers: Sequence[str], *, language: str, version: Version = "v2"
) -> tuple[float, float]:
    """Exact match and F1 of one prediction against the best of its references; no references: there is no answer."""
    return _best(prediction, answers, _rules(language, version))


def best_threshold(
    no_answer: Sequence[float], answered: Sequence[float], declined: Sequence[float]
) -> tuple[float, float]:
    """Above which probability of "no answer" to decline (-inf: always), and the mean score then.

    `answered` is each question's score when its answer is given, `declined` when it is not (1 where there is none). The
    threshold belongs to the data it was found on: choose it on validation data. Any number that grows with that probability
    will do.
    """
    require_pairs("threshold", no_answer, answered)
    order = sorted(range(len(no_answer)), key=lambda item: no_answer[item])
    total = sum(declined)
    best, threshold = total, -math.inf
    for place, item in enumerate(order):
        total += answered[item] - declined[item]
        tied = place + 1 < len(order) and no_answer[order[place + 1]] == no_answer[item]
        if total > best and not tied:
            best, threshold = total, no_answer[item]
    return threshold, best / len(no_answer)


def least_score(
    scores: Sequence[float],
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    language: str,
) -> tuple[float, float]:
    """The score above which an answer is to be given, for the largest mean F1, and that F1.

    `scores` say how much more likely each prediction is than that there is no answer. The middle between two scores that were
    seen is taken; where it is best to answer nothing, the largest of all, and where everything, one less than the smallest or
    0, whichever is less: no question has shown that an answer which outweighs none is wrong.
    """
    answered, declined = (
        [
            score_answer(one, right, language=language)[1]
            for one, right in zip(said, references, strict=True)
        ]
        for said in (predictions, [""] * len(predictions))
    )
    threshold, best = best_threshold([-score for score in scores], answered, declined)
    if threshold == -math.inf:
        return max(scores), best
    least = -threshold
    below = [score for score in scores if score < least]
    return (max(below) + least) / 2 if below else min(0.0, least - 1.0), best


def normal_english(text: str) -> str:
    """SQuAD's normal form."""
    bare = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def normal_chinese(text: str) -> str:
    """CMRC's normal form."""
    return "".join(c for c in text.lower().strip() if c not in _CMRC_MARKS)


def english_f1(prediction: str, reference: str, *, version: Version) -> float:
    """F1 of the words in common, each as often as both have it."""
    guess, truth = normal_english(prediction).split(), normal_english(reference).split()
    if version == "v2" and not (guess and truth):
        return float(guess == truth)
    common = sum((Counter(guess) & Counter(truth)).values())
    return 2 * common / (len(guess) + len(truth)) if common else 0.0


def chinese_f1(prediction: str, reference: str) -> float:
    """F1 of the longest common run of characters (runs of other letters count as one)."""
    guess, truth = (_CMRC_TOKENS.findall(normal_chinese(text)) for text in (prediction, reference))
    if not guess or not truth:
        return float(guess == truth)
    common = _longest_run(guess, truth)
    return 2 * common / (len(guess) + len(truth))


def _longest_run(one: Sequence[str], other: Sequence[str]) -> int:
    best = 0
    above = [0] * (len(other) + 1)
    for token in one:
        row = [0] * (len(other) + 1)
        for place, candidate in enumerate(other):
            if token == candidate:
                row[place + 1] = above[place] + 1
        best, above = max(best, *row), row
    return best


def _rules(language: str, version: Version) -> _Rules:
    if primary(language) == "en":
        return _Rules(
            exact=lambda p, r: float(normal_english(p) == normal_english(r)),
            f1=lambda p, r: english_f1(p, r, version=version),
            is_empty=lambda text: not normal_english(text),
            takes_empty=version == "v1",
        )
    if primary(language) == "zh":
        return _Rules(
            exact=lambda p, r: float(normal_chinese(p) == normal_chinese(r)),
            f1=chinese_f1,
            is_empty=lambda text: not normal_chinese(text).strip(),
            takes_empty=False,
        )
    raise UnsupportedError(
        f"answers in language {language!r} have no official script; there is one for en (SQuAD) and zh (CMRC 2018)"
    )


def _mean(
    name: str,
    values: Sequence[float],
    counted: Sequence[bool],
    contexts: Sequence[str],
    signature: str,
) -> SumMeasure:
    """The mean over the items that are counted, drawn by context where there are contexts."""
    chosen = [value for value, counts in zip(values, counted, strict=True) if counts]
    homes = [home for home, counts in zip(contexts, counted, strict=bool(contexts)) if counts]
    return drawn_together(mean(name, chosen, signature), homes, "contexts")


def _best(prediction: str, answers: Sequence[str], rules: _Rules) -> tuple[float, float]:
    """Against every reference (in v2.0, that is not empty); where there is none, against the empty text."""
    wanted = [a for a in answers if rules.takes_empty or not rules.is_empty(a)] or [""]
    return (
        max(rules.exact(prediction, answer) for answer in wanted),
        max(rules.f1(prediction, answer) for answer in wanted),
    )


def _self(rules: _Rules) -> Callable[[Sequence[str], Sequence[str]], float]:
    def scored(one: Sequence[str], other: Sequence[str]) -> float:
        return sum(map(rules.f1, one, other)) / len(one)

    return scored


def _notes(
    predictions: Sequence[str], references: Sequence[Sequence[str]], contexts: Sequence[str]
) -> list[str]:
    notes = []
    counts: Mapping[str, int] = {
        "predictions are empty": sum(not text.strip() for text in predictions),
        "questions have no answer": sum(not answers for answers in references),
        "predictions do not occur in their context": sum(
            text not in context for text, context in zip(predictions, contexts, strict=False)
        ),
    }
    notes += [f"{count} {what}" for what, count in counts.items() if count]
    return notes
