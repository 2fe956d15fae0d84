"""What a classifier of texts has to beat, on the same texts: the most frequent label, and TF-IDF with logistic regression.

train.jsonl        learnt from
validation.jsonl   words or characters, and the penalty, are chosen here, and which baseline is the best
test.jsonl         looked at once, by every system alike
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from zhixing.core.errors import DataError
from zhixing.corpus.labelled import check_are_labels
from zhixing.corpus.parts import same
from zhixing.evaluate.contest import Contest, System, best_first, file_of, rows_of, value_of
from zhixing.evaluate.tasks.labels import judge_labels
from zhixing.evaluate.tasks.measure import Judged
from zhixing.text.segment import HAS_HAN
from zhixing.vectors.bag_of_words import BaselineConfig, chosen

PHRASES = {"words": 2, "characters": 3}
"""Units -> longest phrase of them that is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Texts with their labels, and the document that each is a piece of; no documents where texts are whole."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    documents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The examples of a folder."""

    train: Labelled
    validation: Labelled
    test: Labelled

    @property
    def num_copies(self) -> int:
        """How many test texts are also learnt from; spaces and case make no difference."""
        learnt = {same(text) for text in self.train.texts}
        return sum(same(text) in learnt for text in self.test.texts)


def read_parts(folder: Path) -> Parts:
    """The three files of a folder of examples. Raises DataError for one that is missing or a row that is no example."""
    train, validation, test = (
        read_labelled(file_of(folder, part)) for part in ("train", "validation", "test")
    )
    if len({*train.labels}) < 2:
        raise DataError(
            f"{file_of(folder, 'train')}: every example has the label {train.labels[0]!r}; a classifier needs two or more"
        )
    check_are_labels({*train.labels}, len(train.labels), origin=f"{file_of(folder, 'train')}")
    return Parts(train=train, validation=validation, test=test)


def read_labelled(path: Path) -> Labelled:
    """The examples {text, label} of a file, which may also have {document}."""
    texts, labels, documents = [], [], []
    for number, row in rows_of(path):
        if not isinstance(row.get("text"), str):
            raise DataError(f"{path}: row {number} is no example {{text, label}}")
        if not isinstance(row.get("label"), str | int | float):
            raise DataError(
                f"{path}: row {number} is no example {{text, label}}: its label is no text and no number"
            )
        if not row["text"].strip():
            raise DataError(f"{path}: row {number} is no example: its text is empty; leave it out")
        texts.append(row["text"])
        labels.append(str(row["label"]))
        if "document" in row:
            documents.append(str(row["document"]))
    if not texts:
        raise DataError(f"{path} has no examples")
    if len(documents) not in (0, len(texts)):
        raise DataError(
            f"{path}: {len(documents)} of {len(texts)} rows have a document; all or none must"
        )
    return Labelled(texts=tuple(texts), labels=tuple(labels), documents=tuple(documents))


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LabelContest(Contest[str]):
    """Labels of texts; `positive` is the one whose F1 counts, empty for none."""

    parts: Parts
    positive: str = ""

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        first = ("f1",) if self.positive else ()
        return (*first, "accuracy", "f1_macro")

    def told(self) -> Sequence[str]:
        """See Contest."""
        train, validation, test = (
            len(part.texts) for part in (self.parts.train, self.parts.validation, self.parts.test)
        )
        sizes = f"{train:,} texts to learn from, {validation:,} to choose on, {test:,} to test on"
        if not (copies := self.parts.num_copies):
            return (sizes,)
        return (
            sizes,
            f"note: {copies:,} of the texts to test on are also learnt from: the scores are too good",
        )

    def baselines(self, *, seed: int) -> Sequence[System[str]]:
        """See Contest; the best by macro F1."""
        common = Counter(self.parts.train.labels).most_common(1)[0][0]
        majority = System(
            name="most frequent label",
            answers=(common,) * len(self.parts.test.labels),
            parameters=1,
            seconds=0.0,
            told=f"always {common}",
        )
        guesses = [common] * len(self.parts.validation.labels)
        floor = value_of(judge_labels(guesses, self.parts.validation.labels), "f1_macro")
        return best_first([_linear(self.parts, seed), (majority, floor)])

    def ask(self, model: Any) -> tuple[Sequence[str], str]:
        """See Contest; texts are cut as in training."""
        model.require("classify")
        texts, limit = self.parts.test.texts, model.limit
        labels = tuple(each.label for each in model.classify(texts, cut=True))
        long = 0 if limit is None else sum(len(model.encode(text)) > limit for text in texts)
        return labels, f"{long:,} of {len(texts):,} texts cut to {limit} tokens" if long else ""

    def judge(self, answers: Sequence[str]) -> Judged:
        """See Contest."""
        test, known = self.parts.test, sorted(set(self.parts.train.labels))
        return judge_labels(
            answers, test.labels, known=known, positive=self.positive, documents=test.documents
        )


def _linear(parts: Parts, seed: int) -> tuple[System[str], float]:
    """TF-IDF and logistic regression with its score on the validation texts; characters are tried for Chinese alone."""
    began = time.perf_counter()
    train, held = parts.train, parts.validation
    num_chinese = sum(bool(HAS_HAN.search(text)) for text in train.texts)
    units = PHRASES if 2 * num_chinese > len(train.texts) else ("words",)
    configs = [
        BaselineConfig.model_validate({"units": unit, "phrase": PHRASES[unit], "seed": seed})
        for unit in units
    ]
    found = chosen((train.texts, train.labels), (held.texts, held.labels), configs)
    seconds = time.perf_counter() - began
    config = found.baseline.config
    system = System(
        name="TF-IDF, logistic regression",
        answers=tuple(found.baseline.predict(parts.test.texts)),
        parameters=found.baseline.num_parameters,
        seconds=seconds,
        told=f"{config.units}, runs of up to {config.phrase}, C = {config.inverse_penalty:g}; the best of {found.tried} "
        "on the validation texts",
    )
    return system, found.held_out
