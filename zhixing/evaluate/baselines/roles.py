"""What a tagger of roles has to beat, on the same predicates: roles counted by place, and the rule they were derived from.

places and words    the role that a word has most often so many words before or behind its predicate, by the training examples
the rule            where roles were derived from parts of speech (corpus/derived_roles.py), the same rule on parts of speech
                    that a most frequent tag or a hidden Markov model guesses; given the true ones it is never wrong

The training examples must name the parts of speech ({pos}) for the second; those of the test are never read.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, final

from zhixing.core.errors import DataError
from zhixing.corpus.derived_roles import RULES, Rule, role_tags
from zhixing.corpus.parts import num_copies
from zhixing.evaluate.baselines.tags import read_tagged
from zhixing.evaluate.contest import (
    Contest,
    System,
    best_first,
    in_parts,
    is_list_of_text,
    rows_of,
    value_of,
)
from zhixing.evaluate.tasks.measure import Judged
from zhixing.evaluate.tasks.spans import judge_roles
from zhixing.model.counted_tags import CountedTagger, HiddenMarkov, MostFrequentTag
from zhixing.objective.tag import OUTSIDE, is_place

Tags = list[str]
Asked = tuple[Sequence[str], int]
"""Words, and the place of the predicate."""
FAR = 5
"""Words so far from the predicate or farther count as equally far."""
TRIED = 50
"""Examples that a rule must give the roles of, to be the one that they were derived by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RolePart:
    """Sentences with a predicate each; `pos` is empty where there are no parts of speech."""

    words: tuple[Tags, ...]
    tags: tuple[Tags, ...]
    predicates: tuple[int, ...]
    pos: tuple[Tags, ...]

    @property
    def sentences(self) -> list[str]:
        """The sentence of each predicate."""
        return [" ".join(words) for words in self.words]

    @property
    def asked(self) -> list[Asked]:
        """What is given."""
        return [*zip(self.words, self.predicates, strict=True)]


def read_roles(path: Path) -> RolePart:
    """The examples {tokens, predicate, tags} of a file, which may also have {pos}. Raises DataError for a row that is none."""
    tagged = read_tagged(path)
    predicates, pos = [], []
    for where, row in rows_of(path):
        place = row.get("predicate")
        if not isinstance(place, int) or not is_place(place, row["tokens"]):
            raise DataError(
                f"{where} has the predicate {place!r}; every row names the place of one of its "
                f"{len(row['tokens'])} tokens, from 0"
            )
        predicates.append(place)
        if "pos" in row:
            if not is_list_of_text(row["pos"]):
                raise DataError(f"{where}: its parts of speech (pos) are no list of texts")
            pos.append([*row["pos"]])
            if len(pos[-1]) != len(row["tokens"]):
                raise DataError(
                    f"{where} has {len(row['tokens'])} tokens and {len(pos[-1])} parts of speech (pos)"
                )
    if len(pos) not in (0, len(predicates)):
        raise DataError(
            f"{path}: {len(pos)} of {len(predicates)} rows have parts of speech (pos); all or none must"
        )
    return RolePart(
        words=tagged.words, tags=tagged.tags, predicates=tuple(predicates), pos=tuple(pos)
    )


