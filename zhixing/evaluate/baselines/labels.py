"""What a classifier of texts has to beat, on the same texts: the most frequent label, TF-IDF with logistic regression, rules.

train.jsonl        learnt from
validation.jsonl   words or characters, and the penalty, are chosen here, and which baseline is the best
test.jsonl         looked at once, by every system alike

An answer is a label, or {label, probabilities} where a system has these: then its calibration error is measured too.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, final

from zhixing.core.errors import DataError, UnsupportedError
from zhixing.corpus.labelled import check_are_labels, is_label
from zhixing.corpus.parts import num_copies
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    check_reads,
    file_of,
    first_value,
    in_parts,
    rows_of,
    told_cuts,
    with_leak,
)
from zhixing.evaluate.tasks.labels import alarms, judge_labels
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.slices import slices
from zhixing.text.segment import language_of
from zhixing.vectors.bag_of_words import BaselineConfig, chosen

Answer = str | Mapping[str, Any]
"""A label, or {label, probabilities}."""
OWN = ("text", "label", "document")
"""Fields of a row that are read; others can name slices."""
PHRASES = {"words": 2, "characters": 3}
"""Units -> longest phrase of them that is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Texts with their labels, and the document that each is a piece of; no documents where texts are whole.

    `fields` are others that every row has as a text.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    documents: tuple[str, ...]
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def at(self, places: Sequence[int]) -> "Labelled":
        """Some of them, in this order."""

        def chosen(values: Sequence[str]) -> tuple[str, ...]:
            return tuple(values[place] for place in places)

        return Labelled(
            texts=chosen(self.texts),
            labels=chosen(self.labels),
            documents=chosen(self.documents) if self.documents else (),
            fields={name: chosen(values) for name, values in self.fields.items()},
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """The examples of a folder."""

    train: Labelled
    validation: Labelled
    test: Labelled

    @property
    def num_copies(self) -> int:
        """How many test texts are also learnt from; spaces and case make no difference."""
        return num_copies(self.test.texts, self.train.texts)


def read_parts(folder: Path) -> Parts:
    """The three files of a folder of examples. Raises DataError for one that is missing or a row that is no example."""
    train, validation, test = in_parts(folder, read_labelled)
    if len({*train.labels}) < 2:
        raise DataError(
            f"{file_of(folder, 'train')}: every example has the label {train.labels[0]!r}; a classifier needs two or more"
        )
    check_are_labels({*train.labels}, len(train.labels), origin=f"{file_of(folder, 'train')}")
    return Parts(train=train, validation=validation, test=test)


def read_labelled(path: Path) -> Labelled:
    """The examples {text, label} of a file, which may also have {document}."""
    texts, labels, documents = [], [], []
    others: list[dict[str, str]] = []
    for where, row in rows_of(path):
        if not isinstance(row.get("text"), str):
            raise DataError(f"{where} is no example {{text, label}}")
        if not is_label(row.get("label")):
            raise DataError(
                f"{where} is no example {{text, label}}: its label is no text and no number"
            )
        if not row["text"].strip():
            raise DataError(f"{where} is no example: its text is empty; leave it out")
        texts.append(row["text"])
        labels.append(str(row["label"]))
        if "document" in row:
            documents.append(str(row["document"]))
        others.append({k: v for k, v in row.items() if k not in OWN and isinstance(v, str)})
    if not texts:
        raise DataError(f"{path} has no examples")
    if len(documents) not in (0, len(texts)):
        raise DataError(
            f"{path}: {len(documents)} of {len(texts)} rows have a document; all or none must"
        )
    common = [name for name in others[0] if all(name in each for each in others)]
    return Labelled(
        texts=tuple(texts),
        labels=tuple(labels),
        documents=tuple(documents),
        fields={name: tuple(each[name] for each in others) for name in common},
    )


def label_of(answer: Answer) -> str:
    """The label of an answer."""
    return answer if isinstance(answer, str) else str(answer["label"])


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class LabelContest(Contest[Answer]):
    """Labels of texts; `positive` is the one whose F1 counts, `clean` the one that raises no alarm, empty for none.

    `rules` are names of RULES that stand beside the baselines.
    """

    asks: ClassVar[tuple[str, ...]] = ("classify",)

    parts: Parts
    positive: str = ""
    clean: str = ""
    rules: tuple[str, ...] = ()

    def check(self, model: Any) -> None:
        """See Contest. Numbers are no labels, also where they are written as such."""
        if "regress" in model.methods:
            raise UnsupportedError(
                "this model has learnt numbers, and here labels are judged; measure its numbers: zhixing apply MODEL --task "
                "regress, then zhixing evaluate score --task numbers"
            )
        Contest.check(self, model)
        check_reads(model, 1)

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        first = ("f1",) if self.positive else ()
        if not self.clean:
            return (*first, "accuracy", "f1_macro", "calibration_error")
        common = [label for label, _ in Counter(self.parts.train.labels).most_common()]
        alarming = [label for label in common if label != self.clean]
        found = [f"{name}:{label}" for label in alarming for name in ("recall", "precision")]
        return (*first, "f1_macro", "false_alarms", *found, "calibration_error")

    def told(self) -> Sequence[str]:
        """See Contest."""
        train, validation, test = (
            len(part.texts) for part in (self.parts.train, self.parts.validation, self.parts.test)
        )
        sizes = f"{train:,} texts to learn from, {validation:,} to choose on, {test:,} to test on"
        return with_leak(sizes, self.parts.num_copies, "texts")

    def baselines(self, *, seed: int) -> Sequence[System[Answer]]:
        """See Contest. Raises DataError where no validation text has the positive label."""
        held = self.parts.validation.labels
        if self.positive and self.positive not in held:
            raise DataError(
                f"no validation text has the label {self.positive}, by whose F1 the best baseline is chosen; add some, or leave "
                "--positive out"
            )
        usual = majority(self.parts)
        guessed = [label_of(usual.answers[0])] * len(held)
        rules = [each for name in self.rules for each in _rules(name, self.parts)]
        found = [_linear(self.parts, seed), (usual, guessed), *rules]
        return best_first([(system, self._on_validation(guesses)) for system, guesses in found])

    def ask(self, model: Any) -> tuple[Sequence[Answer], str]:
        """See Contest; texts are cut as in training."""
        self.check(model)
        texts = self.parts.test.texts
        answers = tuple(
            {"label": each.label, "probabilities": dict(each.probabilities)}
            if each.probabilities
            else each.label
            for each in model.classify(texts, cut=True)
        )
        lengths = (len(model.encode(text)) for text in texts)
        return answers, told_cuts(lengths, model.limit, "texts")

    def judge(self, answers: Sequence[Answer]) -> Judged:
        """See Contest."""
        test, known = self.parts.test, sorted(set(self.parts.train.labels))
        guesses = [label_of(answer) for answer in answers]
        judged = judge_labels(
            guesses,
            test.labels,
            known=known,
            positive=self.positive,
            probabilities=_probabilities(answers, {*test.labels, *guesses}),
            documents=test.documents,
        )
        if not self.clean:
            return judged
        more = alarms(guesses, test.labels, clean=self.clean, documents=test.documents)
        return replace(judged, measures=(*judged.measures, *more))

    def _on_validation(self, guesses: Sequence[str]) -> float:
        labels = self.parts.validation.labels
        return first_value(judge_labels(guesses, labels, positive=self.positive), self.shown)

    def slices(self, by: str) -> Mapping[str, Sequence[int]]:
        """Places of the test texts by `length`, `language`, or the values of a field of the rows."""
        return slices(self.parts.test.texts, self.parts.test.fields, by)

    def at(self, places: Sequence[int]) -> "LabelContest":
        """The contest of some of the test texts; where none of them is positive, no F1 counts first."""
        some = self.parts.test.at(places)
        return replace(
            self,
            parts=replace(self.parts, test=some),
            positive=self.positive if self.positive in some.labels else "",
        )


def majority(parts: Parts) -> System[Answer]:
    """The label that most training texts have, for every test text."""
    common = Counter(parts.train.labels).most_common(1)[0][0]
    return System(
        name="most frequent label",
        answers=(common,) * len(parts.test.labels),
        parameters=1,
        seconds=0.0,
        told=f"always {common}",
    )


def _probabilities(answers: Sequence[Answer], labels: Iterable[str]) -> list[dict[str, float]]:
    """Of every label, 0 for those that a system does not know; none where a system gives none."""
    zeros = dict.fromkeys(sorted(labels), 0.0)
    return (
        [{**zeros, **answer["probabilities"]} for answer in answers if not isinstance(answer, str)]
        if all(not isinstance(answer, str) for answer in answers)
        else []
    )


def _rules(name: str, parts: Parts) -> Iterator[tuple[System[Answer], list[str]]]:
    """The systems of a rule, each with its labels of the validation texts."""
    from zhixing.evaluate.baselines.rules import RULES

    for called, rule in RULES[name]((parts.train.texts, parts.train.labels)):
        began = time.perf_counter()
        held = [rule(text) for text in parts.validation.texts]
        system: System[Answer] = System(
            name=called,
            answers=tuple(rule(text) for text in parts.test.texts),
            parameters=0,
            seconds=0.0,
            told=f"learns nothing; {(time.perf_counter() - began) / (len(held) + len(parts.test.texts)) * 1e6:.0f} µs a text",
        )
        yield system, held


def _linear(parts: Parts, seed: int) -> tuple[System[Answer], list[str]]:
    """TF-IDF and logistic regression with its labels of the validation texts; characters are tried for Chinese alone."""
    began = time.perf_counter()
    train, held = parts.train, parts.validation
    units = PHRASES if language_of(train.texts) == "zh" else ("words",)
    configs = [
        BaselineConfig.model_validate({"units": unit, "phrase": PHRASES[unit], "seed": seed})
        for unit in units
    ]
    found = chosen((train.texts, train.labels), (held.texts, held.labels), configs)
    seconds = time.perf_counter() - began
    config = found.baseline.config
    shares = found.baseline.probabilities(parts.test.texts)
    labels = found.baseline.labels
    system: System[Answer] = System(
        name="TF-IDF, logistic regression",
        answers=tuple(
            {
                "label": labels[int(row.argmax())],
                "probabilities": dict(zip(labels, row.tolist(), strict=True)),
            }
            for row in shares
        ),
        parameters=found.baseline.num_parameters,
        seconds=seconds,
        told=f"{config.units}, runs of up to {config.phrase}, C = {config.inverse_penalty:g}; the best of {found.tried} "
        "on the validation texts",
    )
    return system, found.guesses
