"""What a finder of answers has to beat, on the same questions: to decline always, and a window that TF-IDF chooses.

always no answer    right wherever there is none
TF-IDF window       the piece of the context that is most like the question, or that stands beside what is

The second follows the sliding window of Richardson et al. 2013 (MCTest) with cosines of TF-IDF vectors in place of their counts.
What a piece is, how much its own likeness and that of its surroundings count, and from which score on there is an
answer is chosen on the validation questions.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from zhixing.core.errors import DataError
from zhixing.corpus.parts import num_copies
from zhixing.evaluate.contest import Contest, System, best_first, in_parts, rows_of, value_of
from zhixing.evaluate.tasks.answers import judge_answers, least_score
from zhixing.evaluate.tasks.measure import Judged
from zhixing.text.segment import language_of
from zhixing.text.terms import terms
from zhixing.vectors.bag_of_words import BaselineConfig, make_vectoriser

SENTENCE = re.compile(r"[^.!?。！？\n]+(?:\.(?=\S)[^.!?。！？\n]+)*")
CLAUSE = re.compile(r"[^.!?。！？\n,;:，；：、()（）]+")
WEIGHTS = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (-0.5, 1.0), (-1.0, 1.0))
"""Of the likeness of a piece itself, and of what is around it: both its neighbours too, or the sentence it is the longest of."""
PIECES = ("sentence", "clause", "rest", "longest")
"""rest: a clause without the words of the question, which cut it; longest: the longest rest of a sentence."""
Place = tuple[int, int]
"""The characters of a piece, from and up to."""
_MARKS = " \t:;,.!?：；，。！？、()（）\"'“”「」"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Questions with their contexts and every right answer; none where there is no answer."""

    questions: tuple[str, ...]
    contexts: tuple[str, ...]
    answers: tuple[tuple[str, ...], ...]


def read_asked(path: Path) -> Asked:
    """The examples {question, context, answers} of a file. Raises DataError for a row that is none, saying why."""
    questions, contexts, answers = [], [], []
    for where, row in rows_of(path):
        texts = _texts(row, where)
        questions.append(row["question"])
        contexts.append(row["context"])
        answers.append(texts)
    if not questions:
        raise DataError(f"{path} has no questions")
    return Asked(questions=tuple(questions), contexts=tuple(contexts), answers=tuple(answers))


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerContest(Contest[str]):
    """An answer to each test question, empty where there is none."""

    asks: ClassVar[tuple[str, ...]] = ("answer",)

    train: Asked
    validation: Asked
    test: Asked

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        return ("f1", "exact_match", "f1_answerable", "f1_unanswerable")

    @property
    def language(self) -> str:
        """That of the test contexts, zh or en: it decides how answers are compared."""
        return language_of(self.test.contexts)

    def told(self) -> Sequence[str]:
        """See Contest."""
        train, validation, test = (
            len(part.questions) for part in (self.train, self.validation, self.test)
        )
        none = sum(not answers for answers in self.test.answers)
        copies = num_copies(self.test.contexts, self.train.contexts)
        sizes = (
            f"{train:,} questions to learn from, {validation:,} to choose on, {test:,} to test on, "
            f"{none:,} of these without an answer"
        )
        leak = (
            f"note: {copies:,} of the test questions are about contexts that are also learnt from"
        )
        return (sizes, leak) if copies else (sizes,)

    def baselines(self, *, seed: int) -> Sequence[System[str]]:
        """See Contest; nothing here is drawn by chance."""
        nothing = [""] * len(self.validation.questions)
        silent = System(name="always no answer", answers=[""] * len(self.test.questions))
        return best_first([self._window(), (silent, self._f1(nothing))])

    def ask(self, model: Any) -> tuple[Sequence[str], str]:
        """See Contest."""
        self.check(model)
        pairs = [*zip(self.test.questions, self.test.contexts, strict=True)]
        found = [each.text for each in model.answers(pairs)]
        least = 0.0 if model.learnt is None else model.learnt.least_score
        return found, f"answers that score more than {least:.2f}"

    def judge(self, answers: Sequence[str]) -> Judged:
        """See Contest."""
        return judge_answers(
            answers,
            self.test.answers,
            language=self.language,
            version="v1" if all(self.test.answers) else "v2",
            contexts=self.test.contexts,
        )

    def _f1(self, answers: Sequence[str]) -> float:
        """Of answers to the validation questions."""
        held = self.validation
        return value_of(judge_answers(answers, held.answers, language=self.language), "f1")

    def _window(self) -> tuple[System[str], float]:
        began = time.perf_counter()
        unit = "characters" if self.language == "zh" else "words"
        config = BaselineConfig.model_validate({"units": unit, "phrase": 2, "min_texts": 1})
        likeness = Likeness(config, {*self.train.contexts, *self.train.questions})
        best, chosen = -1.0, ("", WEIGHTS[0], 0.0)
        for pieces in PIECES:
            for weights, found in likeness.answers(self.validation, pieces).items():
                scores, texts = zip(*found, strict=True)
                least, f1 = least_score(
                    scores, texts, self.validation.answers, language=self.language
                )
                if f1 > best:
                    best, chosen = f1, (pieces, weights, least)
        pieces, weights, least = chosen
        found = likeness.answers(self.test, pieces)[weights]
        system = System(
            name="TF-IDF window",
            answers=[text if score > least else "" for score, text in found],
            parameters=likeness.num_words,
            seconds=time.perf_counter() - began,
            told=f"{unit}; {pieces}, weights {weights[0]:g} and {weights[1]:g}, an answer above {least:.2f}; the best of "
            f"{len(PIECES) * len(WEIGHTS)} on the validation questions",
        )
        return system, best