@final
@dataclass(frozen=True, kw_only=True, slots=True)
class RoleContest(Contest[Tags]):
    """The roles of the words of each test sentence around its predicate."""

    asks: ClassVar[tuple[str, ...]] = ("tag",)

    train: RolePart
    validation: RolePart
    test: RolePart

    @property
    def shown(self) -> Sequence[str]:
        """See Contest."""
        return ("f1", "precision", "recall")

    def told(self) -> Sequence[str]:
        """See Contest."""
        parts = (self.train, self.validation, self.test)
        train, validation, test = (len(part.words) for part in parts)
        lines = [
            f"{train:,} predicates to learn from, {validation:,} to choose on, {test:,} to test on"
        ]
        if self._rule() is not None:
            lines.append(
                "note: these roles were derived by a rule from parts of speech; a score says how well the rule is imitated "
                "without them, and nothing of annotated roles"
            )
        copies = num_copies(map("".join, self.test.words), map("".join, self.train.words))
        leak = f"note: the sentences of {copies:,} of the test predicates are also learnt from"
        return [*lines, leak] if copies else lines

    def baselines(self, *, seed: int) -> Sequence[System[Tags]]:
        """See Contest; nothing here is drawn by chance."""
        found = [self._measured("places and words", self._counted)]
        if rule := self._rule():
            for name, tagger in (
                ("the rule, most frequent parts of speech", MostFrequentTag()),
                ("the rule, parts of speech by a hidden Markov model", HiddenMarkov()),
            ):
                found.append(self._measured(name, _by_rule(rule, tagger, self.train)))
        return best_first(found)

    def ask(self, model: Any) -> tuple[Sequence[Tags], str]:
        """See Contest; of a text that is longer than the model reads, the words around the predicate are read."""
        self.check(model)
        found = model.tag([*self.test.words], predicates=self.test.predicates, cut=True)
        return [[word.tag for word in each.words] for each in found], ""

    def judge(self, answers: Sequence[Tags]) -> Judged:
        """See Contest."""
        return judge_roles(answers, self.test.tags, sentences=self.test.sentences)

    def _measured(
        self, name: str, learn: Callable[[], Callable[[Asked], Tags]]
    ) -> tuple[System[Tags], float]:
        began = time.perf_counter()
        answer = learn()
        seconds = time.perf_counter() - began
        held = judge_roles([answer(each) for each in self.validation.asked], self.validation.tags)
        system = System(
            name=name, answers=[answer(each) for each in self.test.asked], seconds=seconds
        )
        return system, value_of(held, "f1")

    def _counted(self) -> Callable[[Asked], Tags]:
        """Tags by distance and word; by distance alone where a word was never seen there."""
        close: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
        loose: dict[int, Counter[str]] = defaultdict(Counter)
        for (words, predicate), tags in zip(self.train.asked, self.train.tags, strict=True):
            for place, (word, tag) in enumerate(zip(words, tags, strict=True)):
                distance = _distance(place, predicate)
                close[distance, word.lower()][tag] += 1
                loose[distance][tag] += 1
        likely = {key: counts.most_common(1)[0][0] for key, counts in close.items()}
        usual = {key: counts.most_common(1)[0][0] for key, counts in loose.items()}
        return lambda asked: _looked_up(asked, likely, usual)

    def _rule(self) -> Rule | None:
        """The rule that the first examples were derived by; None where no rule gives their roles."""
        first = [*zip(self.train.asked, self.train.pos, self.train.tags, strict=False)][:TRIED]
        for rule in RULES.values() if first else ():
            if all(
                role_tags(rule(words, pos, predicate), len(words), predicate) == tags
                for (words, predicate), pos, tags in first
            ):
                return rule
        return None


def open_roles(folder: Path) -> RoleContest:
    """The predicates of a folder. Raises DataError for one that lacks a part, or a row that is no example."""
    train, validation, test = in_parts(folder, read_roles)
    return RoleContest(train=train, validation=validation, test=test)


def _by_rule(
    rule: Rule, tagger: CountedTagger, train: RolePart
) -> Callable[[], Callable[[Asked], Tags]]:
    def learnt() -> Callable[[Asked], Tags]:
        sentences = {tuple(words): pos for words, pos in zip(train.words, train.pos, strict=True)}
        tagger.fit([*sentences.items()])
        return answer

    def answer(asked: Asked) -> Tags:
        words, predicate = asked
        return role_tags(rule(words, tagger.tag(words), predicate), len(words), predicate)

    return learnt


def _looked_up(
    asked: Asked, likely: Mapping[tuple[int, str], str], usual: Mapping[int, str]
) -> Tags:
    words, predicate = asked
    found = []
    for place, word in enumerate(words):
        distance = _distance(place, predicate)
        by_distance = usual.get(distance, OUTSIDE)
        found.append(likely.get((distance, word.lower()), by_distance))
    return found


def _distance(place: int, predicate: int) -> int:
    return max(-FAR, min(FAR, place - predicate))
