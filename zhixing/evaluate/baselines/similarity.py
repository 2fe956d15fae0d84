"""How alike two texts are: what a model has to beat is how many runs of letters the two share.

train.jsonl        {text1, text2, label}: learnt from, where it is there
validation.jsonl   the best baseline is chosen on it, where it is there
test.jsonl         people's judgements, as numbers; Spearman's rank correlation counts first

Published judgements (WordSim-353, SimLex-999) are a test alone; STS-B has three parts. A model that learnt `regress` gives its
number, any other the cosine of its two vectors.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.corpus.labelled import as_number
from zhixing.corpus.parts import num_copies
from zhixing.evaluate.baselines.retrieval import vectors_of
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    check_reads,
    file_of,
    rows_of,
    told_cuts,
    value_of,
    with_leak,
)
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.numbers import judge_numbers
from zhixing.vectors.bag_of_words import BaselineConfig, make_vectoriser

PHRASES = {"characters": 3, "words": 1}
"""Units -> longest phrase of them."""
MAIN = "spearman"


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedPairs:
    """Pairs of texts with a number each; more is more alike."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    labels: tuple[float, ...]


def read_judged(path: Path) -> JudgedPairs:
    """The examples {text1, text2, label} of a file. Raises DataError for a row that is none."""
    found = []
    for where, row in rows_of(path):
        for key in ("text1", "text2"):
            if not isinstance(row.get(key), str) or not row[key].strip():
                raise DataError(f"{where}: {key} is empty or no text")
        label = as_number(row.get("label"))
        if math.isnan(label):
            raise DataError(
                f"{where}: its label is no number, as how alike two texts are has to be; of pairs with other labels type: "
                f"zhixing apply MODEL --task classify, then zhixing evaluate score --task labels"
            )
        found.append((row["text1"], row["text2"], label))
    if not found:
        raise DataError(f"{path} has no examples")
    first, second, labels = zip(*found, strict=True)
    return JudgedPairs(first=first, second=second, labels=labels)


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class SimilarityContest(Contest[float]):
    """A number for each pair of the test; no other part needs to be there."""

    asks: ClassVar[tuple[str, ...]] = ("regress", "embed")

    train: JudgedPairs | None
    validation: JudgedPairs | None
    test: JudgedPairs

    def check(self, model: Any) -> None:
        """See Contest. Its vectors say nothing of what a model that learnt labels has learnt, so they are not compared."""
        Contest.check(self, model)
        if "classify" in model.methods:
            raise UnsupportedError(
                "this model has learnt labels, and here numbers are judged; measure its labels: zhixing apply MODEL --task "
                "classify, then zhixing evaluate score --task labels"
            )
        if "regress" in model.methods:
            check_reads(model, 2)

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        return (MAIN, "pearson")

    def told(self) -> Sequence[str]:
        """See Contest."""
        learnt, held, test = (
            len(part.labels) if part else 0 for part in (self.train, self.validation, self.test)
        )
        sizes = f"{learnt:,} pairs to learn from, {held:,} to choose on, {test:,} to test on"
        copies = num_copies(_told_pairs(self.test), _told_pairs(self.train)) if self.train else 0
        return with_leak(sizes, copies, "pairs")

    def baselines(self, *, seed: int) -> Sequence[System[float]]:
        """See Contest; without validation pairs in the order of PHRASES, those that tell pairs apart. How rare words are is learnt without labels."""
        texts, held = self.train or self.test, self.validation
        found = []
        for units, phrase in PHRASES.items():
            config = {"units": units, "phrase": phrase, "min_texts": 1}
            vectoriser = make_vectoriser(BaselineConfig.model_validate(config))
            vectoriser.fit([*texts.first, *texts.second])
            system = System(
                name=f"TF-IDF, {units}",
                answers=_shared(vectoriser, self.test),
                parameters=len(vectoriser.vocabulary_),
            )
            if (
                len({*system.answers}) > 1
            ):  # pairs of one word each have all words in common, or none
                found.append((system, _rank_correlation(vectoriser, held) if held else 0.0))
        return best_first(found)

    def ask(self, model: Any) -> tuple[Sequence[float], str]:
        """See Contest. Raises UnsupportedError for a model that gives neither numbers nor vectors."""
        self.check(model)
        if "regress" in model.methods:
            pairs = [*zip(self.test.first, self.test.second, strict=True)]
            lengths = (len(model.tokenizer.encode_pair(*pair).ids) for pair in pairs)
            return model.regress(pairs, cut=True), told_cuts(lengths, model.limit, "pairs")
        first, told = vectors_of(model, self.test.first, "first texts")
        second, more = vectors_of(model, self.test.second, "second texts")
        cosines = (first * second).sum(axis=1)
        return [float(each) for each in cosines], "; ".join(filter(None, (told, more)))

    def judge(self, answers: Sequence[float]) -> Judged:
        """See Contest."""
        return judge_numbers(answers, self.test.labels)


def open_similarity(folder: Path) -> SimilarityContest:
    """The pairs of a folder. Raises DataError for one without a test, or a row that is no example."""
    train, validation = (
        read_judged(file_of(folder, part)) if any(folder.glob(f"{part}.*")) else None
        for part in ("train", "validation")
    )
    test = read_judged(file_of(folder, "test"))
    return SimilarityContest(train=train, validation=validation, test=test)


def _told_pairs(pairs: JudgedPairs) -> list[str]:
    return [f"{first}\n{second}" for first, second in zip(pairs.first, pairs.second, strict=True)]


def _shared(vectoriser: Any, pairs: JudgedPairs) -> list[float]:
    one, other = vectoriser.transform(pairs.first), vectoriser.transform(pairs.second)
    return [float(each) for each in np.asarray(one.multiply(other).sum(axis=1)).ravel()]


def _rank_correlation(vectoriser: Any, held: JudgedPairs) -> float:
    """On validation pairs; -1 where it is not defined."""
    value = value_of(judge_numbers(_shared(vectoriser, held), held.labels), MAIN)
    return -1.0 if math.isnan(value) else value