class Likeness:
    """How much pieces of contexts are like questions: cosines of the TF-IDF vectors that some texts give."""

    def __init__(self, config: BaselineConfig, texts: set[str]) -> None:
        self._vectoriser = make_vectoriser(config)
        self._vectoriser.fit(sorted(texts))

    @property
    def num_words(self) -> int:
        """Words and phrases that have a weight."""
        return len(self._vectoriser.vocabulary_)

    def answers(
        self, asked: Asked, pieces: str
    ) -> Mapping[tuple[float, float], list[tuple[float, str]]]:
        """For each pair of weights the best piece of every context, with its score."""
        cut = [
            _pieces(context, pieces, question)
            for question, context in zip(asked.questions, asked.contexts, strict=True)
        ]
        owners = np.repeat(np.arange(len(cut)), [len(each) for each in cut])
        alone, around = (
            [
                context[slice(*piece[side])]
                for context, each in zip(asked.contexts, cut, strict=True)
                for piece in each
            ]
            for side in (0, 1)
        )
        own, beside = (self._cosines(asked.questions, texts, owners) for texts in (alone, around))
        ends = np.cumsum([len(each) for each in cut])
        return {
            (a, b): [
                (float(scores.max()), alone[first + int(scores.argmax())].strip(_MARKS))
                for first, scores in zip(
                    [0, *ends[:-1]], np.split(a * own + b * beside, ends[:-1]), strict=True
                )
            ]
            for a, b in WEIGHTS
        }

    def _cosines(
        self, questions: Sequence[str], texts: Sequence[str], owners: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        asked = self._vectoriser.transform(questions)[owners]
        found = self._vectoriser.transform(texts)
        return np.asarray(asked.multiply(found).sum(axis=1), dtype=np.float64).ravel()


def open_answers(folder: Path) -> AnswerContest:
    """The questions of a folder. Raises DataError for one that lacks a part, or a row that is no example."""
    train, validation, test = in_parts(folder, read_asked)
    return AnswerContest(train=train, validation=validation, test=test)


def _pieces(context: str, kind: str, question: str) -> list[tuple[Place, Place]]:
    """The pieces of a context that have a letter or a digit, each with what is around it; the context if there is none."""
    if kind == "longest":
        found = [
            (max(parts, key=lambda part: part[1] - part[0]), sentence.span())
            for sentence in SENTENCE.finditer(context)
            if (parts := _parts(context, "rest", question, sentence.span()))
        ]
    else:
        parts = _parts(context, kind, question, (0, len(context)))
        found = [
            (part, (parts[max(0, n - 1)][0], parts[min(n + 1, len(parts) - 1)][1]))
            for n, part in enumerate(parts)
        ]
    return found or [((0, len(context)), (0, len(context)))]


def _parts(context: str, kind: str, question: str, within: Place) -> list[Place]:
    pattern = SENTENCE if kind == "sentence" else CLAUSE
    parts = [found.span() for found in pattern.finditer(context, *within)]
    if kind == "rest":
        parts = [rest for part in parts for rest in _without(context, part, question)]
    return [(start, end) for start, end in parts if any(map(str.isalnum, context[start:end]))]


def _without(context: str, span: Place, question: str) -> Iterator[Place]:
    """What is left of a span between the words of a question."""
    words = sorted({*terms(question, language_of([question]))}, key=len, reverse=True)
    start, end = span
    if words:
        said = "|".join(re.escape(word) for word in words)
        pattern = re.compile(rf"(?<![a-z0-9])(?:{said})(?![a-z0-9])", re.IGNORECASE)
        for found in pattern.finditer(context, *span):
            yield start, found.start()
            start = found.end()
    yield start, end


def _texts(row: Mapping[str, Any], place: str) -> tuple[str, ...]:
    """The answers of a row. Raises DataError for one that is no example."""
    for key in ("question", "context"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise DataError(f"{place} has no {key}: a text is needed; leave the row out")
    answers = row.get("answers")
    texts = answers.get("text") if isinstance(answers, Mapping) else None
    starts = answers.get("answer_start") if isinstance(answers, Mapping) else None
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        raise DataError(
            f"{place}: answers must be {{text: […], answer_start: […]}} with as many places as texts, both empty where there is "
            "no answer"
        )
    for text, start in zip(texts, starts, strict=True):
        stands = isinstance(text, str) and isinstance(start, int) and text
        if not stands or start < 0 or row["context"][start : start + len(text)] != text:
            raise DataError(
                f"{place}: the answer {text!r:.60} does not stand at character {start!r} of the context; give its place, counted "
                "from 0, or leave the row out"
            )
    return tuple(texts)
