"""Translations: BLEU, chrF and TER by sacrebleu, with the tokenizer that the target language needs; length ratio.

    BLEU   Papineni et al. 2002        chrF   Popović 2015        TER   Snover et al. 2006        sacrebleu   Post 2018

sacrebleu counts per sentence and scores the sums; those counts are what is resampled, so an interval is that of the very
same number. Chinese goes by characters (tokenizer zh), Japanese and Korean by MeCab where its dictionary is installed,
languages that put spaces between words by 13a. Others (Thai, Khmer, …) are refused.
"""

# ruff: noqa: SIM905 - a long list of words reads better as text

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zhixing.core.errors import MissingExtraError, UnsupportedError
from zhixing.evaluate.resampling import Floats
from zhixing.evaluate.tasks.measure import (
    Formula,
    Judged,
    Measure,
    SumMeasure,
    length_ratio,
    require_pairs,
)
from zhixing.evaluate.tasks.perfect import (
    primary,
    require_perfect,
    require_texts,
    require_written_in,
)

TASK = "translation"
TOKENIZERS: Mapping[str, str] = {"zh": "zh", "ja": "ja-mecab", "ko": "ko-mecab"}
WITH_SPACES = frozenset(
    "en de fr es it pt nl sv da no nb nn is fi et lv lt pl cs sk sl hr sr bs mk bg ru uk be ro hu el tr az kk uz id ms tl "
    "vi sw af ca gl eu ga cy sq hy ka he ar fa ur hi bn gu mr ta te kn ml pa ne si".split()
)
"""Languages that write spaces between words, which is what the tokenizer 13a needs."""
_PERFECT = {"bleu": 100.0, "chrf": 100.0, "ter": 0.0}


def bleu_tokenizer(language: str) -> str:
    """Sacrebleu's tokenizer for a target language. Raises UnsupportedError for one that it cannot cut into words."""
    tag = primary(language)
    if tag in TOKENIZERS:
        return TOKENIZERS[tag]
    if tag in WITH_SPACES:
        return "13a"
    known = ", ".join([*TOKENIZERS, *sorted(WITH_SPACES)])
    raise UnsupportedError(
        f"BLEU and TER need words, and there is no tokenizer here for language {language!r}; there is one for {known}"
    )


def judge_translations(
    predictions: Sequence[str],
    references: Sequence[str],
    *,
    language: str,
    lowercase: bool = False,
) -> Judged:
    """BLEU, chrF, TER and the length ratio; `language` is that of the target."""
    require_pairs(TASK, predictions, references)
    require_texts(TASK, references)
    tokenizer = bleu_tokenizer(language)
    require_written_in(references, language)
    measures: list[Measure] = []
    for name, metric in _metrics(tokenizer, primary(language), lowercase=lowercase).items():
        require_perfect(
            name,
            _corpus_score(metric),
            _PERFECT[name],
            references,
            language=language,
        )
        measures.append(_measure(name, metric, predictions, references, language))
    ratio = length_ratio(predictions, references)
    empty = sum(not text.strip() for text in predictions)
    notes = (f"{empty} translations are empty",) if empty else ()
    return Judged(task=TASK, measures=(*measures, ratio), notes=notes)


def chrf(predictions: Sequence[str], references: Sequence[str]) -> SumMeasure:
    """The chrF alone, which counts runs of characters and so needs no language: for texts in several of them."""
    require_pairs("chrf", predictions, references)
    require_texts("chrf", references)
    return _measure("chrf", _chrf(), predictions, references, "any")


def sentence_chrf(prediction: str, reference: str) -> float:
    """The chrF of one text beside another, 0 to 100."""
    return float(_chrf().sentence_score(prediction, [reference]).score)


def _chrf() -> Any:
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise MissingExtraError("sacrebleu", "eval", "scoring texts by chrF") from error
    return CHRF()


def _metrics(tokenizer: str, language: str, *, lowercase: bool) -> dict[str, Any]:
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
        from sacrebleu.metrics.ter import TER
    except ImportError as error:
        raise MissingExtraError("sacrebleu", "eval", "scoring translations") from error
    try:
        bleu = BLEU(tokenize=tokenizer, lowercase=lowercase)
    except (ImportError, RuntimeError) as error:
        raise UnsupportedError(
            f"BLEU for {language!r} needs MeCab and its dictionary, which are not installed; type: "
            f"pip install 'sacrebleu[{language}]'"
        ) from error
    by_character = language in TOKENIZERS
    return {
        "bleu": bleu,
        "chrf": CHRF(lowercase=lowercase),
        "ter": TER(
            normalized=by_character, asian_support=by_character, case_sensitive=not lowercase
        ),
    }


def _corpus_score(metric: Any) -> Callable[[Sequence[str], Sequence[str]], float]:
    return lambda texts, right: float(metric.corpus_score(list(texts), [list(right)]).score)


def _measure(
    name: str, metric: Any, predictions: Sequence[str], references: Sequence[str], language: str
) -> SumMeasure:
    whole = metric.corpus_score(list(predictions), [list(references)])
    counts = metric._extract_corpus_statistics(list(predictions), [list(references)])
    measure = SumMeasure(
        name=name,
        signature=f"lang:{language}|{metric.get_signature()}",
        table=np.array(counts, dtype=np.float64),
        formula=_formula(metric),
        unit="0 to 100" if name != "ter" else "edits per 100 words",
        better="lower" if name == "ter" else "higher",
    )
    value = measure.value()
    assert abs(value - whole.score) < 1e-9, (
        f"{name}: the sums give {value}, sacrebleu {whole.score}"
    )
    return measure


def _formula(metric: Any) -> Formula:
    """Sacrebleu's own way from summed counts to the score, once per draw."""
    compute: Callable[[list[float]], Any] = metric._compute_score_from_stats

    def formula(sums: Floats) -> Floats:
        rounded = np.rint(sums) if np.allclose(sums, np.rint(sums)) else sums
        return np.array([compute(row.tolist()).score for row in rounded])

    return formula
