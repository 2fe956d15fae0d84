"""Summaries: ROUGE-1, ROUGE-2 and ROUGE-L (Lin 2004) by rouge-score, as the mean of F1 over items, with length ratio.

English: the library's tokenizer, which keeps a-z and 0-9 and lowers case; no stemming. Chinese: every Han character is a
token, and so is every run of other letters or digits, because the library's tokenizer would throw Chinese away and print 0.
Other languages are refused for the same reason.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zhixing.core.errors import MissingExtraError, UnsupportedError
from zhixing.evaluate.tasks.measure import (
    Judged,
    Measure,
    length_ratio,
    library_version,
    mean,
    require_pairs,
)
from zhixing.evaluate.tasks.perfect import (
    primary,
    require_perfect,
    require_texts,
    require_written_in,
)
from zhixing.text.han import HAN

TASK = "summary"
KINDS = ("rouge1", "rouge2", "rougeL")
_CHINESE = re.compile(rf"[{HAN}]|[^\W{HAN}_]+")


class ChineseTokens:
    """rouge-score's tokenizer interface: a Han character each, other letters and digits in runs, lower case, NFKC."""

    def tokenize(self, text: str) -> list[str]:
        """Full-width digits and letters equal their usual forms; marks are left out, as in English."""
        return _CHINESE.findall(unicodedata.normalize("NFKC", text).lower())


def judge_summaries(
    predictions: Sequence[str], references: Sequence[str], *, language: str
) -> Judged:
    """ROUGE F1 and the length ratio. Raises UnsupportedError for languages other than English and Chinese."""
    require_pairs(TASK, predictions, references)
    require_texts(TASK, references)
    scorer, tokens = _scorer(language)
    require_written_in(references, language)
    for kind in KINDS:
        long_enough = [text for text in references if kind != "rouge2" or _is_pair(scorer, text)]
        require_perfect(
            kind,
            _mean_f1(scorer, kind),
            1.0,
            long_enough,
            language=language,
        )
    signature = (
        f"lang:{language}|{library_version('rouge-score')}|tok:{tokens}|case:lower|stem:no|mean:f1"
    )
    measures: list[Measure] = [
        mean(kind.lower(), _f1(scorer, predictions, references, kind), signature) for kind in KINDS
    ]
    measures.append(length_ratio(predictions, references))
    empty = sum(not text.strip() for text in predictions)
    short = sum(not _is_pair(scorer, text) for text in references)
    notes = [f"{empty} summaries are empty"] if empty else []
    notes += [f"{short} references are a single token: rouge2 is 0 for them"] if short else []
    return Judged(task=TASK, measures=tuple(measures), notes=tuple(notes))


def _scorer(language: str) -> tuple[Any, str]:
    try:
        from rouge_score import rouge_scorer
    except ImportError as error:
        raise MissingExtraError("rouge-score", "eval", "scoring summaries") from error
    if primary(language) == "en":
        return rouge_scorer.RougeScorer(list(KINDS), use_stemmer=False), "rouge-score"
    if primary(language) == "zh":
        return rouge_scorer.RougeScorer(list(KINDS), tokenizer=ChineseTokens()), "han-characters"
    raise UnsupportedError(
        f"ROUGE is not available for language {language!r}: its tokenizer would throw words away; it is available "
        "for en and zh"
    )


def _is_pair(scorer: Any, text: str) -> bool:
    return scorer.score(text, text)["rouge2"].fmeasure > 0


def _mean_f1(scorer: Any, kind: str) -> Callable[[Sequence[str], Sequence[str]], float]:
    return lambda texts, right: float(np.mean(_f1(scorer, texts, right, kind)))


def _f1(
    scorer: Any, predictions: Sequence[str], references: Sequence[str], kind: str
) -> list[float]:
    return [
        float(scorer.score(reference, prediction)[kind].fmeasure)
        for prediction, reference in zip(predictions, references, strict=True)
    ]
