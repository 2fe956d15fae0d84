"""What a tagger has to beat, on the same sentences: tags from counts, and for Chinese words and names jieba.

most frequent tag    the tag that a word has most often
hidden Markov        bigrams of tags (model/counted_tags.py)
jieba                its dictionary and hidden Markov model: words, or persons, places and organisations; learns nothing here
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from zhixing.core.errors import DataError
from zhixing.corpus.labelled import is_label
from zhixing.corpus.parts import num_copies
from zhixing.corpus.sources.peoples_daily import KINDS
from zhixing.corpus.tagged import bio_tags
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    first_value,
    in_parts,
    is_list_of_text,
    rows_of,
    with_leak,
)
from zhixing.evaluate.tasks.measure import Judged, SumMeasure, quotient
from zhixing.evaluate.tasks.tags import judge_tags
from zhixing.model.counted_tags import CountedTagger, HiddenMarkov, MostFrequentTag
from zhixing.text.segment import classes_of_words, words

Tags = list[str]
Tagger = Callable[[Sequence[str]], Tags]
WORD = {"B-WORD", "I-WORD"}
NAMES = {"O", *(f"{mark}-{kind}" for mark in "BI" for kind in KINDS.values())}
"""jieba's classes of names begin like these kinds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggedPart:
    """Sentences as words with as many tags."""

    words: tuple[Tags, ...]
    tags: tuple[Tags, ...]


def read_tagged(path: Path) -> TaggedPart:
    """The examples {tokens, tags} of a file. Raises DataError for a row that is none."""
    found: list[tuple[Tags, Tags]] = []
    for where, row in rows_of(path):
        if not all(is_list_of_text(row.get(key)) for key in ("tokens", "tags")):
            raise DataError(f"{where} has not the lists of text {{tokens, tags}}")
        if len(row["tokens"]) != len(row["tags"]):
            raise DataError(
                f"{where} has {len(row['tokens'])} tokens and {len(row['tags'])} tags; each token has one"
            )
        if not all(map(is_label, row["tags"])):
            raise DataError(f"{where} has an empty tag; a word of no kind has the tag O")
        found.append((row["tokens"], row["tags"]))
    if not any(tokens for tokens, _ in found):
        raise DataError(f"{path} has no words with tags")
    return TaggedPart(
        words=tuple(tokens for tokens, _ in found), tags=tuple(tags for _, tags in found)
    )


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class TagContest(Contest[Tags]):
    """A tag for each word of each test sentence."""

    asks: ClassVar[tuple[str, ...]] = ("tag",)

    train: TaggedPart
    validation: TaggedPart
    test: TaggedPart

    @property
    def shown(self) -> Sequence[str]:
        """See Contest; the first that the tags define counts."""
        return ("f1", "accuracy", "accuracy_new_words")

    def told(self) -> Sequence[str]:
        """See Contest."""
        parts = (self.train, self.validation, self.test)
        train, validation, test = (len(part.words) for part in parts)
        copies = num_copies(map("".join, self.test.words), map("".join, self.train.words))
        sizes = (
            f"{train:,} sentences to learn from, {validation:,} to choose on, {test:,} to test on"
        )
        return with_leak(sizes, copies, "sentences")

    def baselines(self, *, seed: int) -> Sequence[System[Tags]]:
        """See Contest; nothing here is drawn by chance."""
        found = [
            self._counted("most frequent tag", MostFrequentTag()),
            self._counted("hidden Markov model", HiddenMarkov()),
        ]
        if tagger := self._jieba():
            found.append(self._measured("jieba", tagger, None))
        return best_first(found)

    def ask(self, model: Any) -> tuple[Sequence[Tags], str]:
        """See Contest."""
        self.check(model)
        return [[word.tag for word in each.words] for each in model.tag([*self.test.words])], ""

    def judge(self, answers: Sequence[Tags]) -> Judged:
        """See Contest."""
        judged = judge_tags(answers, self.test.tags)
        new = self._of_new_words(answers)
        return Judged(
            task=judged.task,
            measures=(*judged.measures, new),
            details=judged.details,
            notes=judged.notes,
        )

    def _counted(self, name: str, tagger: CountedTagger) -> tuple[System[Tags], float]:
        began = time.perf_counter()
        tagger.fit([*zip(self.train.words, self.train.tags, strict=True)])
        return self._measured(name, tagger.tag, time.perf_counter() - began)

    def _measured(
        self, name: str, tagger: Tagger, seconds: float | None
    ) -> tuple[System[Tags], float]:
        held = judge_tags([tagger(each) for each in self.validation.words], self.validation.tags)
        answers = [tagger(each) for each in self.test.words]
        system = System(name=name, answers=answers, seconds=seconds)
        return system, first_value(held, self.shown)

    def _jieba(self) -> Tagger | None:
        """Words or names of Chinese, whichever the tags are; None where they are neither, or stand on more than characters."""
        labels = {tag for each in self.train.tags for tag in each}
        is_characters = all(
            len(token) == 1
            for part in (self.validation, self.test)
            for each in part.words
            for token in each
        )
        if not is_characters or not (labels <= WORD or labels <= NAMES):
            return None
        return _segmented if labels <= WORD else _named

    def _of_new_words(self, answers: Sequence[Tags]) -> SumMeasure:
        """Accuracy over the words that the training sentences do not have."""
        known = {word for each in self.train.words for word in each}
        table = [
            [
                sum(a == b for word, a, b in triples if word not in known),
                sum(word not in known for word, *_ in triples),
            ]
            for each in zip(self.test.words, answers, self.test.tags, strict=True)
            for triples in [[*zip(*each, strict=True)]]
        ]
        return SumMeasure(
            name="accuracy_new_words",
            signature="words that were not learnt",
            table=np.array(table, dtype=np.float64),
            formula=quotient,
        )


def open_tags(folder: Path) -> TagContest:
    """The sentences of a folder. Raises DataError for one that lacks a part, or a row that is no example."""
    train, validation, test = in_parts(folder, read_tagged)
    return TagContest(train=train, validation=validation, test=test)


def _segmented(characters: Sequence[str]) -> Tags:
    text = "".join(characters)
    return bio_tags([(text[start:end], "WORD") for start, end in words(text, "zh")])


def _named(characters: Sequence[str]) -> Tags:
    found = classes_of_words("".join(characters))
    return bio_tags([(word, KINDS.get(kind[:2], "")) for word, kind in found])
